import { headingOf } from '../../evaluation/figure.ts'
import { type FigureValues, figuresIn, keyOf, type NamedFigure } from '../../evaluation/figures.ts'
import type { CandidateReport, EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { details, type Html, html, table } from '../page.ts'
import { figureCell, settingsText, settingValue } from './figures.ts'

/** How many of the settings that a search tried are shown; the file search.json holds them all. */
const SHOWN_TRIED = 50

/** All candidates and the model in production side by side; settings and searches to be opened. */
export const candidatesSection = (report: EvaluationReport): Html => {
  const { candidates, production } = report
  const tested = candidates.map((candidate) => ({
    name: candidateName(candidate),
    figures: candidate.test,
    reason: candidate.unavailable,
  }))
  if (production !== null)
    tested.push({ name: productionName(production), figures: production.test, reason: undefined })
  const validated = candidates
    .filter((candidate) => candidate.unavailable === undefined)
    .map((candidate) => ({
      name: candidateName(candidate),
      figures: candidate.validation,
      reason: undefined,
    }))
  return html`<h2>Candidates side by side</h2>
<p class="quiet">Each with its own calibration and threshold. Decided by ${report.model.chosenBy}; the test rows decide nothing. More is better, but for ${lowerIsBetter()}. A dash: not defined.</p>
<h3>On the test rows</h3>
${figuresTable(tested)}
<h3>On the validation rows</h3>
${figuresTable(validated)}
${candidates.filter((candidate) => candidate.unavailable === undefined).map(candidateDetails)}`
}

const lowerIsBetter = (): string =>
  figuresIn('candidates')
    .filter(({ better }) => better === 'lower')
    .map(({ title }) => title)
    .join(' and ')

interface Row {
  readonly name: Html
  readonly figures: Partial<FigureValues> | undefined
  /** Why there are no figures. */
  readonly reason: string | undefined
}

const figuresTable = (rows: readonly Row[]): Html => {
  const figureOf = ({ figures }: Row, figure: NamedFigure): number | null => figures?.[keyOf(figure)] ?? null
  const shown = figuresIn('candidates').filter(
    // Without a cost matrix nobody has a cost: no column of dashes.
    (figure) => !figure.needs.includes('costs') || rows.some((row) => figureOf(row, figure) !== null),
  )
  const told = rows.filter(({ reason }) => reason !== undefined)
  return html`${table(
    ['Model', ...shown.map(headingOf)],
    rows
      .filter(({ reason }) => reason === undefined)
      .map((row) => [row.name, ...shown.map((figure) => figureCell(figure, figureOf(row, figure)))]),
    shown.map((_, index) => index + 1),
  )}${told.length === 0 ? null : html`<ul class="plain reasons">${told.map(({ name, reason }) => html`<li>${name}: ${reason ?? ''}</li>`)}</ul>`}`
}

const candidateName = ({ title, isChosen, unavailable }: CandidateReport): Html => {
  if (unavailable !== undefined) return html`<span class="badge warn">unavailable</span> ${title}`
  return isChosen ? html`<b>${title}</b> <span class="badge good">✓ chosen</span>` : html`${title}`
}

const productionName = ({ title, where }: NonNullable<EvaluationReport['production']>): Html =>
  html`${title} <span class="badge">in production</span><small>${where}</small>`

const candidateDetails = ({ title, settings, search }: CandidateReport): Html => {
  const fitted = html`<p class="quiet">Fitted with: ${settingsText(settings)}</p>`
  if (search === undefined) return details(`${title}: settings, nothing was searched`, fitted)
  const { method, scoring, tried } = search
  return details(
    `${title}: settings and ${method} search, ${tried.length} tried`,
    html`${fitted}${table(
      [...settingNames(tried), scoring, '± deviation over folds'],
      tried
        .slice(0, SHOWN_TRIED)
        .map((one) => [
          ...settingNames(tried).map((name) => settingValue(one.settings[name])),
          one.mean.toFixed(4),
          one.deviation.toFixed(4),
        ]),
      [...settingNames(tried), scoring, ''].map((_, index) => index),
    )}${tried.length > SHOWN_TRIED ? html`<p class="quiet">The best ${SHOWN_TRIED} of ${tried.length}; search.json holds all.</p>` : null}`,
  )
}

const settingNames = (
  tried: readonly { readonly settings: Readonly<Record<string, unknown>> }[],
): string[] => [...new Set(tried.flatMap(({ settings }) => Object.keys(settings)))]
