import { Counter, Gauge, type Registry } from 'prom-client'
import type { ServedRetraining } from '../../lifecycle/served-retraining.ts'
import { EPISODE_STATUSES, type Episode, isEnded } from '../../retraining/episode.ts'
import { episodesOf } from '../../retraining/retraining-book.ts'
import { described, type MetricName } from './metric-table.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

type ReadRetraining = (retraining: ServedRetraining, last: Episode) => readonly Sample[]

/** Of the latest episode; before the first there is nothing to tell. */
const GAUGES: { readonly [Name in MetricName<'gauge'> & `vigia_retraining_${string}`]: ReadRetraining } = {
  vigia_retraining_status: ({ model }, last) =>
    EPISODE_STATUSES.map((status) => ({
      labels: { model, status },
      value: Number(status === last.status),
    })),
  vigia_retraining_last_step_timestamp_seconds: ({ model, known }, last) => {
    const record = known().records.findLast(({ episode }) => episode === last.id)
    return record === undefined ? [] : [{ labels: { model }, value: record.atMs / 1000 }]
  },
  vigia_retraining_step_failures: ({ model }, last) => [{ labels: { model }, value: last.failures }],
}

/** Adds what is told of retraining; without any, the metrics are there and have no value. */
export const addRetrainingMetrics = (registry: Registry, retraining: ServedRetraining | undefined): void => {
  for (const [name, read] of Object.entries(GAUGES) as [MetricName<'gauge'>, ReadRetraining][])
    new Gauge({
      ...described(name),
      registers: [registry],
      collect() {
        this.reset()
        const last = retraining && episodesOf(retraining.known(), retraining.model).at(-1)
        if (retraining === undefined || last === undefined) return
        for (const { labels, value } of read(retraining, last)) this.set(labels, value)
      },
    })
  new Counter({
    ...described('vigia_retraining_episodes_total'),
    registers: [registry],
    collect() {
      this.reset()
      if (retraining === undefined) return
      const { model } = retraining
      const episodes = episodesOf(retraining.known(), model)
      for (const outcome of EPISODE_STATUSES.filter(isEnded))
        this.inc({ model, outcome }, episodes.filter(({ status }) => status === outcome).length)
    },
  })
  new Counter({
    ...described('vigia_retraining_failures_total'),
    registers: [registry],
    collect() {
      this.reset()
      this.inc(retraining?.failures() ?? 0)
    },
  })
}
