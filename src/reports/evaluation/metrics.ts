import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import type { EvaluationReport, Intervals } from '../../pipelines/training/evaluation-report.ts'
import { type Html, html, table } from '../page.ts'
import { count, dailyName, interval, percent, quantity, score } from './figures.ts'

const PARTS = ['train', 'validation', 'test'] as const

/** Every figure of the chosen model on each part with its 95 % interval, and what it says. */
export const metricsSection = (report: EvaluationReport): Html =>
  html`<h2>Metrics of the chosen model</h2>
<p class="quiet">Below a figure its 95 % bootstrap interval. The training rows were seen in training: their figures only tell how much the model learned by heart.</p>
${table(
  ['Metric', 'Train', 'Validation', 'Test', 'What it says'],
  METRICS.map(({ name, value, interval: key, meaning }) => [
    name === 'daily' ? dailyName(report) : name,
    ...PARTS.map((part) => {
      const ends = key === undefined ? '' : interval(report.intervals[part][key])
      return html`${value(report.parts[part])}${ends === '' ? null : html`<small>${ends}</small>`}`
    }),
    html`<span class="quiet meaning">${meaning}</span>`,
  ]),
  [1, 2, 3],
)}`

const METRICS: readonly {
  readonly name: string
  readonly value: (part: PartEvaluation) => string
  readonly interval?: keyof Intervals
  readonly meaning: string
}[] = [
  {
    name: 'average precision',
    value: (part) => score(part.averagePrecision),
    interval: 'averagePrecision',
    meaning: 'Area under the precision-recall curve; a random model has the share of fraud.',
  },
  {
    name: 'ROC-AUC',
    value: (part) => score(part.rocAuc),
    interval: 'rocAuc',
    meaning: 'Chance that a fraud scores above a genuine transaction; a random model has 0.5.',
  },
  {
    name: 'precision',
    value: (part) => score(part.precision),
    interval: 'precision',
    meaning: 'Share of the flagged transactions that are fraud.',
  },
  {
    name: 'recall',
    value: (part) => score(part.recall),
    interval: 'recall',
    meaning: 'Share of the frauds that are flagged.',
  },
  {
    name: 'F1',
    value: (part) => score(part.f1),
    interval: 'f1',
    meaning: 'Harmonic mean of precision and recall.',
  },
  {
    name: 'daily',
    value: (part) => score(part.dailyPrecision),
    interval: 'dailyPrecision',
    meaning: 'Share of truly defrauded ones among those with the highest score of a day, mean over the days.',
  },
  {
    name: 'of a perfect model',
    value: (part) => score(part.perfectDailyPrecision),
    meaning:
      'The same of a model that knows the truth: on quiet days fewer are defrauded than are looked at.',
  },
  {
    name: 'log loss',
    value: (part) => quantity(part.logLoss),
    meaning: 'Mean surprise at the truth, in nats; less is better, 0 is perfect.',
  },
  {
    name: 'Brier score',
    value: (part) => quantity(part.brierScore),
    interval: 'brierScore',
    meaning: 'Mean squared distance of probability and truth; less is better, 0 is perfect.',
  },
  {
    name: 'calibration error',
    value: (part) => quantity(part.calibrationError),
    meaning: 'Mean distance of the probability told and the share of fraud that came; less is better.',
  },
  {
    name: 'cost of a row',
    value: (part) => quantity(part.expectedCost),
    meaning:
      'Mean cost at the threshold in the unit of the cost matrix, not defined without one; less is better.',
  },
  { name: 'rows', value: (part) => count(part.rows), meaning: 'Labelled transactions of the part.' },
  { name: 'frauds', value: (part) => count(part.frauds), meaning: 'Frauds among them.' },
  {
    name: 'share of fraud',
    value: (part) => (part.fraudShare === null ? score(null) : percent(part.fraudShare)),
    meaning: 'Frauds per row: the average precision of a random model.',
  },
]
