import { Counter, Gauge, type Registry } from 'prom-client'
import { SEVERITIES } from '../../drift/severity.ts'
import type { LooksStatus, ServedLooks } from '../../monitoring/served-looks.ts'
import { described, type MetricName } from './metric-table.ts'

type Latest = NonNullable<LooksStatus['latest']>

/** Null: there is no number to tell. */
const OF_THE_LATEST: Readonly<Partial<Record<MetricName<'gauge'>, (latest: Latest) => number | null>>> = {
  vigia_look_timestamp_seconds: ({ endedMs }) => endedMs / 1000,
  vigia_look_day_timestamp_seconds: ({ figures }) => Date.parse(figures.date) / 1000,
  vigia_look_severity: ({ figures }) => SEVERITIES.indexOf(figures.severity),
  vigia_look_statistic: ({ figures }) => figures.statistic,
  vigia_look_limit: ({ figures }) => figures.limit,
  vigia_look_changed_features: ({ figures }) => figures.changedFeatures,
  vigia_look_rows: ({ figures }) => figures.rows,
  vigia_look_alert_ratio: ({ figures }) => figures.alertRate,
  vigia_look_duration_seconds: ({ durationMs }) => durationMs / 1000,
}

/** Adds what is told of looks; without any, the metrics are there and have no value. */
export const addLookMetrics = (registry: Registry, looks: ServedLooks | undefined): void => {
  for (const [name, read] of Object.entries(OF_THE_LATEST) as [
    MetricName<'gauge'>,
    (of: Latest) => number | null,
  ][])
    new Gauge({
      ...described(name),
      registers: [registry],
      collect() {
        this.reset()
        const latest = looks?.status().latest
        const value = latest === undefined ? null : read(latest)
        if (latest === undefined || value === null) return
        const { model, version } = latest.figures
        this.set({ model, version }, value)
      },
    })
  new Counter({
    ...described('vigia_look_failures_total'),
    registers: [registry],
    collect() {
      this.reset()
      this.inc(looks?.status().failures ?? 0)
    },
  })
}
