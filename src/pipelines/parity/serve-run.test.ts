import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GeneratedBank, generatedBank, labelledAt } from '../../../test/parity/histories.ts'
import { databaseIn, type History, replayInto } from '../../../test/parity/replay-run.ts'
import { modelOf, NO_CLEANING, testStorage } from '../../../test/parity/serving-kit.ts'
import { PromotionSchema, type PromotionSettings } from '../../config/sections/promotion.ts'
import { applyCleaning } from '../../dataset/cleaning.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { decodeLogEntry } from '../../decisions/log/log-record.ts'
import { appliedOf, stateOf, withApplied } from '../../decisions/owned/owned-states.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { HEADER } from '../../features/state/layout.ts'
import { noProgress } from '../../foundation/progress.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { judgePromotion } from '../promotion/gates.ts'
import type { OpenStates, ServingStorage } from '../service/serving-storage.ts'
import { isParity } from './parity-report.ts'
import { type ServedRun, type ServeRunOptions, serveRun } from './serve-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-serve-run-'))
let bank: GeneratedBank
let trained: Trained
beforeAll(async () => {
  const disorder = { late_share: 0.2, duplicate_share: 0.05, same_second_share: 0.1 }
  bank = await generatedBank(folder, 'bank', {
    rows: 2000,
    users: 60,
    merchants: 40,
    days: 50,
    disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
  })
  trained = await train('messy', await messy(bank.history))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('serving the end of a run', () => {
  // Labels that are pending at the cut, in no order, and of a whole history.
  it.each([
    ['by the delay', 'NULL', 500],
    ['out of order', 'event_time_ms + (hash(transaction_id) % 1000) * 3600000', 1000],
    ['at the time of a later payment', 'lead(event_time_ms, 400) OVER (ORDER BY arrival)', 100_000],
  ])('gives the features of training, with labels %s', async (name, expression, rows) => {
    const history = await labelledAt(folder, `labels ${name}`, bank.history, expression)
    const { parity, latency } = await serve(await train(`replayed ${name}`, history), { rows })
    const sent = Math.min(rows, bank.read.acceptedRows)
    expect(parity.differing).toEqual([])
    expect(parity).toMatchObject({ rows: sent, values: sent * 117, missing: 0, extra: 0 })
    expect(latency).toMatchObject({
      warmUp: Math.min(1000, Math.floor(sent / 10)),
      calls: sent - Math.min(1000, Math.floor(sent / 10)),
    })
  })

  it('finds every value that is not the same, by feature, and rows that training does not have', async () => {
    const altered = join(folder, 'altered.parquet')
    await withDatabase(databaseIn(folder), (connection) =>
      connection.run(
        `COPY (SELECT * EXCLUDE (n) REPLACE (
             amount + CASE WHEN n > 1700 THEN 0.25 ELSE 0 END AS amount,
             CASE WHEN n = 1700 THEN NULL ELSE hour END AS hour)
           FROM (SELECT *, row_number() OVER () AS n FROM read_parquet(${sqlLiteral(trained.files.features)})) WHERE n <> 1650)
         TO ${sqlLiteral(altered)} (FORMAT parquet)`,
      ),
    )
    const rows = bank.read.acceptedRows - 1600
    const { parity } = await serve(trained, { rows, files: { ...trained.files, features: altered } })
    expect(isParity(parity)).toBe(false)
    expect(parity).toMatchObject({ rows: rows - 1, missing: 0, extra: 1 })
    expect(parity.differing).toHaveLength(2)
    expect(parity.differing).toContainEqual({ feature: 'hour', count: 1, largest: null })
    const amounts = bank.read.acceptedRows - 1700
    expect(parity.differing).toContainEqual({
      feature: 'amount',
      count: amounts,
      largest: expect.closeTo(0.25),
    })
  })

  it('finds a run that was computed with something else than the model', async () => {
    const user = { ...bank.history.settings.limits.user, labelDelayMs: 0 }
    const settings = { ...bank.history.settings, limits: { user, merchant: user, device: user } }
    const model = modelOf({ ...bank.history, settings }, CLEANING)
    const { parity } = await serve(trained, { model })
    const names = parity.differing.map(({ feature }) => feature)
    expect(names).toContain('merchant_risk_7d')
    expect(names).not.toContain('amount')
  })

  it('ends what it has opened when it is interrupted', async () => {
    const open = new Set<string>()
    const interruption = new AbortController()
    const storage = testStorage()
    const interrupted = serve(trained, {
      signal: interruption.signal,
      storage: {
        ...storage,
        openStates: async (settings) => {
          const states = ownedStates(await storage.openStates(settings))
          open.add('states')
          const close = () => states.store.close().finally(() => open.delete('states'))
          return { ...states, store: { ...states.store, close } }
        },
        openLog: async (settings) => {
          const log = await storage.openLog(settings)
          open.add('log')
          const close = () => log.close().finally(() => open.delete('log'))
          return overLog(log, { close })
        },
      },
      reportProgress: ({ activity }) => {
        if (activity === 'serving' && open.size === 2) interruption.abort()
      },
    })
    await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' })
    expect([...open]).toEqual([])
  })
})

describe('the gates of a promotion, by what serving does', () => {
  it('pass an honest service, which starts from the states of training and leaves nothing open', async () => {
    const work = join(folder, 'honest')
    expect(gatesOf(await serve(trained, { work, rows: 1000 }))).toEqual(PASSED)
    expect(existsSync(join(work, '.vigia/state'))).toBe(true)
    // Nobody holds it: another service may open it.
    const log = { path: join(work, '.vigia/log'), durability: 'process', segment_size: 1 } as const
    await (await testStorage().openLog(log)).close()
  })

  it('fail a store that has one bit of a state otherwise than it was saved', async () => {
    const served = await serve(trained, { storage: withStore((store) => ({ save: flipped(store) })) })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.differing.map(({ feature }) => feature)).toContain('user_mean_amount_life')
  })

  it('fail a store that says that it has saved the states of users, and has not', async () => {
    const storage = withStore((store) => ({
      save: (changes, receipts) =>
        store.save(
          changes.filter(({ key }) => key.kind !== 'user'),
          receipts,
        ),
    }))
    expect(gatesOf(await serve(trained, { storage }))).toEqual({ ...PASSED, parity: false })
  })

  it('fail a store that loses receipts: whose a label is, nobody knows', async () => {
    const storage = withStore((store) => ({
      save: (changes, receipts = []) =>
        store.save(
          changes,
          receipts.filter(({ id }) => !id.startsWith('decision/')),
        ),
    }))
    const served = await serve(trained, { storage })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.missing).toBeGreaterThan(10)
  })

  it('fail a log whose archive loses a decision', async () => {
    let left = 50
    const storage = withLog((log) => ({
      readSegment: async function* (segment) {
        for await (const record of log.readSegment(segment)) if (--left !== 0) yield record
      },
    }))
    const served = await serve(trained, { storage })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity).toMatchObject({ missing: 1, extra: 0, differing: [] })
  })

  it('fail a log that does not have a decision that it acknowledged, when the service is killed', async () => {
    let decisions = 0
    const storage = withLog((log) => ({
      append: async (sequence, payload) =>
        decodeLogEntry(payload)?.kind === 'decision' && ++decisions === 700
          ? { segment: 'nowhere', offset: 0 }
          : log.append(sequence, payload),
    }))
    const served = await serve(trained, { storage })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.missing).toBeGreaterThan(0)
    expect(served.parity.differing.length).toBeGreaterThan(0)
  })

  it('fail a service that leaves cleaning out', async () => {
    const served = await serve(trained, { model: modelOf(bank.history, NO_CLEANING) })
    expect(gatesOf(served)).toEqual({ ...PASSED, parity: false })
    expect(served.parity.differing.map(({ feature }) => feature)).toContain('user_category_is_usual')
  })

  it.each([
    ['log', withLog, (slow: Slow) => (log: PredictionLog) => ({ append: slow(log.append) })],
    ['store', withStore, (slow: Slow) => (store: StateStore) => ({ findReceipt: slow(store.findReceipt) })],
  ] as const)('fail 20 ms more in the %s, on every decision', async (_, over, change) => {
    let clockMs = 0
    const slow: Slow =
      (call) =>
      (...given) => {
        clockMs += 20
        return call(...given)
      }
    const storage = over(change(slow) as never)
    const served = await serve(trained, { storage, world: { ...WORLD, monotonicMs: () => clockMs } })
    expect(gatesOf(served)).toEqual({ ...PASSED, latency: false })
    expect(served.latency).toMatchObject({ p50: 20, p99: 20 })
  })
})

