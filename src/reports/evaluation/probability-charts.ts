import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import { decimalExponent, powerOfTen } from '../../foundation/elementary/whole-powers.ts'
import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { CHART_COLORS, type ChartSpecification } from '../chart.ts'
import {
  DRAWN_PARTS,
  type Drawing,
  note,
  partEncoding,
  pointsOf,
  reference,
  rootAxis,
  SIZE,
  thresholdRule,
} from './axes.ts'
import { score } from './figures.ts'

/** What the probabilities are: whether they come true, and how they lie for each class. */
export const probabilityCharts = (report: EvaluationReport): readonly Drawing[] => [
  ...calibrationChart(report),
  ...histogramChart(report),
]

const calibrationChart = ({ parts }: EvaluationReport): readonly Drawing[] => {
  const values = pointsOf(parts, (part) => part.calibration.filter(({ rows }) => rows > 0))
  if (values.length === 0) return []
  const x = rootAxis('meanProbability', 'mean probability told (root scale)')
  const y = rootAxis('fraudShare', 'share of fraud that came')
  const corner = (at: number) => ({ meanProbability: at, fraudShare: at })
  return [
    {
      name: 'calibration',
      title: `Calibration: error ${score(parts.test.calibrationError)} on test`,
      reading:
        'On the diagonal probabilities come true; below it the model cries wolf, above it it plays down. Larger points: more rows.',
      specification: {
        ...SIZE,
        layer: [
          reference([corner(0), corner(1)], x, y),
          note('as told', corner(0.4), x, y, { align: 'left', dx: 12, dy: 10 }),
          {
            data: { values },
            mark: { type: 'line', strokeWidth: 1.5 },
            encoding: { x, y, ...partEncoding, order: { field: 'index', type: 'quantitative' } },
          },
          ...DRAWN_PARTS.map((part) => ({
            data: { values: values.filter((value) => value.part === part) },
            mark: {
              type: 'point',
              filled: true,
              shape: part === 'test' ? 'circle' : 'diamond',
              color: part === 'test' ? CHART_COLORS.accent : CHART_COLORS.text,
            },
            encoding: {
              x,
              y,
              size: {
                field: 'rows',
                type: 'quantitative',
                legend: null,
                scale: { type: 'log', range: [20, 160] },
              },
            },
          })),
        ],
      },
    },
  ]
}

const histogramChart = ({ parts: { test }, threshold }: EvaluationReport): readonly Drawing[] =>
  test.rows === 0
    ? []
    : [
        {
          name: 'scores',
          title: 'Scores on test: genuine above, fraud below',
          reading: 'Frauds should lie right of the threshold, genuine transactions left of it.',
          specification: {
            spacing: 14,
            vconcat: [
              classHistogram(test, 'genuine', CHART_COLORS.accent, threshold),
              classHistogram(test, 'fraud', CHART_COLORS.alert, threshold),
            ],
          },
        },
      ]

const classHistogram = (
  { histogram }: PartEvaluation,
  kind: 'genuine' | 'fraud',
  color: string,
  threshold: number,
): ChartSpecification => {
  const most = Math.max(1, ...histogram.map((bin) => bin[kind]))
  const x = {
    field: 'from',
    type: 'quantitative',
    scale: { domain: [0, 1] },
    title: kind === 'fraud' ? 'probability' : null,
    axis: { grid: false, tickCount: 5, format: '.1f', labels: kind === 'fraud' },
  }
  return {
    width: SIZE.width,
    height: 118,
    layer: [
      {
        data: { values: histogram.map((bin) => ({ from: bin.from, to: bin.to, rows: bin[kind] })) },
        mark: { type: 'bar', color },
        encoding: {
          x,
          x2: { field: 'to' },
          y: {
            field: 'rows',
            type: 'quantitative',
            title: `${kind} rows (log)`,
            stack: null,
            // Room above the highest bar for the words at the threshold.
            scale: { type: 'symlog', domain: [0, most * 4] },
            axis: { format: ',d', labelOverlap: false, values: powersOfTen(most) },
          },
          y2: { datum: 0 },
        },
      },
      ...thresholdRule(threshold, 'from', x),
    ],
  }
}

/** 0 and powers of ten up to `most`, so few that they do not touch. */
const powersOfTen = (most: number): readonly number[] => {
  const highest = decimalExponent(most)
  const step = highest > 3 ? 2 : 1
  const first = highest > 1 ? step : 0
  return [
    0,
    ...Array.from({ length: Math.floor((highest - first) / step) + 1 }, (_, index) =>
      powerOfTen(first + index * step),
    ),
  ]
}
