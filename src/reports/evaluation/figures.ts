import type { Interval } from '../../evaluation/bootstrap.ts'
import { type Figure, isShare } from '../../evaluation/figure.ts'
import { barred, type Html } from '../page.ts'

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `12,345`. */
export const count = (value: number): string => counts.format(value)

/** `0.750`; `not defined` for null. */
export const score = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not defined' : value.toFixed(3)

/** Three significant digits, for figures whose size is not known beforehand; `not defined` for null. */
export const quantity = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not defined' : String(Number(value.toPrecision(3)))

/** `12.3 %`, three significant digits of the share. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

/** `2026-01-31 23:59` in UTC; empty for null. */
export const instant = (ms: number | null): string =>
  ms === null ? '' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

/** A setting as the configuration writes it: text without quotes, anything else as JSON. */
export const settingValue = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

/** `max_depth 6, trees 100`: settings in their order. */
export const settingsText = (settings: Readonly<Record<string, unknown>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${settingValue(value)}`)
    .join(', ')

/** A value as its figure is told. */
export const figureText = (figure: Pick<Figure, 'unit'>, value: number | null | undefined): string =>
  isShare(figure) ? score(value) : quantity(value)

/** `0.710 to 0.790`, the ends included; empty where there is no interval. */
export const interval = (figure: Pick<Figure, 'unit'>, ends: Interval | undefined): string =>
  ends === null || ends === undefined ? '' : ends.map((end) => figureText(figure, end)).join(' to ')

/** A value in a table of many: shares with a bar, a dash where it is not defined. */
export const figureCell = (figure: Pick<Figure, 'unit'>, value: number | null | undefined): Html | string => {
  if (value === null || value === undefined) return '–'
  const text = figureText(figure, value)
  return isShare(figure) ? barred(text, value) : text
}
