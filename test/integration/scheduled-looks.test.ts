import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { type HttpReceiver, openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import type { MonitorReport } from '../../src/monitoring/monitor-report.ts'
import { SERVED_BANK, SERVED_MODEL, sendRows, splitBank } from './served-bank.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * A bank whose feed loses its devices: a server that looks by itself, every few seconds here, tells a real
 * receiver once; a second server beside it takes no look that the first has taken, and goes on when the first
 * is killed in the middle of one.
 */

const home = mkdtempSync(join(tmpdir(), 'vigia-looks-'))
let receiver: HttpReceiver | undefined
afterAll(async () => {
  await killVigiaServers()
  await receiver?.close()
  rmSync(home, { recursive: true, force: true })
})

const BROKEN = '2025-04-05'
/** The first day after the broken one: with it the broken one is over. */
const AFTER = '2025-04-06'
const LAST = '2025-04-07'
/** A look takes seconds, on a busy machine more. */
const PATIENCE = { timeout: 240_000, interval: 250 }

const vigia = async (words: readonly string[], settings: readonly string[]) => {
  const { status, stderr } = await runVigia(home, [
    ...words,
    ...settings.flatMap((setting) => ['--set', setting]),
  ])
  expect([status, stderr]).toEqual([0, expect.anything()])
}

interface Runs {
  readonly next_at: string
  readonly runs: readonly {
    readonly scheduled_for: string
    readonly attempt: number
    readonly by: string
    readonly outcome: string
    readonly detail: string
  }[]
}

const ask = async ({ port }: VigiaServer, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`)

const runsOf = async (server: VigiaServer): Promise<Runs['runs']> =>
  ((await (await ask(server, '/monitoring/runs')).json()) as Runs).runs

const configuration = (url: string): string => `
model: { source: runs/vigia }
limits: { requests_per_minute: 0 }
log: { level: warn }
alerts:
  channels:
    hook: { kind: webhook, url: '${url}', secret_file: hook.secret, allowed_hosts: [127.0.0.1] }
  # One look is enough here: a day is told once, however often it is looked at.
  confirm: { moderate: { looks: 1, of: 1 }, severe: { looks: 1, of: 1 } }
monitoring:
  schedule: '*/5 * * * * *'
  logs: [.vigia/log]
`

test('a server finds the broken feed by itself and tells it once; of two one takes each look, also when one is killed', async () => {
  receiver = await openHttpReceiver()
  // With a look every few seconds one that is slow is missing: what is told of that is not meant here.
  const told = () => receiver!.received.filter(({ text }) => text.includes('/drift/all'))
  await vigia(['generate', '--out', 'bank.parquet'], SERVED_BANK)
  const rows = await splitBank(home, LAST)
  await vigia(['run'], [...SERVED_MODEL, 'source.path=trained.parquet', 'tracking.enabled=false'])
  writeFileSync(join(home, 'serving.yaml'), configuration(`${receiver.url}/hook`))
  writeFileSync(join(home, 'hook.secret'), `whsec_${Buffer.alloc(24, 3).toString('base64')}\n`)
  const place = { config: 'serving.yaml' }
  const first = await startVigiaServer(home, [], place)

  // Before a day is over there is no report, and no failure either.
  const none = await ask(first, '/monitoring')
  expect([none.status, ((await none.json()) as { error: { code: string } }).error.code]).toEqual([
    404,
    'MONITORING_NO_REPORT',
  ])

  await sendRows(
    first,
    rows.filter(({ timestamp }) => timestamp < BROKEN),
  )
  const quiet = await vi.waitFor(async () => {
    const answer = await ask(first, '/monitoring')
    expect(answer.status).toBe(200)
    return (await answer.json()) as MonitorReport
  }, PATIENCE)
  expect(quiet.looks.at(-1)!.basis).toBe('chart')
  expect(told()).toEqual([])

  // A day on which a third of the feed comes without devices, and the beginning of the next.
  const broken = rows
    .filter(({ timestamp }) => timestamp >= BROKEN)
    .map((row, n) =>
      n % 3 === 0 && row.timestamp < AFTER ? { ...row, device_id: null, device_type: null } : row,
    )
  await sendRows(first, broken)
  await vi.waitFor(() => expect(told().length).toBeGreaterThan(0), PATIENCE)
  const drift = told()
  expect(drift).toHaveLength(1)
  expect(drift[0]!.text).toContain('device_type_code')
  expect(drift[0]!.text).toContain(BROKEN)

  const report = (await (await ask(first, '/monitoring')).json()) as MonitorReport
  expect([report.severity === 'none', report.looks.at(-1)!.date]).toEqual([false, BROKEN])
  const page = await ask(first, '/monitoring/page')
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(await page.text()).toContain('<h3><code>device_type_code</code></h3>')
  const metrics = await (await ask(first, '/metrics')).text()
  expect(metrics).toMatch(/^vigia_look_severity\{.*\} [123]$/m)
  expect(metrics).toMatch(
    new RegExp(`^vigia_look_day_timestamp_seconds\\{.*\\} ${Date.parse(BROKEN) / 1000}$`, 'm'),
  )
  expect(metrics).toMatch(/^vigia_look_failures_total 0$/m)

  // A second server, with states and a log of its own: one journal, so one of them takes each look.
  mkdirSync(join(home, 'second'))
  const second = await startVigiaServer(
    home,
    ['state_store.path=second/states', 'prediction_log.path=second/log'],
    place,
  )
  // Who has just ended a look claims the next one first, so on a slow machine the second may never get one.
  await vi.waitFor(async () => expect((await runsOf(second)).length).toBeGreaterThan(0), PATIENCE)

  // Killed while it looks: what it had claimed is lost or another's, and looks go on.
  await vi.waitFor(
    async () => {
      const [latest] = await runsOf(first)
      expect([latest!.outcome, latest!.by.startsWith(`${first.processId} `)]).toEqual(['under way', true])
    },
    { ...PATIENCE, interval: 20 },
  )
  await first.kill()
  const before = (await runsOf(second)).length
  await vi.waitFor(async () => {
    const runs = await runsOf(second)
    expect(runs.filter(({ outcome }) => outcome === 'done').length).toBeGreaterThan(1)
    expect(runs.length).toBeGreaterThan(before + 1)
    expect(runs[0]!.by.startsWith(`${second.processId} `)).toBe(true)
  }, PATIENCE)
  const runs = await runsOf(second)
  const done = runs.filter(({ outcome }) => outcome === 'done').map((run) => run.scheduled_for)
  expect(new Set(done).size).toBe(done.length)
  expect(runs.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  // The day was looked at many times by then, by two servers, and told once.
  expect(told()).toHaveLength(1)
  expect(await second.stop()).toBe(0)
}, 900_000)

test('vigia monitor --tell tells what no server has told, once, and keeps the report', async () => {
  const url = (await openHttpReceiverOnce()).url
  writeFileSync(
    join(home, 'job.yaml'),
    configuration(`${url}/hook`)
      .replace('alerts:\n', 'alerts:\n  path: job-alerts\n')
      .replace('  logs: [.vigia/log]\n', '  logs: [.vigia/log]\n  path: job-monitoring\n'),
  )
  const look = () => runVigia(home, ['monitor', '--tell', '--days', '1', '--config', 'job.yaml'])
  const once = await look()
  expect([10, 11, 12]).toContain(once.status)
  expect(once.stdout).toMatch(/The alerts have been told; \d+ messages were due, \d+ have arrived/)
  const messages = receiver!.received.length
  expect(messages).toBeGreaterThan(0)
  const twice = await look()
  expect(twice.status).toBe(once.status)
  expect(twice.stdout).toContain('The alerts knew of this day; 0 messages were due')
  expect(receiver!.received).toHaveLength(messages)
}, 300_000)

/** The receiver of the job: another one, so that what it gets is its own. */
const openHttpReceiverOnce = async (): Promise<HttpReceiver> => {
  await receiver?.close()
  receiver = await openHttpReceiver()
  return receiver
}
