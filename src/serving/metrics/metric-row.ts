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
  readonly alarmSeverity?: AlarmSeverity
  /** What to do then, in a sentence. */
  readonly alarmAction?: string
  /** A second expression, whose alert is critical and has a name of its own. */
  readonly criticalAlarm?: { readonly name: string; readonly alarm: string }
}

export type AlarmSeverity = 'warning' | 'critical' | '{{ $labels.severity }}'

/** An alert of Prometheus on a metric. */
export interface MetricAlarm {
  readonly alarm: string
  /** Undefined: it is called like the metric. */
  readonly name: string | undefined
  readonly severity: AlarmSeverity
}

/** All alarms of a metric, the least grave first. */
export const alarmsOf = ({
  alarm,
  alarmName,
  alarmSeverity = 'warning',
  criticalAlarm,
}: MetricRow): readonly MetricAlarm[] => [
  ...(alarm === undefined ? [] : [{ alarm, name: alarmName, severity: alarmSeverity }]),
  ...(criticalAlarm === undefined ? [] : [{ ...criticalAlarm, severity: 'critical' as const }]),
]
