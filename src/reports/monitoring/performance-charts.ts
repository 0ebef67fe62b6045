import type { PerformanceSection, ReportedRate } from '../../monitoring/performance-section.ts'
import { CHART_COLORS } from '../chart.ts'
import type { DaysDrawing } from './charts.ts'

const SIZE = { width: 350, height: 190 } as const
const DATES = {
  field: 'date',
  type: 'temporal',
  title: null,
  axis: { format: '%Y-%m-%d', labelAngle: 0, tickCount: 4, grid: false },
  scale: { type: 'utc' },
} as const
const SHARE = { format: '.3~%' } as const

/** Recall and fraud rate of each week: what is known, and what will be. Nothing where no fraud is known. */
export const cohortCharts = ({ weeks }: PerformanceSection): readonly DaysDrawing[] => {
  if (weeks.every(({ observed }) => observed.frauds === 0)) return []
  return [
    cohortChart(weeks, 'recall', 'Recall by week of the decision'),
    cohortChart(weeks, 'fraudRate', 'Fraud rate by week of the decision'),
  ]
}

const cohortChart = (
  weeks: PerformanceSection['weeks'],
  figure: 'recall' | 'fraudRate',
  title: string,
): DaysDrawing => {
  const known = weeks.flatMap(({ from, observed }) =>
    Number.isFinite(observed[figure]) ? [{ date: from, value: observed[figure] }] : [],
  )
  const projected = weeks.flatMap(({ from, projected: to }) =>
    to === null || !Number.isFinite(to[figure].value) ? [] : [{ date: from, ...to[figure] }],
  )
  const y = { type: 'quantitative', title: null, axis: SHARE, scale: { domainMin: 0 } } as const
  return {
    title,
    reading:
      'Circles: what is known by now. Diamonds with their 95 % intervals: what will be known, by how soon labels of earlier weeks came.',
    specification: {
      ...SIZE,
      layer: [
        {
          data: { values: projected },
          mark: { type: 'rule', color: CHART_COLORS.accent },
          encoding: { x: DATES, y: { ...y, field: 'low' }, y2: { field: 'high' } },
        },
        {
          data: { values: projected },
          mark: { type: 'point', shape: 'diamond', filled: true, size: 50, color: CHART_COLORS.accent },
          encoding: { x: DATES, y: { ...y, field: 'value' } },
        },
        {
          data: { values: known },
          mark: { type: 'point', filled: true, size: 30, color: CHART_COLORS.text },
          encoding: { x: DATES, y: { ...y, field: 'value' } },
        },
      ],
    },
  }
}

/** The precision of reviewed alerts by day, and all tests together beside their limit. */
export const watchCharts = ({ watches }: PerformanceSection): readonly DaysDrawing[] => {
  const [all] = watches
  const precision = all?.rates.find(({ name }) => name === 'precision')
  if (all === undefined || precision === undefined) return []
  return [precisionChart(precision), ...cusumChart(all.rates)]
}

const precisionChart = ({ days }: ReportedRate): DaysDrawing => {
  const values = days.map(({ date, rows, frauds, expected, low, high, evidence }) => ({
    date,
    value: frauds / rows,
    usual: expected / rows,
    low: low / rows,
    high: high / rows,
    part: evidence === null ? 'baseline' : 'watched',
  }))
  const y = { type: 'quantitative', title: null, axis: SHARE, scale: { domain: [0, 1] } } as const
  return {
    title: 'Precision of reviewed alerts by day',
    reading: 'The shade is where 19 of 20 days of the baseline would be; the line is its mean.',
    specification: {
      ...SIZE,
      data: { values },
      layer: [
        {
          mark: { type: 'area', opacity: 0.18 },
          encoding: { x: DATES, y: { ...y, field: 'low' }, y2: { field: 'high' } },
        },
        {
          mark: { type: 'line', strokeDash: [5, 3], color: CHART_COLORS.text },
          encoding: { x: DATES, y: { ...y, field: 'usual' } },
        },
        {
          mark: { type: 'point', filled: true, size: 26 },
          encoding: {
            x: DATES,
            y: { ...y, field: 'value' },
            color: {
              field: 'part',
              type: 'nominal',
              scale: { domain: ['baseline', 'watched'], range: [CHART_COLORS.quiet, CHART_COLORS.accent] },
            },
            shape: {
              field: 'part',
              type: 'nominal',
              scale: { domain: ['baseline', 'watched'], range: ['circle', 'diamond'] },
            },
          },
        },
      ],
    },
  }
}

