import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { createScorer, type Scorer } from '../../src/model/scorer.ts'
import { eventually } from '../eventually.ts'
import { mountSmallDisk } from '../small-disk.ts'
import { expectParity, logOf, readLogs } from './served-log.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/**
 * What a server does while much is asked of it: models change, more comes than it can do, its disk is full.
 */
const folder = mkdtempSync(join(tmpdir(), 'vigia-load-'))
const bodies = join(folder, 'bodies.ndjson')
/** Two models of one bank, told apart by the number of their trees. */
let runs: readonly string[]

beforeAll(async () => {
  runs = [
    await trainSmallModel(join(folder, 'a')),
    await trainSmallModel(join(folder, 'b'), ['models.gradient_boosting.trees=12']),
  ]
  const lines = Array.from({ length: 20_000 }, (_, n) => JSON.stringify(smallTransaction(n)))
  writeFileSync(bodies, `${lines.join('\n')}\n`)
})

afterEach(killVigiaServers)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('models are switched, rolled back and given shares under load: no request fails, and each answer is of the model that it names', async () => {
  const { server, home } = await start('switching')
  const scorers = new Map<string, Scorer>()
  const versionOf = async (run: string): Promise<string> => {
    const { models } = await post(server, '/admin/models/switch', { source: run })
    const { version } = models.find(({ role }: { readonly role: string }) => role === 'champion')
    scorers.set(version, createScorer(await readArtifact(join(run, 'package'))))
    return version
  }
  const [a, b] = [await versionOf(runs[0]!), await versionOf(runs[1]!)]
  expect(a).not.toBe(b)
  const answers: Answer[] = []
  let isOver = false
  let next = 0
  const clients = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const sentAtMs = performance.now()
      const answer = await post(server, '/predict', smallTransaction(next++))
      answers.push({ ...answer, sentAtMs, answeredAtMs: performance.now() })
    }
  })
  /** From when on, and until when, nobody but these can have decided. */
  const spans: { readonly from: number; to: number; readonly versions: readonly string[] }[] = []
  const act = async (name: string, body: unknown, versions: readonly string[]): Promise<void> => {
    const last = spans.at(-1)
    if (last) last.to = performance.now()
    await post(server, `/admin/models/${name}`, body)
    spans.push({ from: performance.now(), to: Number.POSITIVE_INFINITY, versions })
    await wait(150)
  }
  for (let round = 0; round < 3; round++) {
    await act('switch', { source: runs[0] }, [a])
    await act('switch', { source: runs[1] }, [b])
    await act('rollback', undefined, [a])
    await act('reload', undefined, [a])
    await act('canary', { source: runs[1], share: 0.5 }, [a, b])
    await act('shadow', { source: runs[1] }, [a, b])
    await act('canary', { source: null }, [a])
    await act('shadow', { source: null }, [a])
  }
  isOver = true
  await Promise.all(clients)
  expect(answers.length).toBeGreaterThan(500)
  for (const { from, to, versions } of spans) {
    const within = answers.filter(({ sentAtMs, answeredAtMs }) => sentAtMs > from && answeredAtMs < to)
    for (const { model } of within) expect(versions).toContain(model.version)
  }
  // A canary decides for half of the users, for the others it never does.
  const byUser = new Map<string, Set<string>>()
  for (const { from, to } of spans.filter(({ versions }) => versions.length === 2))
    for (const { transaction_id, model, sentAtMs, answeredAtMs } of answers)
      if (sentAtMs > from && answeredAtMs < to) {
        const user = smallTransaction(Number(transaction_id.slice(6))).user_id
        byUser.set(user, (byUser.get(user) ?? new Set()).add(model.version))
      }
  expect([...byUser.values()].filter(({ size }) => size > 1)).toEqual([])
  expect(new Set([...byUser.values()].flatMap((versions) => [...versions])).size).toBe(2)
  // Offline, from the features that were logged.
  for (const { prediction_id, model, probability } of answers.filter((_, n) => n % 10 === 0)) {
    const { features } = await ask<Logged>(server, `/predictions/${prediction_id}`)
    const { featureNames, scoreOne } = scorers.get(model.version)!
    expect(scoreOne(Float64Array.from(featureNames, (name) => features[name] ?? Number.NaN))).toBe(
      probability,
    )
  }
  await post(server, '/save-logs')
  const { decisions } = await readLogs(folder, [logOf(home)])
  expect(decisions.length).toBe(answers.length)
})

