import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { CHART_COLORS } from '../chart.ts'
import { type Drawing, partEncoding, pointsOf, rootAxis, SIZE, thresholdRule } from './axes.ts'
import { count, percent, quantity } from './figures.ts'

/** What follows from the threshold: its cost beside that of others, and the decisions it makes. */
export const decisionCharts = (report: EvaluationReport): readonly Drawing[] => [
  ...costChart(report),
  ...confusionChart(report),
]

const costChart = ({ parts, threshold }: EvaluationReport): readonly Drawing[] => {
  const values = pointsOf(parts, (part) => part.cost)
  if (values.length === 0) return []
  const x = rootAxis('threshold', 'threshold (root scale)')
  return [
    {
      name: 'cost-by-threshold',
      title: `Expected cost by threshold: ${quantity(parts.test.expectedCost)} on test`,
      reading:
        'The marked threshold should stand in the valley of both lines. Minor units a transaction, by the cost matrix.',
      specification: {
        ...SIZE,
        layer: [
          {
            data: { values },
            mark: { type: 'line', strokeWidth: 2 },
            encoding: {
              x,
              y: {
                field: 'cost',
                type: 'quantitative',
                title: 'expected cost',
                axis: { tickCount: 5 },
              },
              ...partEncoding,
              order: { field: 'index', type: 'quantitative' },
            },
          },
          ...thresholdRule(threshold, 'threshold', x),
        ],
      },
    },
  ]
}

const confusionChart = ({ parts, threshold }: EvaluationReport): readonly Drawing[] => {
  const { rows, confusion } = parts.test
  if (rows === 0) return []
  const genuine = Math.max(1, confusion.trueNegative + confusion.falsePositive)
  const fraud = Math.max(1, confusion.truePositive + confusion.falseNegative)
  const cell = (actual: string, decision: string, name: string, cellRows: number, all: number) => ({
    actual,
    decision,
    name,
    share: cellRows / all,
    kind: name === 'missed' || name === 'false alarms' ? 'wrong' : 'right',
    rows: count(cellRows),
    told: `${percent(cellRows / all)} of the ${actual}`,
  })
  const axis = { ticks: false, domain: false, grid: false, labelAngle: 0 }
  return [
    {
      name: 'decisions',
      title: `Decisions on test at the threshold ${quantity(threshold)}`,
      reading: 'Two kinds of mistakes: false alarms bother customers, missed frauds cost money.',
      specification: {
        ...SIZE,
        data: {
          values: [
            cell('genuine', 'passed', 'rightly passed', confusion.trueNegative, genuine),
            cell('genuine', 'flagged', 'false alarms', confusion.falsePositive, genuine),
            cell('fraud', 'passed', 'missed', confusion.falseNegative, fraud),
            cell('fraud', 'flagged', 'caught', confusion.truePositive, fraud),
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
                scale: { domain: [0, 1], range: [0.08, 0.4] },
              },
            },
          },
          text('name', 12, -28),
          text('rows', 20, -4),
          text('told', 12, 20),
        ],
      },
    },
  ]
}

const text = (field: string, fontSize: number, dy: number) => ({
  mark: { type: 'text', fontSize, fontWeight: fontSize > 12 ? 600 : 'normal', dy, color: CHART_COLORS.text },
  encoding: { text: { field, type: 'nominal' } },
})
