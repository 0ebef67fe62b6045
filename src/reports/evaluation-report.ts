import type { PartEvaluation } from '../evaluation/evaluate.ts'
import type { EvaluationReport, SplitPart } from '../pipelines/training/evaluation-report.ts'
import { CHART_COLORS, type ChartSpecification, renderChart } from './chart.ts'
import { figure, type Html, html, page, table } from './page.ts'

const count = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const score = (value: number | null): string => (value === null ? 'not defined' : value.toFixed(3))
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/** The evaluation as one HTML page that needs nothing else. Curves and counts are those of the test rows. */
export const renderEvaluationReport = async (report: EvaluationReport): Promise<string> => {
  const { test, validation } = report.parts
  return page(
    'Evaluation report',
    html`<h1>Evaluation of ${report.project}</h1>
<p class="quiet">${report.model} on rows it has never seen. A row is flagged when its probability is at least ${report.threshold.toPrecision(3)} (${report.thresholdChoice}).</p>
${report.warnings.map((warning) => html`<p><span class="badge warn">warning</span> ${warning}</p>`)}
<div class="tiles">
${tile('average precision', score(test.averagePrecision))}
${tile('ROC-AUC', score(test.rocAuc))}
${tile('precision', score(test.precision))}
${tile('recall', score(test.recall))}
${tile(dailyName(report), score(test.dailyPrecision))}
</div>
<div class="charts">${await charts(report, test)}</div>
<h2>Metrics</h2>
${table(
  ['Metric', 'Validation', 'Test', 'What it says'],
  METRICS.map(({ name, value, meaning }) => [
    name === 'daily' ? dailyName(report) : name,
    value(validation),
    value(test),
    html`<span class="quiet">${meaning}</span>`,
  ]),
  [1, 2],
)}
<h2>Rows</h2>
<p class="quiet">Split: ${report.split.method}. Nothing was fitted on rows outside the training part.</p>
${table(
  ['Part', 'Rows', 'Frauds', 'Share', 'First event (UTC)', 'Last event (UTC)'],
  report.split.parts.map(splitRow),
  [1, 2, 3],
)}`,
  )
}

const METRICS: readonly {
  readonly name: string
  readonly value: (part: PartEvaluation) => string
  readonly meaning: string
}[] = [
  {
    name: 'average precision',
    value: (part) => score(part.averagePrecision),
    meaning: 'Area under the precision-recall curve; a random model has the share of fraud.',
  },
  {
    name: 'ROC-AUC',
    value: (part) => score(part.rocAuc),
    meaning: 'Chance that a fraud scores above a genuine transaction; a random model has 0.5.',
  },
  {
    name: 'precision',
    value: (part) => score(part.precision),
    meaning: 'Share of the flagged transactions that are fraud.',
  },
  {
    name: 'recall',
    value: (part) => score(part.recall),
    meaning: 'Share of the frauds that are flagged.',
  },
  { name: 'F1', value: (part) => score(part.f1), meaning: 'Harmonic mean of precision and recall.' },
  {
    name: 'daily',
    value: (part) =>
      part.perfectDailyPrecision === null
        ? score(part.dailyPrecision)
        : `${score(part.dailyPrecision)} of ${score(part.perfectDailyPrecision)}`,
    meaning:
      'Share of truly defrauded ones among those with the highest score of a day, mean over the days; of what a perfect model reaches.',
  },
  {
    name: 'rows',
    value: (part) => count.format(part.rows),
    meaning: 'Labelled transactions of the part.',
  },
  { name: 'frauds', value: (part) => count.format(part.frauds), meaning: 'Frauds among them.' },
]

const dailyName = ({ daily }: EvaluationReport): string => `precision at ${daily.k} ${daily.entity}s a day`

const tile = (label: string, value: string): Html =>
  html`<div class="tile"><span class="quiet">${label}</span><b>${value}</b></div>`

const instant = (ms: number | null): string =>
  ms === null ? '' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

const splitRow = ({ part, rows, frauds, fromMs, toMs }: SplitPart): readonly string[] => [
  part,
  count.format(rows),
  count.format(frauds),
  rows === 0 ? '' : percent(frauds / rows),
  instant(fromMs),
  instant(toMs),
]

const charts = async (report: EvaluationReport, test: PartEvaluation): Promise<readonly Html[]> => {
  const base = test.rows === 0 ? 0 : test.frauds / test.rows
  const drawn: readonly (readonly [string, ChartSpecification])[] = [
    ['Precision and recall', precisionRecallChart(test, base)],
    ['ROC curve', rocChart(test)],
    ['Test rows by score and class (logarithmic)', histogramChart(test, report.threshold)],
    ['Decisions at the threshold', confusionChart(test)],
    ['Weights of the standardised features, the 20 largest', coefficientChart(report)],
  ]
  const figures: Html[] = []
  for (const [title, specification] of drawn)
    figures.push(figure(title, await renderChart(specification, title)))
  return figures
}

const SIZE = { width: 380, height: 260 }

const unitAxis = (field: string, title: string) => ({
  field,
  type: 'quantitative',
  title,
  scale: { domain: [0, 1] },
  axis: { tickCount: 5, format: '.1f' },
})

const precisionRecallChart = (test: PartEvaluation, base: number): ChartSpecification => ({
  ...SIZE,
  layer: [
    {
      data: {
        values: [
          { recall: 0, precision: base },
          { recall: 1, precision: base },
        ],
      },
      mark: { type: 'line', strokeDash: [4, 4], color: CHART_COLORS.quiet },
      encoding: { x: unitAxis('recall', 'recall'), y: unitAxis('precision', 'precision') },
    },
    {
      data: { values: test.precisionRecall },
      mark: { type: 'line', interpolate: 'step-before', strokeWidth: 2, color: CHART_COLORS.accent },
      encoding: {
        x: unitAxis('recall', 'recall'),
        y: unitAxis('precision', 'precision'),
        order: { field: 'recall', type: 'quantitative' },
      },
    },
  ],
})

