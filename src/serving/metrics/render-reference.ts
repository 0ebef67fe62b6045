import { alarmsOf } from './metric-row.ts'
import { METRICS, type MetricRow } from './metric-table.ts'

/** The reference of all metrics as Markdown, from their table: `docs/metrics.md`. */
export const renderMetricReference = (): string =>
  [
    '# Metrics',
    '',
    '<!-- Generated from src/serving/metrics/metric-table.ts by `npm run docs`. Change the table there instead. -->',
    '',
    'What `GET /metrics` of a server tells Prometheus. Counters and histograms begin at 0 with the process; one with labels has a series',
    'from its first event on. `model` and `version` are those of the artifact or of the registry.',
    '',
    'An alarm is an expression of PromQL that gives something when a person should look. Its numbers are to begin with: what is much depends',
    'on the bank. What to do then stands in [serving](serving.md#when-something-is-wrong). All of them as rules for Prometheus, to copy:',
    '[vigia.rules.yml](../examples/prometheus/vigia.rules.yml).',
    '',
    '| metric | type | labels | unit | meaning | alarm on |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries<MetricRow>(METRICS).map(renderRow),
    '',
    'Where Accept asks for OpenMetrics, as Prometheus does, it gets that: the same metrics, bounds of buckets as floats (`le="1.0"`), and beside the buckets of',
    '`vigia_http_request_duration_seconds` the trace id of the latest request that came with a `traceparent` (Prometheus keeps them with `--enable-feature=exemplar-storage`).',
    '',
    'Beside these stand those of the process (`process_…`: processor time, memory, open files, start) and of Node.js (`nodejs_…`: delay of the event loop,',
    'heap, collection of garbage, what keeps the event loop alive), as the client library [prom-client](https://github.com/siimon/prom-client) has them.',
    'Its gauges `nodejs_active_…_total` are left out: they are sums of those without `_total`, which names counters.',
    '',
  ].join('\n')

const renderRow = ([name, row]: [string, MetricRow]): string => {
  const { type, labels = {}, unit, help } = row
  const values = Object.entries(labels).map(([label, value]) => `\`${label}\`: ${value}`)
  const cells = [
    `\`${name}\``,
    type,
    values.join('; '),
    unit,
    help,
    alarmsOf(row)
      .map(({ alarm }) => `\`${alarm}\``)
      .join('; critical: '),
  ]
  return `| ${cells.map(inCell).join(' | ')} |`
}

/** A pipe would end the cell, in code too. */
const inCell = (text: string): string => text.replaceAll('|', '\\|')
