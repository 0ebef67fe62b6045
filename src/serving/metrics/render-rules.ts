import { alarmsOf } from './metric-row.ts'
import { METRICS, type MetricRow } from './metric-table.ts'

/** A rule that gives an alert of Prometheus. */
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly severity: string
  readonly summary: string
  readonly action?: string | undefined
}

/** How long an expression must give something where its row says nothing: one scrape may go astray. */
const USUAL_FOR = '1m'

/** The alarms of all metrics as rules for Prometheus, in YAML: `examples/prometheus/vigia.rules.yml`. */
export const renderAlertRules = (): string => {
  const rules: readonly Rule[] = [
    {
      alert: 'VigiaDown',
      expr: 'up{job="vigia"} == 0',
      for: USUAL_FOR,
      severity: 'critical',
      summary: 'A server of Vigía does not answer Prometheus.',
    },
    ...Object.entries<MetricRow>(METRICS).flatMap(([name, row]) => ruleOf(name, row)),
  ]
  return `${HEAD}groups:\n  - name: vigia\n    rules:\n${rules.map(renderRule).join('')}`
}

const HEAD = `# Alerts of Prometheus on the metrics of Vigía. Copy it, name it under rule_files of Prometheus, and change numbers as
# your bank needs them: what is much differs. The job that scrapes the servers is called vigia here. For the operator of
# Prometheus, \`groups\` are the spec of a PrometheusRule. The label severity is warning or critical; of VigiaAlertsFiring it
# is the alert's own: moderate, severe or critical.
#
# Generated from src/serving/metrics/metric-table.ts by \`npm run docs\`. Every metric: docs/metrics.md.
`

const ruleOf = (metric: string, row: MetricRow): readonly Rule[] =>
  alarmsOf(row).map(({ alarm, name = nameOf(metric), severity }) => ({
    alert: name,
    expr: alarm,
    for: row.alarmFor ?? USUAL_FOR,
    severity,
    summary: `${metric}: ${row.help}`,
    action: row.alarmAction,
  }))

/** `VigiaStoreHistoryLost`. A test sees to it that no two are called alike. */
const nameOf = (metric: string): string =>
  metric
    .replace(/(_timestamp)?(_seconds)?(_total)?$/, '')
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

// Texts of JSON are texts of YAML.
const renderRule = ({ alert, expr, for: duration, severity, summary, action }: Rule): string =>
  [
    `      - alert: ${alert}`,
    `        expr: ${JSON.stringify(expr)}`,
    `        for: ${duration}`,
    `        labels:`,
    `          severity: ${JSON.stringify(severity)}`,
    `        annotations:`,
    `          summary: ${JSON.stringify(summary)}`,
    ...(action === undefined ? [] : [`          description: ${JSON.stringify(action)}`]),
    `          value: "{{ $value }}"`,
    '',
  ].join('\n')