/** Each rate's CUSUM over its limit: two or three lines, told apart by their dashes too. */
const cusumChart = (rates: readonly ReportedRate[]): readonly DaysDrawing[] => {
  const values = rates.flatMap(({ title, days }) =>
    days.flatMap(({ date, cusum }) => (cusum === null ? [] : [{ date, value: cusum, rate: title }])),
  )
  if (values.length === 0) return []
  const y = { field: 'value', type: 'quantitative', title: 'of its limit', axis: { format: '.0%' } } as const
  return [
    {
      title: 'How far each test is from its limit',
      reading: 'Sums of what was worse than usual; one that reaches 100 % is an alarm.',
      specification: {
        ...SIZE,
        layer: [
          {
            data: { values },
            mark: { type: 'line', strokeWidth: 1.5 },
            encoding: {
              x: DATES,
              y: { ...y, scale: { domainMin: 0 } },
              color: {
                field: 'rate',
                type: 'nominal',
                sort: null,
                scale: { range: [CHART_COLORS.accent, CHART_COLORS.text, CHART_COLORS.quiet] },
                legend: {
                  columns: 1,
                  symbolType: 'stroke',
                  symbolSize: 300,
                  symbolStrokeWidth: 2,
                  labelLimit: 330,
                },
              },
              strokeDash: {
                field: 'rate',
                type: 'nominal',
                sort: null,
                scale: {
                  range: [
                    [1, 0],
                    [5, 3],
                    [2, 2],
                    [8, 2, 2, 2],
                  ],
                },
              },
            },
          },
          {
            data: { values: [{ limit: 1 }] },
            mark: { type: 'rule', strokeDash: [5, 3], color: CHART_COLORS.alert },
            encoding: { y: { field: 'limit', type: 'quantitative' } },
          },
        ],
      },
    },
  ]
}

/** Announced and observed share of frauds by band of the score, on logarithmic axes. */
export const calibrationChart = ({ calibration }: PerformanceSection): readonly DaysDrawing[] => {
  const values = calibration
    .filter(({ observed, announced }) => observed.value > 0 && announced > 0)
    .map(({ announced, rows, observed: { value, low, high } }) => ({
      announced,
      rows,
      value,
      low: Math.max(low, value / 10),
      high,
    }))
  if (values.length < 2) return []
  const scale = { type: 'log', nice: false } as const
  const axis = { format: '.3~%', tickCount: 4, grid: false } as const
  const x = {
    field: 'announced',
    type: 'quantitative',
    title: 'announced by the score',
    scale,
    axis,
  } as const
  const y = { type: 'quantitative', title: 'observed', scale, axis } as const
  const ends = [values[0]!.announced, values.at(-1)!.announced].map((value) => ({ announced: value, value }))
  return [
    {
      title: 'Calibration: frauds announced and observed, of mature decisions',
      reading: 'On the dashed line scores are right. Each point is a band of scores with its 95 % interval.',
      specification: {
        ...SIZE,
        layer: [
          {
            data: { values: ends },
            mark: { type: 'line', strokeDash: [5, 3], color: CHART_COLORS.text },
            encoding: { x, y: { ...y, field: 'value' } },
          },
          {
            data: { values },
            mark: { type: 'rule', color: CHART_COLORS.accent },
            encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
          },
          {
            data: { values },
            mark: { type: 'point', filled: true, size: 40 },
            encoding: { x, y: { ...y, field: 'value' } },
          },
        ],
      },
    },
  ]
}
