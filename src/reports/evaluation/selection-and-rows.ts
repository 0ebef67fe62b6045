import type { EvaluationReport, SplitPart } from '../../pipelines/training/evaluation-report.ts'
import { details, type Html, html, table } from '../page.ts'
import { count, instant, percent } from './figures.ts'

/** Which features went into the models, and why the others did not. */
export const selectionSection = ({ selection }: EvaluationReport): Html => {
  const { methods, kept, dropped } = selection
  return html`<h2>Selection of features</h2>
<p>${count(kept)} kept, ${count(dropped.length)} dropped${methods.length === 0 ? '' : ` (${methods.join(', ')})`}. Decided on the training rows only.</p>
${
  dropped.length === 0
    ? null
    : details(
        `The ${count(dropped.length)} dropped and why`,
        table(
          ['Feature', 'Reason'],
          dropped.map(({ feature, reason }) => [html`<code>${feature}</code>`, reason]),
        ),
      )
}`
}

/** Which rows each part of the split holds. */
export const rowsSection = ({ split }: EvaluationReport): Html =>
  html`<h2>Rows</h2>
<p class="quiet">Split: ${split.method}. Nothing was fitted on the test rows; on the validation rows only calibration, threshold and the choice of the model.</p>
${table(
  ['Part', 'Rows', 'Frauds', 'Share', 'First event (UTC)', 'Last event (UTC)'],
  split.parts.map(splitRow),
  [1, 2, 3],
)}`

const splitRow = ({ part, rows, frauds, fromMs, toMs }: SplitPart): readonly string[] => [
  part,
  count(rows),
  count(frauds),
  rows === 0 ? '' : percent(frauds / rows),
  instant(fromMs),
  instant(toMs),
]
