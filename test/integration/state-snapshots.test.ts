import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * Snapshots of the states of a server that decides meanwhile and is killed, with real processes.
 */

let model: string
beforeAll(async () => {
  model = await trainSmallModel()
})
const home = mkdtempSync(join(tmpdir(), 'vigia-snapshots-'))
afterEach(killVigiaServers)
afterAll(() => rmSync(home, { recursive: true, force: true }))

test('snapshots under load and a kill: parity begins at each of them, and finds no difference', async () => {
  const settings = [
    `model.source=${model}`,
    'prediction_log.segment_size=1',
    'prediction_log.snapshot_every=1s',
    'prediction_log.snapshots_kept=3',
    'limits.requests_per_minute=0',
  ]
  mkdirSync(join(home, 'shop'))
  const server = await startVigiaServer(join(home, 'shop'), settings)
  const load = startLoad(server)
  const seen = new Set<string>()
  await eventually(() => {
    for (const name of snapshots()) seen.add(name)
    expect(seen.size).toBeGreaterThanOrEqual(4)
  })
  expect(await metric(server, 'vigia_snapshots')).toBeLessThanOrEqual(3)
  expect(await metric(server, 'vigia_snapshot_timestamp_seconds')).toBeGreaterThan(1.7e9)
  await server.kill()
  await load.stop()

  const again = await startVigiaServer(join(home, 'shop'), [...settings, 'prediction_log.snapshot_every=1d'])
  for (let n = 1_000_001; n <= 1_000_050; n++) await decide(again, n)
  await again.stop()
  const verified = await runVigia(join(home, 'shop'), ['log', 'verify', '--json'])
  expect(JSON.parse(verified.stdout)).toMatchObject([
    { isWhole: true, problems: [], snapshots: snapshots().length },
  ])
  expect(snapshots().length).toBeGreaterThan(0)
  for (const from of ['0', ...snapshots()]) {
    const parity = await runVigia(join(home, 'shop'), ['parity', '--from', from, '--json'])
    const [compared] = JSON.parse(parity.stdout) as [{ report: { rows: number } }]
    expect(compared).toMatchObject({ report: { differing: [], missing: 0, extra: 0 } })
    expect(compared.report.rows).toBeGreaterThanOrEqual(50)
    expect(parity.status).toBe(0)
  }
  const refused = await runVigia(join(home, 'shop'), ['parity', '--from', '7'])
  expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('SERVING_SNAPSHOT_UNUSABLE')])
})

test('a store that is lost with a killed server is made again from the log: retried transactions are answered as before', async () => {
  const shop = join(home, 'lost')
  mkdirSync(shop)
  const settings = [
    `model.source=${model}`,
    'prediction_log.segment_size=1',
    'prediction_log.snapshot_every=1s',
    'limits.requests_per_minute=0',
  ]
  const server = await startVigiaServer(shop, settings)
  const load = startLoad(server)
  await eventually(() => expect(snapshots('lost').length).toBeGreaterThanOrEqual(2))
  await load.stop()
  const sent = [1, 2, 3, 2_000_001, 2_000_002]
  const before = []
  for (const n of sent) before.push(await decide(server, n))
  const told = await tell(server, 2)
  await server.kill()
  rmSync(join(shop, '.vigia', 'state'), { recursive: true })

  const refused = await startVigiaServer(shop, settings).then(
    () => 'it started',
    (error: unknown) => String(error),
  )
  expect(refused).toContain('SERVING_LOG_NOT_EMPTY')
  expect(refused).toContain('vigia state restore')
  const sets = settings.flatMap((setting) => ['--set', setting])
  const restored = await runVigia(shop, ['state', 'restore', '--json', ...sets])
  expect([restored.status, restored.stderr]).toEqual([0, expect.anything()])
  const { snapshot, decisions, differing } = JSON.parse(restored.stdout)
  expect(snapshot).toBeGreaterThan(0)
  expect(decisions).toBeGreaterThan(0)
  expect(differing).toBe(0)

  const again = await startVigiaServer(shop, settings)
  // As it was decided, but for how long answering took.
  const timeless = { latency_ms: undefined, repeated: undefined }
  for (const [i, n] of sent.entries())
    expect({ ...(await decide(again, n)), ...timeless }).toEqual({ ...before[i], ...timeless })
  expect([told, await tell(again, 2)]).toEqual(['applied', 'unchanged'])
  for (let n = 3_000_001; n <= 3_000_050; n++) await decide(again, n)
  await again.stop()
  for (const from of ['0', ...snapshots('lost')]) {
    const parity = await runVigia(shop, ['parity', '--from', from, '--json'])
    expect(JSON.parse(parity.stdout)).toMatchObject([{ report: { differing: [], missing: 0, extra: 0 } }])
    expect(parity.status).toBe(0)
  }
})

/** Names of those that are whole. */
const snapshots = (shop = 'shop'): string[] =>
  namesIn(join(home, shop, '.vigia', 'log', 'snapshots')).filter((name) => /^\d+$/.test(name))

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const decide = async ({ port }: VigiaServer, n: number): Promise<Readonly<Record<string, unknown>>> => {
  const response = await fetch(`http://127.0.0.1:${port}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(smallTransaction(n)),
  })
  expect(response.status).toBe(200)
  return (await response.json()) as Readonly<Record<string, unknown>>
}

/** Tells that a transaction was a fraud. @returns the outcome */
const tell = async ({ port }: VigiaServer, n: number): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${port}/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ transaction_id: `small-${n}`, is_fraud: true }),
  })
  expect(response.status).toBe(200)
  return ((await response.json()) as { readonly outcome: unknown }).outcome
}

const metric = async ({ port }: VigiaServer, name: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

/** Asks without a pause, and has what was decided archived, until it is stopped or the server is gone. */
const startLoad = (server: VigiaServer): { stop(): Promise<void> } => {
  let isEnded = false
  const running = (async () => {
    for (let next = 1; !isEnded; next += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => decide(server, next + i)))
      if (next % 100 !== 1) continue
      await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })
    }
  })().catch(() => undefined)
  return {
    stop: async () => {
      isEnded = true
      await running
    },
  }
}