test('at twice of what it can do it turns some away at once, answers the others in time, and recovers', async () => {
  const { server, home } = await start('overload', ['limits.requests_in_flight=32'])
  const first = await load(server, { requests: 3000, connections: 24 })
  expect(first.statuses).toEqual({ 200: 3000 })
  const saturated = await load(server, { requests: 6000, from: 3000, connections: 24 })
  expect(saturated.statuses).toEqual({ 200: 6000 })
  const seconds = 6
  const rate = Math.round(saturated.perSecond * 2)
  const over = await load(server, { from: 20_000, rate, seconds, connections: 300 })
  expect(Object.keys(over.statuses).sort()).toEqual(['200', '503'])
  expect(over.withoutRetryAfter).toBe(0)
  expect([over.failed, over.unanswered]).toEqual([0, 0])
  // It goes on deciding, a good part of what it could.
  expect(over.statuses['200']! / seconds).toBeGreaterThan(saturated.perSecond / 5)
  // What it let in did not wait behind what came after it. (Offered more than even refusing can be done,
  // requests wait in their clients.)
  expect(over.serverMs!.p99).toBeLessThan(2000)
  // Nothing is left of it seconds later.
  await wait(2000)
  const after = await load(server, { from: 2_000_000, requests: 3000, connections: 24 })
  expect(after.statuses).toEqual({ 200: 3000 })
  expect(after.perSecond).toBeGreaterThan(saturated.perSecond / 5)
  expect(after.serverMs!.p50).toBeLessThan(100)
  await post(server, '/save-logs')
  const { decisions } = await readLogs(folder, [logOf(home)])
  const answered = 3000 + 6000 + over.statuses['200']! + after.statuses['200']!
  expect(decisions.length).toBe(answered)
  expect(new Set(decisions.map(({ transactionId }) => transactionId)).size).toBe(answered)
  await server.stop()
  await expectParity(home, [logOf(home)])
})

const small = join(folder, 'small-disk')
const disk = mountSmallDisk(small, 64 << 10)
afterAll(() => disk?.unmount())

describe.skipIf(disk === undefined)('a disk that is full (needs the right to mount one)', () => {
  test('is answered, not ignored: 503, not ready and why; what was answered is there; when there is room, it goes on by itself', async () => {
    const log = join(small, 'log')
    const { server, home } = await start('full', [`prediction_log.path=${log}`])
    const before = await load(server, { requests: 500, connections: 8 })
    expect(before.statuses).toEqual({ 200: 500 })
    disk?.fill()
    // What is left in a page of the log may still take a few.
    const during = await load(server, { from: 500, requests: 400, connections: 8 })
    expect(Object.keys(during.statuses).sort()).toContain('503')
    expect(during.withoutRetryAfter).toBe(0)
    const refused = await fetch(`http://127.0.0.1:${server.port}/predict`, request(smallTransaction(5_000)))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(((await refused.json()) as Refusal).error.code).toBe('SERVING_LOG_FAILED')
    const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('cannot be written')])
    expect(await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()).toMatch(/^vigia_ready 0$/m)
    disk?.free()
    await eventually(async () =>
      expect((await fetch(`http://127.0.0.1:${server.port}/health/ready`)).status).toBe(200),
    )
    const after = await load(server, { from: 1000, requests: 500, connections: 8 })
    expect(after.statuses).toEqual({ 200: 500 })
    await post(server, '/save-logs')
    const { decisions } = await readLogs(folder, [log])
    expect(decisions.length).toBe(1000 + (during.statuses['200'] ?? 0))
    await server.stop()
    await expectParity(home, [log])
  })
})

interface Answer {
  readonly prediction_id: string
  readonly transaction_id: string
  readonly probability: number
  readonly model: { readonly version: string }
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

interface Logged {
  readonly features: Readonly<Record<string, number | null>>
}

interface Refusal {
  readonly error: { readonly code: string }
}

/** What `bench/serving/load.mjs` tells. */
interface Load {
  readonly failed: number
  readonly unanswered: number
  readonly statuses: Readonly<Record<string, number>>
  readonly withoutRetryAfter: number
  readonly perSecond: number
  readonly serverMs: { readonly p50: number; readonly p99: number } | null
}

const start = async (name: string, settings: readonly string[] = []) => {
  const home = join(folder, name)
  mkdirSync(home)
  const server = await startVigiaServer(home, [
    `model.source=${runs[0]}`,
    'limits.requests_per_minute=0',
    ...settings,
  ])
  return { server, home }
}

const request = (body?: unknown): RequestInit => ({
  method: 'POST',
  ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
})

/** biome-ignore lint/suspicious/noExplicitAny: answers have the shapes of their routes. */
const post = async (server: VigiaServer, path: string, body?: unknown): Promise<any> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, request(body))
  if (response.status !== 200) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

const ask = async <T>(server: VigiaServer, path: string): Promise<T> =>
  (await (await fetch(`http://127.0.0.1:${server.port}${path}`)).json()) as T

/** The bench's generator of load, as a process of its own. */
const load = (server: VigiaServer, options: Readonly<Record<string, number>>): Promise<Load> =>
  new Promise((done, failed) => {
    const words = [
      resolve('bench/serving/load.mjs'),
      JSON.stringify({ port: server.port, bodies, ...options }),
    ]
    execFile(process.execPath, words, (error, stdout, stderr) =>
      error === null ? done(JSON.parse(stdout) as Load) : failed(new Error(stderr)),
    )
  })
