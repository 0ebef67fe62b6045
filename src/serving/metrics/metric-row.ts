/** What is said of a metric, to Prometheus and in docs/metrics.md. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A sentence or two that need no other row; also the HELP of `/metrics`. */
  readonly help: string
  /** What its value counts or measures. */
  readonly unit: string
  /** Its labels in the order in which they are given, each with the values that it may have. */
  readonly labels?: Readonly<Record<string, string>>
  /** An expression of PromQL that gives something when a person should look. */
  readonly alarm?: string
  /** What the alert of Prometheus is called. Default: like the metric, `VigiaErrors`. */
  readonly alarmName?: string
  /** How long it must give something, in Prometheus' own words. Default: 1m. */
  readonly alarmFor?: string
  /** Default: warning. */
  readonly alarmSeverity?: 'warning' | 'critical' | '{{ $labels.severity }}'
}
