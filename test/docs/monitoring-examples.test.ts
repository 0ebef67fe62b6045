import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { monitorCommand } from '../../src/cli/commands/monitor.ts'
import { loadServingConfig } from '../../src/config/config-manager.ts'

const FOLDER = fileURLToPath(new URL('../../examples/monitoring', import.meta.url))
const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8')

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
