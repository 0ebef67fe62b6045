import { headingOf } from '../../evaluation/figure.ts'
import { AVERAGE_PRECISION, LOG_LOSS } from '../../evaluation/figures.ts'
import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { CHART_COLORS } from '../chart.ts'
import { type Drawing, SIZE } from './axes.ts'

/**
 * How the models became better with each tree: a line a model. Left out where none has trees, or nothing
 * validates.
 */
export const learningCharts = ({ candidates }: EvaluationReport): readonly Drawing[] =>
  FIGURES.flatMap(({ name, curve, title, axis, reading }) => {
    const values = candidates.flatMap((candidate) =>
      (candidate.curves ?? [])
        .filter((drawn) => drawn.name === curve)
        .flatMap(({ steps, values }) =>
          values.map((value, index) => ({ model: candidate.title, trees: steps[index], value })),
        ),
    )
    if (values.length === 0) return []
    const models = [...new Set(values.map(({ model }) => model))]
    return [
      {
        name,
        title,
        reading,
        specification: {
          ...SIZE,
          data: { values },
          mark: { type: 'line', strokeWidth: 2 },
          encoding: {
            x: { field: 'trees', type: 'quantitative', title: 'trees' },
            y: { field: 'value', type: 'quantitative', title: axis, scale: { zero: false } },
            color: {
              field: 'model',
              type: 'nominal',
              scale: { domain: models, range: COLORS },
              legend: { symbolType: 'stroke', symbolSize: 500, symbolStrokeWidth: 2 },
            },
            strokeDash: {
              field: 'model',
              type: 'nominal',
              scale: { domain: models, range: DASHES },
            },
          },
        },
      },
    ]
  })

const FIGURES = [
  {
    name: 'learning-log-loss',
    curve: `validation.${LOG_LOSS.name}`,
    title: `${headingOf(LOG_LOSS)} on validation by number of trees`,
    axis: `${LOG_LOSS.title} before calibration`,
    reading:
      'Where a line falls, more trees would help; where it rises, the last trees learnt the training rows by heart.',
  },
  {
    name: 'learning-average-precision',
    curve: `validation.${AVERAGE_PRECISION.name}`,
    title: `${headingOf(AVERAGE_PRECISION)} on validation by number of trees`,
    axis: AVERAGE_PRECISION.title,
    reading: 'What the ranking gained with each tree. A flat end says that there are enough.',
  },
] as const

/** Dashes tell the lines apart where colours do not. */
const COLORS = [CHART_COLORS.accent, CHART_COLORS.alert, CHART_COLORS.text]
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
]
