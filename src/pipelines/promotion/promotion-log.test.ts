import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createFileStore } from '../../adapters/files/file-store.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import { aliasesAfter, type Promotion } from './promotion.ts'
import { openPromotionLog } from './promotion-log.ts'
import { settleAliases } from './settle-aliases.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-decisions-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the log of decisions', () => {
  it('is empty, and not even there, before the first decision', async () => {
    const store = newStore()
    const log = await logOf(store)
    expect(await log.read()).toEqual([])
    expect(log.runId()).toBeUndefined()
    expect(await store.tracker.findExperiment('detector decisions')).toBeUndefined()
  })

  it('keeps decisions in their order, for whoever opens it', async () => {
    const store = newStore()
    const log = await logOf(store)
    await log.append(promote(1), 0)
    await log.append(promote(2, 1), 1)
    expect((await (await logOf(store)).read()).map(({ number, to }) => [number, to])).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  it('takes the same decision again after a lost answer, once', async () => {
    const log = await logOf(newStore())
    await log.append(promote(1), 0)
    await log.append(promote(1), 0)
    expect(await log.read()).toHaveLength(1)
  })

  it('refuses a decision that knew of fewer, and names the other', async () => {
    const log = await logOf(newStore())
    await log.append(promote(1), 0)
    await expect(log.append(promote(2), 0)).rejects.toMatchObject({
      code: 'REGISTRY_DECISION_LOST',
      message: expect.stringContaining('promote 1 to production (before: none), by ana'),
    })
    await expect(log.append(promote(2), 5)).rejects.toMatchObject({ code: 'REGISTRY_DECISION_LOST' })
    expect(await log.read()).toHaveLength(1)
  })

  it('tells what is broken instead of guessing', async () => {
    const store = newStore()
    const log = await logOf(store)
    await log.append(promote(1), 0)
    await store.tracker.logEntries(log.runId()!, { params: { 'decision.000002': '{"to":2}' } })
    await expect(log.read()).rejects.toMatchObject({
      code: 'REGISTRY_DECISIONS_BROKEN',
      message: expect.stringContaining("decision.000002: it must have required property 'id'"),
    })
  })

  it('of any number who decide at once, the first ever included, lets exactly one win', async () => {
    const store = slowed(newStore(), 1)
    for (let round = 0; round < 3; round++) {
      const attempts = await Promise.allSettled(
        Array.from({ length: 8 }, async (_, index) => {
          const log = await logOf(store)
          return log.append(promote(index + 1, null, `${round}-${index}`), round)
        }),
      )
      const [won, ...more] = attempts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      expect(more).toEqual([])
      for (const each of attempts)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'REGISTRY_DECISION_LOST' })
      expect((await (await logOf(store)).read())[round]).toEqual(won)
    }
  })
})

