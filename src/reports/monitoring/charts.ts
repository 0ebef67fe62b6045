import { dateOf } from '../../foundation/days.ts'
import type { ChangedFeature, MonitorReport } from '../../monitoring/monitor-report.ts'
import type { DayOfFeature } from '../../monitoring/over-time.ts'
import { CHART_COLORS, type ChartSpecification } from '../chart.ts'

/** A picture, what it is called and how it is read. */
export interface DaysDrawing {
  readonly title: string
  readonly reading: string
  readonly specification: ChartSpecification
}

const SIZE = { width: 350, height: 190 } as const
const DATES = {
  field: 'date',
  type: 'temporal',
  title: null,
  axis: { format: '%Y-%m-%d', labelAngle: 0, tickCount: 4, grid: false },
  scale: { type: 'utc' },
} as const

/** How far each look was from what was expected, beside the limit; nothing without limits. */
export const statisticChart = ({ looks }: MonitorReport): readonly DaysDrawing[] => {
  const values = looks
    .filter(({ basis }) => basis === 'chart')
    .map(({ date, statistic, limit, isRaised }) => ({ date, statistic, limit, isRaised }))
  if (values.length === 0) return []
  const y = { field: 'statistic', type: 'quantitative', title: 'furthest series, in normal scores' } as const
  return [
    {
      title: 'The furthest of all series on each day, and the limit',
      reading: 'Of days without drift, one in twenty is above the dashed line.',
      specification: {
        ...SIZE,
        data: { values },
        layer: [
          {
            mark: { type: 'line', strokeDash: [5, 3], color: CHART_COLORS.text },
            encoding: { x: DATES, y: { ...y, field: 'limit' } },
          },
          { mark: { type: 'line', strokeWidth: 1.5 }, encoding: { x: DATES, y } },
          {
            mark: { type: 'point', filled: true, size: 50 },
            encoding: {
              x: DATES,
              y,
              shape: { condition: { test: 'datum.isRaised', value: 'triangle-up' }, value: 'circle' },
              color: {
                condition: { test: 'datum.isRaised', value: CHART_COLORS.alert },
                value: CHART_COLORS.accent,
              },
            },
          },
        ],
      },
    },
  ]
}

/** Rows and alerts of every day that is known. */
export const dayCharts = ({ days }: MonitorReport): readonly DaysDrawing[] => {
  const scored = days.flatMap(({ date, alertRate, part }) =>
    alertRate === null ? [] : [{ date, value: alertRate, part }],
  )
  const rows = days.map(({ date, rows, part }) => ({ date, value: rows, part }))
  return [
    ...(scored.length === 0 ? [] : [byPart(scored, 'Share of alerts by day', 'share of rows', '.2~%')]),
    byPart(rows, 'Rows by day', 'rows', '~s'),
  ]
}

const byPart = (
  values: readonly { readonly date: string; readonly value: number; readonly part: string }[],
  title: string,
  axis: string,
  format: string,
): DaysDrawing => ({
  title,
  reading: 'Training, days served before, and the days that are looked at.',
  specification: {
    ...SIZE,
    data: { values },
    mark: { type: 'point', filled: true, size: 26 },
    encoding: {
      x: DATES,
      y: {
        field: 'value',
        type: 'quantitative',
        title: axis,
        axis: { format },
        scale: { domainMin: 0 },
      },
      ...PART,
    },
  },
})

const PARTS = ['training', 'history', 'looked at']
const PART = {
  color: {
    field: 'part',
    type: 'nominal',
    scale: { domain: PARTS, range: [CHART_COLORS.quiet, CHART_COLORS.text, CHART_COLORS.accent] },
  },
  shape: { field: 'part', type: 'nominal', scale: { domain: PARTS, range: ['circle', 'square', 'diamond'] } },
} as const

/** A changed feature over all days: its median between the tenths, or the shares of its commonest codes. */
export const featureChart = ({ feature, overTime, categories }: ChangedFeature): DaysDrawing => {
  const numeric = overTime.filter((day) => day.kind === 'numeric')
  const isMissing = overTime.some(({ missing }) => missing > 0)
  const drawn = numeric.length > 0 ? quantileLayers(numeric) : shareLayers(overTime, categories)
  return {
    title: feature,
    reading: `${numeric.length > 0 ? 'Median of each day, and where the middle eight tenths of its values lie.' : 'Share of the commonest values by day.'}${isMissing ? ' Dashed below: the share of missing values.' : ''}`,
    specification: isMissing
      ? {
          vconcat: [
            { ...SIZE, ...drawn },
            { ...SIZE, height: 70, ...missingLayer(overTime) },
          ],
        }
      : { ...SIZE, ...drawn },
  }
}

const quantileLayers = (days: readonly (DayOfFeature & { readonly kind: 'numeric' })[]) => ({
  data: { values: days.map(({ day, p10, median, p90 }) => ({ date: dateOf(day), p10, median, p90 })) },
  layer: [
    {
      mark: { type: 'area', opacity: 0.18 },
      encoding: {
        x: DATES,
        y: { field: 'p10', type: 'quantitative', title: null, scale: { zero: false } },
        y2: { field: 'p90' },
      },
    },
    {
      mark: { type: 'line', strokeWidth: 1.5 },
      encoding: { x: DATES, y: { field: 'median', type: 'quantitative', title: null } },
    },
  ],
})

const shareLayers = (
  days: readonly DayOfFeature[],
  categories: Readonly<Record<string, string>>,
): ChartSpecification => ({
  data: {
    values: days.flatMap((of) =>
      of.kind === 'categorical'
        ? of.shares.map(({ code, share }) => ({
            date: dateOf(of.day),
            share,
            value: code === null ? 'all others' : (categories[code] ?? `code ${code}`),
          }))
        : [],
    ),
  },
  mark: { type: 'line', strokeWidth: 1.5 },
  encoding: {
    x: DATES,
    y: { field: 'share', type: 'quantitative', title: null, axis: { format: '.1~%' } },
    color: {
      field: 'value',
      type: 'nominal',
      sort: null,
      scale: { range: SHARE_COLORS },
      legend: { columns: 3, symbolType: 'stroke', symbolSize: 300, symbolStrokeWidth: 2 },
    },
    strokeDash: { field: 'value', type: 'nominal', sort: null, scale: { range: SHARE_DASHES } },
  },
})

const missingLayer = (days: readonly DayOfFeature[]) => ({
  data: { values: days.map(({ day, missing }) => ({ date: dateOf(day), missing })) },
  mark: { type: 'line', strokeDash: [4, 3], color: CHART_COLORS.alert },
  encoding: {
    x: DATES,
    y: {
      field: 'missing',
      type: 'quantitative',
      title: 'missing',
      axis: { format: '.1~%', tickCount: 2 },
      scale: { domainMin: 0 },
    },
  },
})

/** Three colours in the page's own light and dark, told apart by their dashes too. */
const SHARE_COLORS = [
  CHART_COLORS.accent,
  CHART_COLORS.alert,
  CHART_COLORS.text,
  CHART_COLORS.quiet,
  CHART_COLORS.accent,
  CHART_COLORS.alert,
  CHART_COLORS.quiet,
]
const SHARE_DASHES = [
  [1, 0],
  [1, 0],
  [1, 0],
  [1, 0],
  [5, 3],
  [5, 3],
  [2, 2],
]
