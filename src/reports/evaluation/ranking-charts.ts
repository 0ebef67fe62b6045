import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { type Drawing, note, partEncoding, pointsOf, reference, rootAxis, SIZE, unitAxis } from './axes.ts'
import { percent, score } from './figures.ts'

/**
 * Curves that depend on the order of the scores alone: precision-recall, ROC, gain. Those that are not
 * defined are left out.
 */
export const rankingCharts = (report: EvaluationReport): readonly Drawing[] => [
  ...precisionRecallChart(report),
  ...rocChart(report),
  ...gainChart(report),
]

const precisionRecallChart = ({ parts }: EvaluationReport): readonly Drawing[] => {
  const values = pointsOf(parts, (part) => part.precisionRecall)
  if (values.length === 0) return []
  const x = unitAxis('recall', 'recall (share of frauds found)', '.0%')
  const y = unitAxis('precision', 'precision (fraud in the flagged)', '.0%')
  const share = parts.test.fraudShare ?? 0
  return [
    {
      name: 'precision-recall',
      title: `Precision and recall: average precision ${score(parts.test.averagePrecision)} on test`,
      reading: 'The further up and right the better. Where the lines part, quality changed over time.',
      specification: {
        ...SIZE,
        layer: [
          reference(
            [
              { recall: 0, precision: share },
              { recall: 1, precision: share },
            ],
            x,
            y,
          ),
          note(`a random model: ${percent(share)}`, { recall: 0, precision: share }, x, y, {
            align: 'left',
            dx: 4,
          }),
          {
            data: { values },
            mark: { type: 'line', interpolate: 'step-before', strokeWidth: 2 },
            encoding: { x, y, ...partEncoding, order: { field: 'index', type: 'quantitative' } },
          },
        ],
      },
    },
  ]
}

const rocChart = ({ parts }: EvaluationReport): readonly Drawing[] => {
  const values = pointsOf(parts, (part) => part.roc)
  if (values.length === 0) return []
  const x = unitAxis('falsePositiveRate', 'false positive rate (genuine flagged)', '.0%')
  const y = unitAxis('truePositiveRate', 'true positive rate (frauds found)', '.0%')
  const corner = (at: number) => ({ falsePositiveRate: at, truePositiveRate: at })
  return [
    {
      name: 'roc',
      title: `ROC curve: area ${score(parts.test.rocAuc)} on test`,
      reading: 'The closer to the upper left corner the better.',
      specification: {
        ...SIZE,
        layer: [
          reference([corner(0), corner(1)], x, y),
          note('a random model', corner(0.62), x, y, { align: 'left', dx: 8, dy: 8 }),
          {
            // Points stand in the order of the curve: sorting by x would cross the vertical parts.
            data: { values },
            mark: { type: 'line', strokeWidth: 2 },
            encoding: { x, y, ...partEncoding, order: { field: 'index', type: 'quantitative' } },
          },
        ],
      },
    },
  ]
}

const gainChart = ({ parts }: EvaluationReport): readonly Drawing[] => {
  const values = pointsOf(parts, (part) => part.gain)
  if (values.length === 0) return []
  const x = rootAxis('reviewedShare', 'transactions reviewed, riskiest first (root scale)')
  const y = unitAxis('foundShare', 'frauds found', '.0%')
  const even = Array.from({ length: 41 }, (_, index) => (index * index) / 1600)
  return [
    {
      name: 'gain',
      title: 'Gain: frauds found by reviewing the riskiest transactions',
      reading: gainReading(parts.test.gain),
      specification: {
        ...SIZE,
        layer: [
          reference(
            even.map((share) => ({ reviewedShare: share, foundShare: share })),
            x,
            y,
          ),
          note('a random order', { reviewedShare: 0.5, foundShare: 0.5 }, x, y, {
            align: 'left',
            dx: 6,
            dy: 10,
          }),
          {
            data: { values },
            mark: { type: 'line', strokeWidth: 2 },
            encoding: { x, y, ...partEncoding, order: { field: 'index', type: 'quantitative' } },
          },
        ],
      },
    },
  ]
}

/** What reviewing one in a hundred finds, by the last point of the curve that does not review more. */
const gainReading = (gain: EvaluationReport['parts']['test']['gain']): string => {
  const point = gain.filter(({ reviewedShare }) => reviewedShare > 0 && reviewedShare <= 0.01).at(-1)
  return point === undefined
    ? 'The steeper the rise on the left the better.'
    : `On test the riskiest ${percent(point.reviewedShare)} hold ${percent(point.foundShare)} of the frauds.`
}
