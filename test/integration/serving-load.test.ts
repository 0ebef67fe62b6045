import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { createScorer, type Scorer } from '../../src/model/scorer.ts'
import { eventually } from '../eventually.ts'
import { mountSmallDisk } from '../small-disk.ts'
import { type LoadSite, openLoadSite, post, posting } from './load-site.ts'
import { expectAllLogged, expectParity, logOf, readLogs } from './served-log.ts'
import { smallTransaction } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/**
 * What a server does while much is asked of it: models change, more comes than it lets in, its disk is full.
 * How fast it is then is told in test/long/serving-overload.test.ts.
 */
let site: LoadSite
beforeAll(async () => {
  // Told apart by the number of their trees.
  site = await openLoadSite([[], ['models.gradient_boosting.trees=12']])
})
afterEach(killVigiaServers)
afterAll(() => site?.remove())

/** What is let in depends on counts alone, not on how slow the machine is. */
const ANY_SPEED = ['limits.event_loop_delay=0s']

test('models are switched under load: no request fails, and each answer is of the model that it names', async () => {
  const { server, home } = await site.start('switching', ANY_SPEED)
  const scorers = new Map<string, Scorer>()
  const versionOf = async (run: string): Promise<string> => {
    const { models } = await post(server, '/admin/models/switch', { source: run })
    const { version } = models.find(({ role }: { readonly role: string }) => role === 'champion')
    scorers.set(version, createScorer(await readArtifact(join(run, 'package'))))
    return version
  }
  const [a, b] = [await versionOf(site.runs[0]!), await versionOf(site.runs[1]!)]
  expect(a).not.toBe(b)
  const answers: Answer[] = []
  let isOver = false
  let next = 0
  // Moments are counted, not measured: which of two things came first is all that matters.
  let moment = 0
  const clients = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const sent = ++moment
      const answer = await post(server, '/predict', smallTransaction(next++))
      answers.push({ ...answer, sent, answered: ++moment })
    }
  })
  const within = ({ from, to }: { readonly from: number; readonly to: number }): readonly Answer[] =>
    answers.filter(({ sent, answered }) => sent > from && answered < to)
  /** From when on, and until when, nobody but these can have decided. */
  const spans: { readonly from: number; to: number; readonly versions: readonly string[] }[] = []
  const act = async (name: string, body: unknown, versions: readonly string[]): Promise<void> => {
    const last = spans.at(-1)
    if (last) last.to = ++moment
    await post(server, `/admin/models/${name}`, body)
    const span = { from: ++moment, to: Number.POSITIVE_INFINITY, versions }
    spans.push(span)
    await eventually(() => expect(within(span).length).toBeGreaterThanOrEqual(40))
  }
  for (let round = 0; round < 3; round++) {
    await act('switch', { source: site.runs[0] }, [a])
    await act('switch', { source: site.runs[1] }, [b])
    await act('rollback', undefined, [a])
    await act('reload', undefined, [a])
    await act('canary', { source: site.runs[1], share: 0.5 }, [a, b])
    await act('shadow', { source: site.runs[1] }, [a, b])
    await act('canary', { source: null }, [a])
    await act('shadow', { source: null }, [a])
  }
  isOver = true
  await Promise.all(clients)
  for (const span of spans)
    for (const { model } of within(span)) expect(span.versions).toContain(model.version)
  // A canary decides for half of the users, for the others it never does.
  const byUser = new Map<string, Set<string>>()
  for (const span of spans.filter(({ versions }) => versions.length === 2))
    for (const { transaction_id, model } of within(span)) {
      const user = smallTransaction(Number(transaction_id.slice(6))).user_id
      byUser.set(user, (byUser.get(user) ?? new Set()).add(model.version))
    }
  expect([...byUser.values()].filter(({ size }) => size > 1)).toEqual([])
  expect(new Set([...byUser.values()].flatMap((versions) => [...versions])).size).toBe(2)
  // Offline, from the features that were logged.
  for (const { prediction_id, model, probability } of answers.filter((_, n) => n % 10 === 0)) {
    const response = await fetch(`http://127.0.0.1:${server.port}/predictions/${prediction_id}`)
    const { features } = (await response.json()) as Logged
    const { featureNames, scoreOne } = scorers.get(model.version)!
    expect(scoreOne(Float64Array.from(featureNames, (name) => features[name] ?? Number.NaN))).toBe(
      probability,
    )
  }
  await post(server, '/save-logs')
  const { decisions } = await readLogs(home, [logOf(home)])
  expect(decisions.length).toBe(answers.length)
})

