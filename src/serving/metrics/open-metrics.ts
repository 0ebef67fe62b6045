import type { Registry } from 'prom-client'
import type { Exemplar } from './series.ts'

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/**
 * Whether a scraper asks for OpenMetrics rather than Prometheus's text format: an Accept that names it no
 * later than text/plain. Who names neither gets the text.
 */
export const prefersOpenMetrics = (accept: string | undefined): boolean => {
  const weights = (accept ?? '').split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const parameterOf = (name: string): string | undefined =>
      parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
    return { type, version: parameterOf('version'), weight: Number(parameterOf('q') ?? 1) }
  })
  const most = (of: (typeof weights)[number][]): number =>
    of.reduce((sum, { weight }) => Math.max(sum, weight || 0), 0)
  const open = most(
    weights.filter(
      ({ type, version }) =>
        type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'),
    ),
  )
  return open > 0 && open >= most(weights.filter(({ type }) => type === 'text/plain'))
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly {
    readonly metricName?: string
    readonly labels: Readonly<Record<string, string | number>>
    readonly value: number
    /** Null in histograms that are prom-client's own. */
    readonly exemplar?: Exemplar | null
  }[]
}

/**
 * All metrics of a registry as OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), with
 * the traces that buckets have as exemplars.
 *
 * prom-client's own writer of it changes the names of the metrics for good, so that a server could answer in
 * one of the two formats only.
 */
export const renderOpenMetrics = async (registry: Registry): Promise<string> => {
  const families = await Promise.all(
    registry.getMetricsAsArray().map((metric) => (metric as unknown as { get(): Promise<Family> }).get()),
  )
  return `${families.map(familyText).join('')}# EOF\n`
}

const familyText = ({ name, help, type, values }: Family): string => {
  // A counter's family is called without what its samples end with.
  const family = type === 'counter' ? name.replace(/_total$/, '') : name
  const lines = values.map(({ metricName = name, labels, value, exemplar }) => {
    const sample = type === 'counter' ? `${family}_total` : metricName
    const pairs = Object.entries(labels).map(
      ([label, text]) => `${label}="${escaped(label === 'le' ? boundText(text) : String(text))}"`,
    )
    const labelled = pairs.length === 0 ? sample : `${sample}{${pairs.join(',')}}`
    return `${labelled} ${numberText(value)}${exemplarText(exemplar)}\n`
  })
  return `# TYPE ${family} ${type}\n# HELP ${family} ${escaped(help)}\n${lines.join('')}`
}

const exemplarText = (exemplar: Exemplar | null | undefined): string =>
  exemplar === undefined || exemplar === null
    ? ''
    : ` # {trace_id="${exemplar.traceId}"} ${numberText(exemplar.value)} ${(exemplar.atMs / 1000).toFixed(3)}`

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const numberText = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)

/** Bounds of buckets are floats there: 1.0. */
const boundText = (bound: string | number): string =>
  Number.isInteger(Number(bound)) ? `${bound}.0` : String(bound)
