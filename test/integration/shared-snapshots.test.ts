import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test, vi } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { eventually } from '../eventually.ts'
import type { RedisServer } from './redis-server.ts'
import { describeOnRedis } from './servers-on-redis.ts'
import { smallTransaction } from './small-service.ts'
import { runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * Two servers on one Redis that keep 60 days: snapshots by a command, which is killed on the way; days that
 * go; a Redis that is emptied. Seventy days later is a clock that is moved, for servers and commands.
 */

const LATER_MS = 70 * 86_400_000

/** Moves the clock of a process. */
const CLOCK = `const now = Date.now; Date.now = () => now() + ${LATER_MS}`

/** Ends a process as `kill -9` does, where it would give a name to a snapshot for the n-th time. */
const KILL = `
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
const { rename } = fs
let names = 0
fs.rename = (...paths) => {
  const isSnapshot = String(paths[0]).includes('/log/snapshots/')
  if (!isSnapshot || ++names < Number(process.env.KILL_AT_NAME)) return rename(...paths)
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}
syncBuiltinESMExports()
`

describeOnRedis('Snapshots of servers on one Redis', (site) => {
  test('killed, leave nothing half; days go, and an emptied Redis comes back from a snapshot', async () => {
    const [home, redis] = [site.home(), await site.redis()]
    const imported = (name: string, text: string): string => {
      writeFileSync(join(home, name), text)
      return `--import=${pathToFileURL(join(home, name)).href}`
    }
    const later = imported('clock.mjs', CLOCK)
    const killed = imported('kill.mjs', KILL)
    const settings = [...(await site.settingsOn(redis)), 'prediction_log.keep=60d']
    const sets = settings.flatMap((setting) => ['--set', setting])
    const logs = ['a', 'b'].map((name) => join(home, name, '.vigia', 'log'))
    const start = async (within: readonly string[] = []) => {
      const servers: VigiaServer[] = []
      // One after the other: the first one fills the store.
      for (const name of ['a', 'b']) {
        mkdirSync(join(home, name), { recursive: true })
        servers.push(await startVigiaServer(join(home, name), settings, { within }))
      }
      return servers
    }
    const both = logs.flatMap((log) => ['--log', log])
    const snapshot = (options: string, more: Record<string, string> = {}) =>
      runVigia(home, ['state', 'snapshot', '--json', ...both, ...sets], { NODE_OPTIONS: options, ...more })

    const first = await start()
    await decideAll(first, 1, 30)
    for (let n = 1; n <= 10; n++) await tell(first[n % 2]!, n, n % 3 === 0)
    await moved(redis)
    for (const server of first) await saveLogs(server)
    const one = await runVigia(home, ['state', 'snapshot', '--log', logs[0]!, ...sets])
    // Which of the two servers has moved a record to its log, is chance.
    if (one.status !== 0) expect(one.stderr).toContain('SERVING_SNAPSHOT_GAPS')
    else rmSync(join(logs[0]!, 'snapshots'), { recursive: true })
    // Before the first log has it; then between the two.
    expect((await snapshot(killed, { KILL_AT_NAME: '1' })).status).not.toBe(0)
    expect(logs.map(wholeIn)).toEqual([[], []])
    expect(readdirSync(join(logs[0]!, 'snapshots'))).toEqual([expect.stringMatching(/^\.taking-/)])
    expect((await snapshot(killed, { KILL_AT_NAME: '3' })).status).not.toBe(0)
    expect(logs.map((log) => wholeIn(log).length)).toEqual([1, 0])
    const early = JSON.parse((await snapshot('')).stdout)
    expect(early).toMatchObject({ differing: 0, left: 0, missing: [], written: [logs[1]] })
    expect(logs.map((log) => readdirSync(join(log, 'snapshots')))).toEqual([
      wholeIn(logs[0]!),
      wholeIn(logs[0]!),
    ])
    await decideAll(first, 31, 40)
    for (const server of first) await saveLogs(server)
    for (const server of first) expect(await server.stop()).toBe(0)

    const second = await start(['env', `NODE_OPTIONS=${later}`])
    await decideAll(second, 41, 70)
    for (const server of second) await saveLogs(server)
    const begun = await Promise.all(second.map((server) => metric(server, 'vigia_log_first_sequence')))
    expect(Math.max(...begun)).toBe(early.sequence + 1)
    // The latest snapshot is of seventy days ago.
    expect(second.map((server) => server.output()).join()).toContain('SERVING_SNAPSHOT_OVERDUE')
    const late = JSON.parse((await snapshot(later)).stdout)
    expect(late).toMatchObject({ snapshot: early.sequence, differing: 0, left: 0, written: logs })
    await decideAll(second, 71, 100)
    const before = await Promise.all([50, 80, 100].map((n) => decide(second[0]!, n)))
    await tell(second[0]!, 80, true)
    await moved(redis)
    for (const server of second) await saveLogs(server)

    const connection = await openRedisConnection(redis.url, 'the server of the test')
    await connection.send(['FLUSHALL']).finally(() => connection.close())
    await eventually(async () => expect((await request(second[1]!, '/health/ready')).status).toBe(503))
    const restored = await runVigia(home, ['state', 'restore', '--json', ...both, ...sets], {
      NODE_OPTIONS: later,
    })
    expect([restored.status, restored.stderr]).toEqual([0, expect.anything()])
    expect(JSON.parse(restored.stdout)).toMatchObject({
      snapshot: late.sequence,
      decisions: 30,
      differing: 0,
      missing: [],
      doubled: [],
    })
    await eventually(async () => expect((await request(second[1]!, '/health/ready')).status).toBe(200))
    for (const [i, n] of [50, 80, 100].entries())
      expect(await decide(second[1]!, n)).toEqual({ ...before[i], repeated: true })
    expect(await tell(second[1]!, 80, true)).toContain('unchanged')
    await decideAll(second, 101, 120)
    for (const server of second) expect(await server.stop()).toBe(0)
    for (const log of logs)
      expect(await runVigia(home, ['log', 'verify', '--log', log])).toMatchObject({ status: 0 })
    for (const from of [[], ['--from', String(late.sequence)]]) {
      const parity = await runVigia(home, ['parity', '--json', ...both, ...from, ...sets.slice(0, 2)])
      expect(JSON.parse(parity.stdout)).toMatchObject([{ report: { differing: [], missing: 0, extra: 0 } }])
      expect(parity.status).toBe(0)
    }
  })
})

/** Snapshots of a log that have a name. */
const wholeIn = (log: string): string[] =>
  readdirSync(log).includes('snapshots')
    ? readdirSync(join(log, 'snapshots')).filter((name) => /^\d+$/.test(name))
    : []

const request = (server: Pick<VigiaServer, 'port'>, path: string, body?: object) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, {
    // Commands take longer than a server keeps a connection that nobody uses.
    headers: { connection: 'close', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })

/**
 * Who gets no answer sends it again: the first decision waits for hundreds of labels that are due before it,
 * and a busy machine takes long for these.
 */
const patiently = <T>(act: () => Promise<T>): Promise<T> =>
  vi.waitFor(act, { timeout: 120_000, interval: 100 })

/** The answer, but for how long this request took. */
const decide = (server: VigiaServer, n: number): Promise<Readonly<Record<string, unknown>>> =>
  patiently(async () => {
    const response = await request(server, '/predict', smallTransaction(n))
    expect(response.status).toBe(200)
    const { latency_ms: _, ...answer } = (await response.json()) as Record<string, unknown>
    return answer
  })

const decideAll = async (servers: readonly VigiaServer[], from: number, to: number): Promise<void> => {
  for (let n = from; n <= to; n++) await decide(servers[n % servers.length]!, n)
}

const tell = (server: VigiaServer, n: number, isFraud: boolean): Promise<string> =>
  patiently(async () =>
    (await request(server, '/feedback', { transaction_id: `small-${n}`, is_fraud: isFraud })).text(),
  )

const saveLogs = (server: VigiaServer): Promise<void> =>
  patiently(async () => expect((await request(server, '/save-logs', {})).status).toBe(200))

/** Resolves when every record is in a log. */
const moved = async ({ url }: RedisServer): Promise<void> => {
  const connection = await openRedisConnection(url, 'the server of the test')
  await eventually(async () => expect(await connection.send(['XLEN', '{vigia}:outbox'])).toBe(0)).finally(
    () => connection.close(),
  )
}

const metric = async (server: VigiaServer, name: string): Promise<number> =>
  Number(new RegExp(`^${name} (.*)$`, 'm').exec(await (await request(server, '/metrics')).text())?.[1])
