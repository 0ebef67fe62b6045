import type {
  CandidateFigures,
  EvaluationReport,
  Interval,
} from '../../pipelines/training/evaluation-report.ts'

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

/** `0.710 to 0.790`, the ends included; empty where there is no interval. */
export const interval = (ends: Interval | undefined): string =>
  ends === null || ends === undefined ? '' : `${ends[0].toFixed(3)} to ${ends[1].toFixed(3)}`

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

/** `precision at 100 users a day`. */
export const dailyName = ({ daily }: Pick<EvaluationReport, 'daily'>): string =>
  `precision at ${daily.k} ${daily.entity}s a day`

/** Figures that candidates are compared by, with whether more is better. */
export const CANDIDATE_FIGURES: readonly {
  readonly key: keyof CandidateFigures
  readonly title: string
  readonly isShare: boolean
}[] = [
  { key: 'rocAuc', title: 'ROC-AUC', isShare: true },
  { key: 'averagePrecision', title: 'Average precision', isShare: true },
  { key: 'precision', title: 'Precision', isShare: true },
  { key: 'recall', title: 'Recall', isShare: true },
  { key: 'dailyPrecision', title: 'Daily precision', isShare: true },
  { key: 'logLoss', title: 'Log loss', isShare: false },
  { key: 'expectedCost', title: 'Cost of a row', isShare: false },
]
