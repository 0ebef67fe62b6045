import type { Metric, Registry } from 'prom-client'

/**
 * Counters and histograms for what happens with every request. prom-client looks a series up by all of its
 * labels each time something is counted, which costs as much as a small model; here whoever counts holds the
 * series. They stand in prom-client's registry beside its own metrics.
 */
export interface SeriesOptions {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
}

/** A number that only grows. */
export interface CounterSeries {
  value: number
}

/** Finds or makes the series of these label values, which stand in the order of `labelNames`. */
export type SeriesOf<S> = (...labels: readonly string[]) => S

export const createCounter = (registry: Registry, options: SeriesOptions): SeriesOf<CounterSeries> => {
  const { all, seriesOf } = collection(options, (): CounterSeries => ({ value: 0 }))
  register(registry, options, 'counter', () =>
    [...all.values()].map(({ labels, series }) => ({ labels, value: series.value })),
  )
  return seriesOf
}

/** How values are spread. */
export interface HistogramSeries {
  /** @param traceId of the request that took it, so that one example of each bucket can be looked up */
  observe(value: number, traceId?: string): void
}

/** A value that was observed, and the trace of its request. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  readonly atMs: number
}

interface Spread extends HistogramSeries {
  /** Values by bucket; the last one is for values beyond all bounds. */
  readonly counts: Float64Array
  /** By bucket, the latest with a trace. */
  readonly exemplars: readonly (Exemplar | undefined)[]
  readonly sum: number
}

/** @param bounds upper bounds of the buckets, ascending, each inside its bucket */
export const createHistogram = (
  registry: Registry,
  options: SeriesOptions & { readonly bounds: readonly number[] },
): SeriesOf<HistogramSeries> => {
  const { name, bounds } = options
  const { all, seriesOf } = collection(options, () => createSpread(bounds))
  register(registry, options, 'histogram', () =>
    [...all.values()].flatMap(({ labels, series: { counts, sum, exemplars } }) => {
      let count = 0
      const buckets = Array.from(counts, (inside, bucket) => {
        count += inside
        const exemplar = exemplars[bucket]
        return {
          metricName: `${name}_bucket`,
          labels: { ...labels, le: bounds[bucket] ?? '+Inf' },
          value: count,
          ...(exemplar !== undefined && { exemplar }),
        }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]
    }),
  )
  return seriesOf
}

const createSpread = (bounds: readonly number[]): Spread => {
  const counts = new Float64Array(bounds.length + 1)
  const exemplars = new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined)
  let sum = 0
  return {
    counts,
    exemplars,
    get sum() {
      return sum
    },
    observe: (value, traceId) => {
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket++
      counts[bucket]!++
      sum += value
      if (traceId !== undefined) exemplars[bucket] = { traceId, value, atMs: Date.now() }
    },
  }
}

const collection = <S>({ labelNames }: SeriesOptions, make: () => S) => {
  const all = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly series: S }>()
  const seriesOf: SeriesOf<S> = (...values) => {
    const key = values.join('\0')
    const known = all.get(key)
    if (known !== undefined) return known.series
    const labels = Object.fromEntries(labelNames.map((name, index) => [name, values[index] ?? '']))
    const series = make()
    all.set(key, { labels, series })
    return series
  }
  // A series without labels is there from the beginning, at 0.
  if (labelNames.length === 0) seriesOf()
  return { all, seriesOf }
}

interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly exemplar?: Exemplar
}

const register = (
  registry: Registry,
  { name, help }: SeriesOptions,
  type: string,
  read: () => readonly Sample[],
): void => {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: async () => ({ name, help, type, aggregator: 'sum', values: read() }),
  }
  registry.registerMetric(metric as unknown as Metric)
}
