import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import { titleWith } from '../../evaluation/figure.ts'
import { FIGURES, keyOf, type NamedFigure, perfectKeyOf } from '../../evaluation/figures.ts'
import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { type Html, html, table } from '../page.ts'
import { count, figureText, interval, percent, score } from './figures.ts'

const PARTS = ['train', 'validation', 'test'] as const

/** Every figure of the chosen model on each part with its 95 % interval, and what it says. */
export const metricsSection = (report: EvaluationReport): Html =>
  html`<h2>Metrics of the chosen model</h2>
<p class="quiet">Below a figure its 95 % bootstrap interval. The training rows were seen in training: their figures only tell how much the model learned by heart.</p>
${table(
  ['Metric', 'Train', 'Validation', 'Test', 'What it says'],
  [...FIGURES.flatMap((figure) => linesOf(figure, report)), ...LINES_OF_ROWS].map(
    ({ name, cell, meaning }) => [
      name,
      ...PARTS.map((part) => cell(report.parts[part], part)),
      html`<span class="quiet meaning">${meaning}</span>`,
    ],
  ),
  [1, 2, 3],
)}`

interface Line {
  readonly name: string
  readonly cell: (figures: PartEvaluation, part: (typeof PARTS)[number]) => Html | string
  readonly meaning: string
}

/** A figure, and below it what a perfect model would reach. */
const linesOf = (figure: NamedFigure, { daily, intervals }: EvaluationReport): readonly Line[] => {
  const key = keyOf(figure)
  const line: Line = {
    name: titleWith(figure, daily),
    cell: (figures, part) => {
      const ends = interval(figure, intervals[part][key])
      return html`${figureText(figure, figures[key])}${ends === '' ? null : html`<small>${ends}</small>`}`
    },
    meaning: figure.better === 'lower' ? `${figure.meaning} Less is better.` : figure.meaning,
  }
  if (figure.ofPerfectModel === undefined) return [line]
  return [
    line,
    {
      name: 'of a perfect model',
      cell: (figures) => figureText(figure, figures[perfectKeyOf(figure)]),
      meaning:
        'The same of a model that knows the truth: on quiet days fewer are defrauded than are looked at.',
    },
  ]
}

const LINES_OF_ROWS: readonly Line[] = [
  { name: 'rows', cell: ({ rows }) => count(rows), meaning: 'Labelled transactions of the part.' },
  { name: 'frauds', cell: ({ frauds }) => count(frauds), meaning: 'Frauds among them.' },
  {
    name: 'share of fraud',
    cell: ({ fraudShare }) => (fraudShare === null ? score(null) : percent(fraudShare)),
    meaning: 'Frauds per row: the average precision of a random model.',
  },
]
