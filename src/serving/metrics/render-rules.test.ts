import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { alarmsOf } from './metric-row.ts'
import { METRICS, type MetricRow } from './metric-table.ts'
import { renderAlertRules } from './render-rules.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const { groups } = parse(renderAlertRules()) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}
const rules = groups[0]!.rules

test('there is a rule for each alarm of the table, beside that a server is down', () => {
  const alarms = Object.values<MetricRow>(METRICS).flatMap((row) => alarmsOf(row).map(({ alarm }) => alarm))
  expect(rules.map(({ expr }) => expr)).toEqual(['up{job="vigia"} == 0', ...alarms])
})

test('each has a name of its own, a severity and a summary', () => {
  const names = rules.map(({ alert }) => alert)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain('VigiaAlertChannelBroken')
  for (const { alert, labels, annotations } of rules) {
    expect(alert).toMatch(/^Vigia[A-Za-z]+$/)
    expect(labels['severity']).toMatch(/^(warning|critical|\{\{ \$labels\.severity \}\})$/)
    expect(annotations['summary']).toMatch(/\.$/)
  }
})

test('what a look found is critical where the look says so, and a warning where it is severe', () => {
  const found = rules.filter(({ expr }) => expr.startsWith('vigia_look_severity'))
  expect(found.map(({ alert, expr, labels }) => [alert, expr, labels['severity']])).toEqual([
    ['VigiaLookSevere', 'vigia_look_severity == 2', 'warning'],
    ['VigiaLookCritical', 'vigia_look_severity >= 3', 'critical'],
  ])
  for (const { annotations } of found) expect(annotations['description']).toContain('GET /monitoring/page')
})