const rocChart = (test: PartEvaluation): ChartSpecification => {
  const x = unitAxis('falsePositiveRate', 'false positive rate')
  const y = unitAxis('truePositiveRate', 'true positive rate')
  return {
    ...SIZE,
    layer: [
      {
        data: {
          values: [
            { falsePositiveRate: 0, truePositiveRate: 0 },
            { falsePositiveRate: 1, truePositiveRate: 1 },
          ],
        },
        mark: { type: 'line', strokeDash: [4, 4], color: CHART_COLORS.quiet },
        encoding: { x, y },
      },
      {
        // Points stand in the order of the curve: sorting by x would cross the vertical parts.
        data: { values: test.roc.map((point, index) => ({ ...point, index })) },
        mark: { type: 'line', strokeWidth: 2, color: CHART_COLORS.accent },
        encoding: { x, y, order: { field: 'index', type: 'quantitative' } },
      },
    ],
  }
}

const histogramChart = (test: PartEvaluation, threshold: number): ChartSpecification => ({
  ...SIZE,
  layer: [
    {
      data: {
        values: test.histogram.flatMap(({ from, to, genuine, fraud }) => [
          // Side by side: each class has one half of the bin.
          { from, to: (from + to) / 2, class: 'genuine', rows: genuine },
          { from: (from + to) / 2, to, class: 'fraud', rows: fraud },
        ]),
      },
      mark: { type: 'bar' },
      encoding: {
        x: { ...unitAxis('from', 'probability'), axis: { grid: false, tickCount: 5, format: '.1f' } },
        x2: { field: 'to' },
        y: {
          field: 'rows',
          type: 'quantitative',
          title: null,
          stack: null,
          scale: { type: 'symlog' },
          axis: { format: ',d', values: powersOfTen(test) },
        },
        y2: { datum: 0 },
        color: {
          field: 'class',
          type: 'nominal',
          scale: { domain: ['genuine', 'fraud'], range: [CHART_COLORS.accent, CHART_COLORS.alert] },
        },
      },
    },
    {
      data: { values: [{ threshold }] },
      mark: { type: 'rule', strokeDash: [4, 4], color: CHART_COLORS.text },
      encoding: { x: { field: 'threshold', type: 'quantitative' } },
    },
  ],
})

const powersOfTen = ({ histogram }: PartEvaluation): readonly number[] => {
  const most = Math.max(1, ...histogram.map(({ genuine, fraud }) => Math.max(genuine, fraud)))
  return [0, ...Array.from({ length: Math.ceil(Math.log10(most)) + 1 }, (_, power) => 10 ** power)]
}

const confusionChart = ({ confusion }: PartEvaluation): ChartSpecification => {
  const genuine = Math.max(1, confusion.trueNegative + confusion.falsePositive)
  const fraud = Math.max(1, confusion.truePositive + confusion.falseNegative)
  const cell = (actual: string, decision: string, rows: number, all: number, isRight: boolean) => ({
    actual,
    decision,
    share: rows / all,
    kind: isRight ? 'right' : 'wrong',
    rows: count.format(rows),
    told: `${percent(rows / all)} of the ${actual}`,
  })
  const axis = { ticks: false, domain: false, grid: false, labelAngle: 0 }
  return {
    ...SIZE,
    data: {
      values: [
        cell('genuine', 'passed', confusion.trueNegative, genuine, true),
        cell('genuine', 'flagged', confusion.falsePositive, genuine, false),
        cell('fraud', 'passed', confusion.falseNegative, fraud, false),
        cell('fraud', 'flagged', confusion.truePositive, fraud, true),
      ],
    },
    encoding: {
      x: { field: 'decision', type: 'nominal', sort: ['passed', 'flagged'], title: 'decision', axis },
      y: { field: 'actual', type: 'nominal', sort: ['genuine', 'fraud'], title: 'in truth', axis },
    },
    layer: [
      {
        mark: { type: 'rect' },
        encoding: {
          color: {
            field: 'kind',
            type: 'nominal',
            legend: null,
            scale: { domain: ['right', 'wrong'], range: [CHART_COLORS.accent, CHART_COLORS.alert] },
          },
          opacity: {
            field: 'share',
            type: 'quantitative',
            legend: null,
            scale: { domain: [0, 1], range: [0.05, 0.45] },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 18, fontWeight: 600, dy: -8, color: CHART_COLORS.text },
        encoding: { text: { field: 'rows', type: 'nominal' } },
      },
      {
        mark: { type: 'text', fontSize: 12, dy: 14, color: CHART_COLORS.text },
        encoding: { text: { field: 'told', type: 'nominal' } },
      },
    ],
  }
}

const coefficientChart = ({ coefficients }: EvaluationReport): ChartSpecification => ({
  width: 240,
  height: { step: 22 },
  data: {
    values: coefficients
      .slice(0, 20)
      .map(({ feature, weight }) => ({ feature, weight, kind: weight < 0 ? 'less' : 'more' })),
  },
  // No rounded corners: they need clip paths, whose ids Vega counts up from page to page.
  mark: { type: 'bar' },
  encoding: {
    y: { field: 'feature', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false } },
    x: {
      field: 'weight',
      type: 'quantitative',
      title: 'log-odds for one standard deviation',
      axis: { tickCount: 5 },
    },
    color: {
      field: 'kind',
      type: 'nominal',
      legend: null,
      scale: { domain: ['more', 'less'], range: [CHART_COLORS.alert, CHART_COLORS.accent] },
    },
  },
})
