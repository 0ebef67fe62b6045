import { headingOf } from '../../evaluation/figure.ts'
import { figuresIn, keyOf } from '../../evaluation/figures.ts'
import type { EvaluationReport, Slice, SliceGroup } from '../../pipelines/training/evaluation-report.ts'
import { type Html, html, table } from '../page.ts'
import { count, figureCell, percent } from './figures.ts'

/** How many slices of a group are shown, those with the most rows. */
const SHOWN_SLICES = 30

/** Quality on groups of the test rows, one table a group. */
export const slicesSection = ({ slices, threshold }: EvaluationReport): Html =>
  slices.length === 0
    ? html``
    : html`<h2>Quality on groups of the test rows</h2>
<p class="quiet">Look for groups that stay far behind the others: frauds are missed there (recall) or customers bothered (precision). Decisions at the threshold ${Number(threshold.toPrecision(3))}. A dash: not defined, for instance without frauds. A group of few frauds says little.</p>
${slices.map(groupTable)}`

const groupTable = ({ by, slices }: SliceGroup): Html => {
  const shown = shownOf(slices)
  const figures = figuresIn('slices')
  const heads = [by, 'Rows', 'Frauds', 'Flagged', ...figures.map(headingOf)]
  return html`<h3>By ${by}</h3>
${table(
  heads,
  shown.map((slice) => [
    slice.name,
    count(slice.rows),
    html`${count(slice.frauds)}${slice.rows === 0 ? null : html`<small>${percent(slice.frauds / slice.rows)}</small>`}`,
    count(slice.flagged),
    ...figures.map((figure) => figureCell(figure, slice[keyOf(figure)])),
  ]),
  heads.map((_, column) => column).slice(1),
)}${shown.length < slices.length ? html`<p class="quiet">The ${shown.length} groups with the most rows of ${slices.length}; evaluation.json holds all.</p>` : null}`
}

/** In the order of the report, so that bands stay in order. */
const shownOf = (slices: readonly Slice[]): readonly Slice[] => {
  if (slices.length <= SHOWN_SLICES) return slices
  const largest = new Set([...slices].sort((left, right) => right.rows - left.rows).slice(0, SHOWN_SLICES))
  return slices.filter((slice) => largest.has(slice))
}
