import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { monitorCommand } from '../../src/cli/commands/monitor.ts'
import { loadServingConfig } from '../../src/config/config-manager.ts'
import { METRICS } from '../../src/serving/metrics/metric-table.ts'

const FOLDER = fileURLToPath(new URL('../../examples/monitoring', import.meta.url))
const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8')

describe('the rules for Prometheus', () => {
  const { groups } = parse(read('vigia-looks.rules.yaml')) as {
    groups: readonly { rules: readonly { alert: string; expr: string; annotations: { summary: string } }[] }[]
  }
  const rules = groups.flatMap(({ rules }) => rules)

  it('are about metrics that there are, and each has a name of its own and a summary', () => {
    for (const { alert, expr, annotations } of rules) {
      const names = expr.match(/vigia_\w+/g) ?? []
      expect([alert, names.filter((name) => !(name in METRICS)), names.length]).toEqual([alert, [], 1])
      expect(annotations.summary.length).toBeGreaterThan(10)
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })

  it('sound whatever alarm the table of metrics has of looks', () => {
    const alarms = Object.entries(METRICS).filter(
      ([name, row]) => name.startsWith('vigia_look_') && 'alarm' in row,
    )
    for (const [name] of alarms)
      expect([name, rules.some(({ expr }) => expr.includes(name))]).toEqual([name, true])
  })
})

describe('the jobs', () => {
  const commands = ['vigia-monitor.service', 'cronjob.yaml', 'workflow.yaml'].map(
    (name) => [name, /vigia monitor ([^|'\n]*)/.exec(read(name))?.[1]?.trim() ?? ''] as const,
  )

  it.each(commands)('%s asks for what the command knows: %s', (_, words) => {
    const known = monitorCommand({} as never).options.map(({ flags }) => /--[a-z]+/.exec(flags)?.[0])
    const asked = words.match(/--[a-z]+/g) ?? []
    expect(asked).toContain('--tell')
    expect(asked.filter((option) => !known.includes(option))).toEqual([])
  })

  it('look when a server does', () => {
    const { schedule } = loadServingConfig({ environment: {}, assignments: [], workingDirectory: '/' })
      .settings.monitoring
    expect((parse(read('cronjob.yaml')) as { spec: { schedule: string } }).spec.schedule).toBe(schedule)
    expect(read('workflow.yaml')).toContain(`cron: '${schedule}'`)
    expect(schedule).toBe('20 0 * * *')
    expect(read('vigia-monitor.timer')).toContain('OnCalendar=*-*-* 00:20:00 UTC')
  })

  it('are each in the list of the folder', () => {
    const listed = read('README.md')
    for (const name of readdirSync(FOLDER)) if (name !== 'README.md') expect(listed).toContain(`(${name})`)
  })
})