describe('aliases', () => {
  it('follow decisions: previous is what production was, and back again', () => {
    expect(aliasesAfter([])).toEqual({})
    expect(aliasesAfter([promote(1)])).toEqual({ production: 1, previous: null })
    expect(aliasesAfter([promote(1), promote(2, 1)])).toEqual({ production: 2, previous: 1 })
    expect(aliasesAfter([promote(1), promote(2, 1), { ...promote(1, 2), action: 'rollback' }])).toEqual({
      production: 1,
      previous: 2,
    })
    expect(aliasesAfter([{ ...promote(4), alias: 'staging' }])).toEqual({ staging: 4 })
  })

  it('that nobody has decided about are left alone', async () => {
    const store = await withVersions(newStore())
    await store.registry.setAlias('detector', 'production', 2)
    await store.registry.setAlias('detector', 'shadow', 3)
    const log = await logOf(store)
    expect((await settleAliases(log, store.registry, 'detector')).repaired).toEqual([])
    await log.append({ ...promote(3), alias: 'staging' }, 0)
    await settleAliases(log, store.registry, 'detector')
    expect(await aliasesIn(store)).toEqual({ production: 2, shadow: 3, staging: 3 })
  })

  it('moved by other means go back to what was decided, and it is told', async () => {
    const store = await withVersions(newStore())
    const log = await logOf(store)
    await log.append(promote(1), 0)
    await settleAliases(log, store.registry, 'detector')
    await store.registry.setAlias('detector', 'production', 3)
    const settled = await settleAliases(log, store.registry, 'detector')
    expect(settled.repaired).toEqual([{ alias: 'production', found: 3, wanted: 1 }])
    expect(await aliasesIn(store)).toEqual({ production: 1 })
  })

  it('whose version is gone stay, and it is told', async () => {
    const store = await withVersions(newStore())
    const log = await logOf(store)
    await log.append(promote(9), 0)
    const settled = await settleAliases(log, store.registry, 'detector')
    expect(settled.impossible).toEqual([{ alias: 'production', found: null, wanted: 9 }])
  })

  it('that a slow decider sets too late are set anew by that decider', async () => {
    const store = await withVersions(newStore())
    const log = await logOf(store)
    await log.append(promote(1), 0)
    const { setAlias } = store.registry
    let isOvertaken = false
    const registry = {
      ...store.registry,
      setAlias: async (...args: Parameters<typeof setAlias>) => {
        if (!isOvertaken) {
          isOvertaken = true
          await log.append(promote(2, 1), 1)
          await settleAliases(log, store.registry, 'detector')
        }
        await setAlias(...args)
      },
    }
    await settleAliases(log, registry, 'detector')
    expect(await aliasesIn(store)).toEqual({ production: 2, previous: 1 })
  })

  // A decider makes 10 to 20 calls; after 30 all of them have come through whole.
  it.each(Array.from({ length: 30 }, (_, call) => call))(
    'agree with the log once somebody reads, when one of two deciders dies at its call %i',
    async (call) => {
      for (const dies of ['before', 'after'] as const) {
        const store = await withVersions(newStore())
        const decide = async (into: TrackingStore, to: number): Promise<void> => {
          const log = await logOf(into)
          const { decisions } = await settleAliases(log, into.registry, 'detector')
          await log.append(promote(to, decisions.at(-1)?.to ?? null, `${to}`), decisions.length)
          await settleAliases(log, into.registry, 'detector')
        }
        await Promise.allSettled([
          decide(slowed(dying(store, call, dies), 7), 1),
          decide(slowed(store, 11), 2),
        ])
        const settled = await settleAliases(await logOf(store), store.registry, 'detector')
        expect(settled.decisions.length).toBeGreaterThan(0)
        const wanted = Object.entries(settled.aliases).filter(([, version]) => version !== null)
        expect(await aliasesIn(store)).toEqual(Object.fromEntries(wanted))
      }
    },
  )
})

let ids = 0

const promote = (to: number, from: number | null = null, id = `${to}`): Promotion => ({
  id,
  action: 'promote',
  alias: 'production',
  from,
  to,
  by: 'ana',
  at: '2026-01-31T09:00:00.000Z',
  reason: 'better',
  skipped: [],
  evidence: null,
})

const logOf = ({ tracker }: TrackingStore) =>
  openPromotionLog({ tracker, model: 'detector', world: { newId: () => `id-${++ids}`, now: () => 1000 } })

const newStore = (): TrackingStore =>
  createFileStore({
    folder: join(root, `store-${++ids}`),
    now: () => Date.now(),
    owner: { processId: process.pid, host: 'here', isAlive: () => true },
  })

/** `store` with three versions of a model. */
const withVersions = async (store: TrackingStore): Promise<TrackingStore> => {
  const { id } = await store.tracker.createExperiment('bank')
  const run = await store.tracker.createRun({ experimentId: id, name: 'run', startTimeMs: 1 })
  await store.registry.ensureModel('detector', '')
  for (let count = 0; count < 3; count++)
    await store.registry.createVersion({ name: 'detector', runId: run.id, artifactPath: 'model' })
  return store
}

const aliasesIn = async ({ registry }: TrackingStore) => (await registry.findModel('detector'))?.aliases

/** `store` with `before` and `after` around every call. */
const around = (
  store: TrackingStore,
  before: () => Promise<void>,
  after: () => Promise<void>,
): TrackingStore => {
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          await before()
          const result: unknown = await Reflect.apply(value, target, args)
          await after()
          return result
        }
      },
    })
  return { tracker: wrap(store.tracker), registry: wrap(store.registry) }
}

/** Whoever waits lets others in: calls of several interleave in ways that depend on `seed`. */
const slowed = (store: TrackingStore, seed: number): TrackingStore => {
  let state = seed
  const pause = async (): Promise<void> => {
    state = (state * 16_807) % 2_147_483_647
    for (let turn = 0; turn < state % 5; turn++) await new Promise((done) => setImmediate(done))
  }
  return around(store, pause, pause)
}

/**
 * Fails at its call of that number, before or after its effect, and at all later ones: a process that was
 * killed.
 */
const dying = (store: TrackingStore, at: number, when: 'before' | 'after'): TrackingStore => {
  let calls = 0
  return around(
    store,
    async () => {
      calls++
      if (calls > at + 1 || (calls === at + 1 && when === 'before')) throw new Error('killed')
    },
    async () => {
      if (calls > at) throw new Error('killed')
    },
  )
}