/** A run: its rows, and what its model is. */
interface Trained {
  readonly files: ServeRunOptions['files']
  readonly model: LoadedModel
}

const CLEANING = { ...NO_CLEANING, foldCategories: true }

/** Categories as people type them; cleaning makes one of them. */
const messy = async (history: History): Promise<History> => {
  const prepared = join(folder, 'as-typed.parquet')
  await withDatabase(databaseIn(folder), (connection) =>
    connection.run(
      `COPY (SELECT * REPLACE (CASE WHEN arrival % 2 = 0 THEN ' ' || upper(merchant_category) ELSE merchant_category END AS merchant_category)
             FROM read_parquet(${sqlLiteral(history.prepared)}))
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  return { ...history, prepared }
}

/** Cleans and replays `history`, as training does. */
const train = async (name: string, history: History): Promise<Trained> => {
  const cleaned = join(folder, `${name} cleaned.parquet`)
  await withDatabase(databaseIn(folder), (connection) =>
    applyCleaning(connection, history.prepared, cleaned, CLEANING),
  )
  const { out } = await replayInto(folder, name, { ...history, prepared: cleaned }, { workers: 2 })
  const files = { prepared: history.prepared, cleaned, features: out }
  return { files, model: modelOf(history, CLEANING) }
}

const WORLD = { now: () => 1.7e12, monotonicMs: () => 0, newId: () => 'abcdef01-2345' }

let services = 0
const serve = ({ files, model }: Trained, changed: Partial<ServeRunOptions> = {}): Promise<ServedRun> => {
  const work = changed.work ?? join(folder, `work ${services++}`)
  mkdirSync(work)
  return serveRun({
    files,
    model,
    rows: 100_000,
    source: 'a test',
    storage: testStorage(),
    world: WORLD,
    workers: 2,
    database: databaseIn(folder),
    signal: new AbortController().signal,
    reportProgress: noProgress,
    ...changed,
    work,
  })
}

/** Which of the two gates that serve is passed, by the default settings. */
const gatesOf = (served: ServedRun): Record<string, boolean> => {
  const nothing = { notMeasured: 'not this test' }
  const results = judgePromotion(
    Value.Default(PromotionSchema, {}) as PromotionSettings,
    { ...served, artifact: nothing, figures: nothing, regression: nothing },
    [],
  )
  return {
    parity: results.filter(({ gate }) => gate === 'parity').every(({ passed }) => passed),
    latency: results.filter(({ gate }) => gate === 'latency').every(({ passed }) => passed),
  }
}
const PASSED = { parity: true, latency: true }

type Slow = <A extends unknown[], R>(call: (...given: A) => R) => (...given: A) => R

const ownedStates = (states: OpenStates): OpenStates & { readonly kind: 'owned' } => {
  if (states.kind === 'owned') return states
  throw new Error('the gates serve with states of their own')
}

/** Real storage with some methods of its store replaced. */
const withStore = (change: (store: StateStore) => Partial<StateStore>): ServingStorage => {
  const storage = testStorage()
  return {
    ...storage,
    openStates: async (settings) => {
      const states = ownedStates(await storage.openStates(settings))
      return { ...states, store: { ...states.store, ...change(states.store) } }
    },
  }
}

/** Real storage with some methods of its log replaced. */
const withLog = (change: (log: PredictionLog) => Partial<PredictionLog>): ServingStorage => {
  const storage = testStorage()
  return {
    ...storage,
    openLog: async (settings) => {
      const log = await storage.openLog(settings)
      return overLog(log, change(log))
    },
  }
}

/** `lastSequence` changes: a copy would keep its first value. */
const overLog = (log: PredictionLog, changed: Partial<PredictionLog>): PredictionLog => ({
  ...log,
  ...changed,
  get lastSequence() {
    return log.lastSequence
  },
})

/** Saves with the lowest bit of the sum of all amounts changed, in the state of every user. */
const flipped =
  (store: StateStore): StateStore['save'] =>
  (changes, receipts) =>
    store.save(
      changes.map((change) => {
        if (change.key.kind !== 'user') return change
        const bytes = stateOf(Uint8Array.from(change.bytes))
        bytes[HEADER.totalMinor * 8]! ^= 1
        return { ...change, bytes: withApplied(bytes, appliedOf(change.bytes)) }
      }),
      receipts,
    )
