import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { CHART_COLORS, type ChartSpecification } from '../chart.ts'
import { type Drawing, SIZE } from './axes.ts'
import { count } from './figures.ts'

/** How many features a chart shows; evaluation.json holds all. */
const SHOWN_FEATURES = 20

/**
 * Which features the model lives on: by gain, by shuffling, by weight. Those that do not apply are left out.
 */
export const importanceCharts = ({ importance, selection }: EvaluationReport): readonly Drawing[] => {
  const { gain, permutation, coefficients } = importance
  const all = selection.kept
  const charts: (Drawing & { readonly bars: readonly Bar[] })[] = [
    {
      name: 'importance-by-shuffling',
      title: `Shuffled features: what the model would miss${shownOf(permutation.length, all)}`,
      reading:
        'Fall of average precision on validation when the values of a feature are shuffled; the line is ± one deviation. Near 0: of no use, or another feature says the same.',
      bars: permutation.map(({ feature, drop, deviation }) => ({
        feature,
        value: drop,
        kind: drop < 0 ? 'alert' : 'usual',
        told: `${signed(drop, 4)} ± ${deviation.toFixed(4)}`,
        low: drop - deviation,
        high: drop + deviation,
      })),
      specification: { title: 'fall of average precision', format: '~g' },
    },
    {
      name: 'importance-by-gain',
      title: `Gain: what the trees split on${shownOf(gain.length, all)}`,
      reading: 'Share of the training loss that splits on the feature removed.',
      bars: gain.map(({ feature, share }) => ({
        feature,
        value: share,
        kind: 'usual',
        told: `${(share * 100).toFixed(1)} %`,
      })),
      specification: { title: 'share of the gain', format: '~%' },
    },
    {
      name: 'weights',
      title: `Weights of the standardised features${shownOf(coefficients.length, all)}`,
      reading: 'To the right: more of it makes fraud likelier. To the left: less likely.',
      bars: coefficients.map(({ feature, weight }) => ({
        feature,
        value: weight,
        kind: weight > 0 ? 'alert' : 'usual',
        told: signed(weight, 3),
      })),
      specification: { title: 'log-odds for one standard deviation', format: '~g' },
    },
  ]
  return charts
    .filter(({ bars }) => bars.length > 0)
    .map(({ name, title, reading, bars, specification }) => ({
      name,
      title,
      reading,
      specification: barChart(
        bars.slice(0, SHOWN_FEATURES),
        String(specification['title']),
        String(specification['format']),
      ),
    }))
}

interface Bar {
  readonly feature: string
  readonly value: number
  /**
   * Red for what draws the eye: a weight towards fraud, a feature that does harm. The side of the bar says
   * the same.
   */
  readonly kind: 'usual' | 'alert'
  /** The value in words, at the end of the line. */
  readonly told: string
  readonly low?: number
  readonly high?: number
}

const shownOf = (features: number, all: number): string =>
  features > SHOWN_FEATURES ? `, the ${SHOWN_FEATURES} first of ${count(Math.max(features, all))}` : ''

/** `+0.108`, `−0.002`; without a sign what is rounded to 0. */
const signed = (value: number, digits: number): string => {
  const text = Math.abs(value).toFixed(digits)
  if (Number(text) === 0) return text
  return `${value < 0 ? '−' : '+'}${text}`
}

/** Bars with the name above each: long names need the whole width, and are read on a phone too. */
const barChart = (bars: readonly Bar[], title: string, format: string): ChartSpecification => {
  const hasDeviation = bars.some(({ low }) => low !== undefined)
  // The words at the end of each bar stand right of the plot.
  const toldWidth = hasDeviation ? 115 : 55
  const width = SIZE.width + 30 - toldWidth
  return {
    width,
    height: { step: 34 },
    data: { values: bars },
    encoding: { y: { field: 'feature', type: 'nominal', sort: null, axis: null } },
    layer: [
      {
        // No rounded corners: they need clip paths, whose ids Vega counts up from page to page.
        mark: { type: 'bar', height: 8, yOffset: 8 },
        encoding: {
          x: {
            field: 'value',
            type: 'quantitative',
            title,
            axis: { tickCount: 4, format, labelFlush: false },
          },
          color: {
            field: 'kind',
            type: 'nominal',
            legend: null,
            scale: { domain: ['usual', 'alert'], range: [CHART_COLORS.accent, CHART_COLORS.alert] },
          },
        },
      },
      ...(hasDeviation
        ? [
            {
              mark: { type: 'rule', strokeWidth: 1.5, yOffset: 8, color: CHART_COLORS.text },
              encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
            },
          ]
        : []),
      words('feature', 0, -6, width + toldWidth),
      words('told', width + 8, 8, toldWidth),
    ],
  }
}

const words = (field: string, x: number, dy: number, limit: number): ChartSpecification => ({
  mark: { type: 'text', align: 'left', limit, dy, color: CHART_COLORS.text },
  encoding: { x: { value: x }, text: { field, type: 'nominal' } },
})
