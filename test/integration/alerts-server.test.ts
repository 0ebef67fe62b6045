import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpReceiver, openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import { alertsOpener } from '../../src/composition/open-alerts.ts'
import { systemWorld } from '../../src/composition/system-world.ts'
import { loadServingConfig } from '../../src/config/config-manager.ts'
import { eventually } from '../eventually.ts'
import { trainSmallModel } from './small-service.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const KEY = 'vigia/fraud/drift/all'
const SECRET = `whsec_${Buffer.alloc(24, 3).toString('base64')}`

let folder: string
let hook: HttpReceiver
let server: VigiaServer
let config: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-alerts-server-'))
  hook = await openHttpReceiver()
  writeFileSync(join(folder, 'hook.secret'), SECRET)
  config = join(folder, 'serving.yaml')
  writeFileSync(
    config,
    `model: { source: ${JSON.stringify(await trainSmallModel())} }
log: { level: warn }
alerts:
  channels:
    hook: { kind: webhook, url: '${hook.url}/hook', secret_file: hook.secret, allowed_hosts: [127.0.0.1] }
    pager: { kind: pagerduty, secret_variable: PAGER_KEY_OF_NOBODY }
`,
  )
  server = await startVigiaServer(folder, [], { config })
})
afterAll(async () => {
  await killVigiaServers()
  await hook?.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (path: string, body?: object) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, {
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })

test('a server starts without a secret, and says so aloud, in its answers and in its metrics', async () => {
  expect(server.output()).toMatch(
    /^warning +alerts: pager IS BROKEN, ITS MESSAGES WAIT: .*PAGER_KEY_OF_NOBODY/m,
  )
  await eventually(async () => {
    const { stdout } = await runVigia(folder, ['alerts', 'list', '--config', config])
    expect(stdout).toContain('BROKEN     pager: its messages wait')
  })
  const { channels } = (await (await ask('/alerts')).json()) as {
    readonly channels: readonly { readonly name: string; readonly state: string }[]
  }
  expect(channels.map(({ name, state }) => [name, state])).toEqual([
    ['hook', 'working'],
    ['pager', 'broken'],
  ])
  expect(await (await ask('/metrics')).text()).toContain('vigia_alert_channel_broken{channel="pager"} 1')
})

test('what another process finds the server tells, and what people do over HTTP another process sees', async () => {
  const text = readFileSync(config, 'utf8')
  const { settings } = loadServingConfig({
    file: { name: 'serving.yaml', directory: folder, text },
    environment: {},
    assignments: [],
    workingDirectory: folder,
  })
  const owner = { processId: process.pid, host: 'elsewhere', isAlive: () => true }
  const { center } = await alertsOpener({ world: systemWorld, owner })(settings.alerts, {})
  const drift = { kind: 'drift', segment: '', severity: 'critical', summary: 'amounts have moved' } as const
  const kinds = ['drift']
  await center.look({
    id: 'a',
    model: 'fraud',
    monitor: 'daily',
    everyMs: 86_400_000,
    kinds,
    findings: [drift],
  })
  const typesOf = () => hook.received.map(({ body }) => String(body.type))
  await eventually(() => expect(typesOf()).toContain('vigia.alert.fired'))
  const { status } = await ask('/admin/alerts/acknowledge', { key: KEY, by: 'ana' })
  expect(status).toBe(200)
  await eventually(() => expect(typesOf()).toContain('vigia.alert.acknowledged'))
  const list = await runVigia(folder, ['alerts', 'list', '--config', config])
  expect(list.stdout).toMatch(/acknowledged by ana \(127\.0\.0\.1\)/)
  expect(list.stdout).toMatch(/^waiting +fired of vigia\/fraud\/drift\/all for pager/m)
  const audited = readFileSync(join(settings.prediction_log.path, 'audit.jsonl'), 'utf8')
  expect(audited).toContain('"act":"alerts.acknowledge"')
})

test('the page and its script come from the program as it is installed', async () => {
  expect(await (await ask('/alerts/page')).text()).toContain('<script type="module" src="page/client.js">')
  expect(await (await ask('/alerts/page/client.js')).text()).toBe(
    readFileSync('src/serving/alerts-page/client.mjs', 'utf8'),
  )
})