test('models chosen by relative paths decide after a start from another folder too', async () => {
  const home = join(site.folder, 'chosen-here')
  const elsewhere = join(site.folder, 'started-there')
  for (const folder of [home, elsewhere]) mkdirSync(folder)
  symlinkSync(site.runs[1]!, join(home, 'new-run'))
  const settings = [
    `model.source=${site.runs[0]}`,
    `prediction_log.path=${join(home, 'log')}`,
    `state_store.path=${join(home, 'states')}`,
  ]
  const modelsOf = async ({ port }: VigiaServer): Promise<readonly ServedModel[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/model`)
    const { models } = (await response.json()) as { readonly models: readonly ServedModel[] }
    return models.map(({ role, version, source }) => ({ role, version, source }))
  }
  const first = await startVigiaServer(home, settings)
  await post(first, '/admin/models/switch', { source: 'new-run' })
  await post(first, '/admin/models/shadow', { source: './new-run/package' })
  await post(first, '/admin/models/canary', { source: 'new-run', share: 0.2 })
  const chosen = await modelsOf(first)
  expect(await first.stop()).toBe(0)
  const next = await startVigiaServer(elsewhere, settings)
  expect(next.output()).not.toContain('SERVING_CHOICE_LOST')
  expect(await modelsOf(next)).toEqual(chosen)
  expect(chosen.map(({ source }) => source)).toEqual([
    join(home, 'new-run'),
    join(home, 'new-run'),
    join(home, 'new-run', 'package'),
  ])
  expect(await next.stop()).toBe(0)
})

test('more than it lets in are refused at once, and nothing that it accepted is lost', async () => {
  const { server, home } = await site.start('overload', ['limits.requests_in_flight=32', ...ANY_SPEED])
  const before = await site.load(server, { requests: 500, connections: 24 })
  expect(before.statuses).toEqual({ 200: 500 })
  // 300 clients, each of which sends its next request when it has an answer: always more than 32.
  const over = await site.load(server, { from: 500, requests: 12_000, connections: 300 })
  expect(Object.keys(over.statuses).sort()).toEqual(['200', '503'])
  expect(over.withoutRetryAfter).toBe(0)
  expect([over.failed, over.unanswered]).toEqual([0, 0])
  // It is ready again, and every request is let in.
  expect((await fetch(`http://127.0.0.1:${server.port}/health/ready`)).status).toBe(200)
  const after = await site.load(server, { from: 20_000, requests: 500, connections: 24 })
  expect(after.statuses).toEqual({ 200: 500 })
  await expectAllLogged(server, home, 1000 + over.statuses['200']!)
})

const small = mkdtempSync(join(tmpdir(), 'vigia-small-disk-'))
const disk = mountSmallDisk(small, 64 << 10)
afterAll(() => {
  disk?.unmount()
  rmSync(small, { recursive: true, force: true })
})

describe.skipIf(disk === undefined)('a disk that is full (needs the right to mount one)', () => {
  test('is answered with 503 and the reason; when there is room, the server goes on by itself', async () => {
    const log = join(small, 'log')
    const { server, home } = await site.start('full', [`prediction_log.path=${log}`, ...ANY_SPEED])
    const before = await site.load(server, { requests: 500, connections: 8 })
    expect(before.statuses).toEqual({ 200: 500 })
    disk?.fill()
    // What is left in a page of the log may still take a few.
    const during = await site.load(server, { from: 500, requests: 400, connections: 8 })
    expect(Object.keys(during.statuses).sort()).toContain('503')
    expect(during.withoutRetryAfter).toBe(0)
    const refused = await fetch(`http://127.0.0.1:${server.port}/predict`, posting(smallTransaction(5_000)))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(((await refused.json()) as Refusal).error.code).toBe('SERVING_LOG_FAILED')
    const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('cannot be written')])
    expect(await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()).toMatch(/^vigia_ready 0$/m)
    disk?.free()
    await eventually(async () =>
      expect((await fetch(`http://127.0.0.1:${server.port}/health/ready`)).status).toBe(200),
    )
    const after = await site.load(server, { from: 1000, requests: 500, connections: 8 })
    expect(after.statuses).toEqual({ 200: 500 })
    await post(server, '/save-logs')
    const { decisions } = await readLogs(home, [log])
    expect(decisions.length).toBe(1000 + (during.statuses['200'] ?? 0))
    await server.stop()
    await expectParity(home, [log])
  })
})

/** A model as `GET /model` tells of it. */
interface ServedModel {
  readonly role: string
  readonly version: string
  readonly source: string
}

interface Answer {
  readonly prediction_id: string
  readonly transaction_id: string
  readonly probability: number
  readonly model: { readonly version: string }
  /** Moments, counted. */
  readonly sent: number
  readonly answered: number
}

interface Logged {
  readonly features: Readonly<Record<string, number | null>>
}

interface Refusal {
  readonly error: { readonly code: string }
}
