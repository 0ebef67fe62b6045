import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { finding, lookOf } from '../alerts/alerts.test-kit.ts'
import type { ServedAlerts } from '../alerts/served-alerts.ts'
import type { RunningServer, ServeTools } from '../cli/commands/serve.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import { withAlerts } from './keep-alerting.ts'
import { alertsOpener } from './open-alerts.ts'
import { systemWorld } from './system-world.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Starts a server that does nothing with the alerts of a configuration. */
const startWith = async (
  alerts: string,
  environment: Readonly<Record<string, string>> = {},
  assignments: readonly string[] = [],
) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-with-alerts-'))
  folders.push(folder)
  const file = { name: 'serving.yaml', directory: folder, text: `alerts: ${alerts}` }
  const { settings } = loadServingConfig({ file, environment, assignments, workingDirectory: folder })
  let served: ServedAlerts | undefined
  const warnings: string[] = []
  const startServer: ServeTools['startServer'] = async (request) => {
    served = request.alerts
    return { close: async () => undefined } as unknown as RunningServer
  }
  const owner = { processId: process.pid, host: 'here', isAlive: () => true }
  const start = withAlerts(startServer, { world: systemWorld, owner })
  const server = await start({
    settings,
    environment,
    workingDirectory: folder,
    onWarning: (text: string) => warnings.push(text),
  } as unknown as Parameters<typeof start>[0])
  return { server, served, warnings, settings, owner }
}

test('a missing secret keeps no server from starting: the channel is broken, and that is told and written down', async () => {
  const { server, served, warnings } = await startWith(
    '{ channels: { pager: { kind: pagerduty, secret_variable: PAGER_KEY }, prometheus: { kind: alertmanager, url: "http://127.0.0.1:9" } }, heartbeat: { secret_file: beat } }',
  )
  const why = 'the environment variable PAGER_KEY, which has its secret, is not set'
  expect(served?.channels).toEqual([
    { name: 'pager', kind: 'pagerduty', broken: why },
    { name: 'prometheus', kind: 'alertmanager' },
  ])
  expect(served?.heartbeat?.broken).toMatch(/^the file .*beat, which has its secret, cannot be read$/)
  expect(warnings[0]).toBe(`alerts: pager IS BROKEN, ITS MESSAGES WAIT: ${why}`)
  expect(warnings[1]).toMatch(/^alerts: alerts\.heartbeat IS BROKEN: the file /)
  expect([...(await served!.center.book()).broken.keys()]).toEqual(['pager', 'alerts.heartbeat'])
  await server.close()
})

test('with its secret nothing is broken', async () => {
  const { server, served, warnings } = await startWith(
    '{ channels: { pager: { kind: pagerduty, secret_variable: PAGER_KEY } } }',
    { PAGER_KEY: 'R0123456789abcdef0123456789abcde' },
  )
  expect([served?.channels, served?.heartbeat, warnings]).toEqual([
    [{ name: 'pager', kind: 'pagerduty' }],
    undefined,
    [],
  ])
  await server.close()
})

test('without channels alerts are kept as soon as looks are taken, and nothing is written before one is told', async () => {
  const { server, served, settings, warnings } = await startWith('{}')
  expect([served!.isKept(), served!.channels, warnings]).toEqual([true, [], []])
  expect(existsSync(settings.alerts.path)).toBe(false)
  expect((await served!.center.book()).states.size).toBe(0)
  await server.close()
})

test('a server that takes no looks and has no channels keeps no alerts until somebody tells some', async () => {
  const { server, served, settings, owner } = await startWith('{}', {}, ['monitoring.enabled=false'])
  expect(served!.isKept()).toBe(false)
  // As `vigia monitor --tell` does beside it.
  const { center } = await alertsOpener({ world: systemWorld, owner })(settings.alerts, {})
  await center.look(lookOf('monday', [finding('critical')]))
  expect(served!.isKept()).toBe(true)
  expect([...(await served!.center.book()).states.values()]).toMatchObject([{ status: 'firing' }])
  await server.close()
})

test('a secret that is none is told like one that is missing', async () => {
  const { server, served } = await startWith(
    '{ channels: { hook: { kind: webhook, url: "https://hooks.bank.example", secret_variable: HOOK } } }',
    { HOOK: 'no secret of Standard Webhooks' },
  )
  expect(served?.channels[0]?.broken).toContain('whsec_')
  await server.close()
})
