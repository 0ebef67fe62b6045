import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { encodeState } from '../../features/state/encoding.ts'
import type { EntityKey, SharedStateStore } from '../../ports/state-store.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { createDecider } from '../decider.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { decodeLogEntry, type LogEntry, withSequence } from '../log/log-record.ts'
import { predictionNames } from '../prediction-names.ts'
import { expectReplayed } from '../replayed.test-kit.ts'
import { shareStates } from '../shared-states.test-kit.ts'
import { type StoreIdentity, writeStoreIdentity } from '../states/store-identity.ts'
import { withApplied } from '../states/stored-state.ts'
import { joinHistory } from './known-history.ts'
import { openSharedDecisions } from './shared-decisions.ts'
import { SharedExpiry } from './shared-expiry.ts'

/** Whoever was away for 200 s is begun anew. */
const FORGETFUL = testModel('forgetful', 1, '200s')
const USER: EntityKey = { kind: 'user', token: tokenOf('u1') }

describe('states of a shared store, of entities that were away for too long,', () => {
  const { folder, remove } = testFolder()
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  afterAll(remove)

  test('end once, whoever looks, and every later decision is what a replay of the records gives', async () => {
    const { store, decisions, expiry } = await start('once')
    for (let n = 1; n <= 8; n++) await decisions.predict(payment(n, 'u1', n * 1000), 0)
    for (let n = 9; n <= 12; n++) await decisions.predict(payment(n, 'u2', 300_000 + n), 0)
    const [before] = await store.load([USER])
    const lookers = [expiry(), expiry()]
    await Promise.all(lookers.map((one) => one.sweep()))
    // The user; the shop was seen with the later ones, and so was the device.
    expect(lookers.reduce((sum, { count }) => sum + count, 0)).toBe(1)
    const [after] = await store.load([USER])
    expect(after!.version).toBe(before!.version + 1)
    await decisions.predict(payment(13, 'u1', 300_100), 0)
    // Far behind the clock: it finds no history, there as in a replay.
    await decisions.predict(payment(14, 'u1', 9000), 0)
    const entries = await entriesOf(store)
    expect(entries.filter(({ kind }) => kind === 'repair')).toMatchObject([
      { sequence: 13, repair: { kind: 'user', token: USER.token }, words: new Float64Array(0) },
    ])
    expectReplayed(entries, FORGETFUL)
    const again = entries.at(-2)
    expect(again?.kind === 'decision' && again.vector[FORGETFUL.computed.indexOf('user_is_first')]).toBe(1)
  })

  test('are as never written when the store has lost them: the next decision is the same', async () => {
    const { store, decisions, expiry } = await start('lost')
    await decisions.predict(payment(1, 'u1', 1000), 0)
    await decisions.predict(payment(2, 'u2', 300_000), 0)
    const changes: unknown[] = []
    await expiry({
      commit: (written, ...rest) => {
        changes.push(...written)
        // As if the day had passed.
        return store.commit(
          written.map((change) => ({ ...change, lifeMs: 0 })),
          ...rest,
        )
      },
    }).sweep()
    expect(changes).toEqual([expect.objectContaining({ key: USER, lifeMs: 86_400_000 })])
    expect(await store.load([USER])).toEqual([undefined])
    await decisions.predict(payment(3, 'u1', 300_100), 0)
    expect((await store.load([USER]))[0]?.version).toBe(1)
    expectReplayed(await entriesOf(store), FORGETFUL)
  })

  test('are found too where nothing was ever in them and the store would keep them', async () => {
    const { store, decisions, expiry } = await start('unused')
    await decisions.predict(payment(1, 'u1', 300_000), 0)
    const [used] = await store.load([USER])
    const keeper = createDecider({ champion: FORGETFUL }).engineer.keeperOf('user')!
    const nobody: EntityKey = { kind: 'user', token: tokenOf('nobody') }
    const bytes = withApplied(encodeState(keeper.layout, keeper.create()), 0)
    // As versions before states ended left it, or `vigia state restore`.
    await store.save([{ key: nobody, bytes, expected: 0 }])
    const lives: (number | undefined)[] = []
    const one = expiry({
      commit: (written, ...rest) => {
        lives.push(...written.map(({ lifeMs }) => lifeMs))
        return store.commit(written, ...rest)
      },
    })
    await one.sweep()
    expect([lives, one.count]).toEqual([[86_400_000], 0])
    expect(await store.load([USER])).toEqual([used])
    // It goes by itself now.
    await expiry({ commit: () => Promise.reject(new Error('nothing is left to end')) }).sweep()
    expectReplayed(await entriesOf(store), FORGETFUL)
  })

  test('that are seen between the look and the end stay', async () => {
    const { store, decisions, expiry } = await start('seen')
    await decisions.predict(payment(1, 'u1', 1000), 0)
    await decisions.predict(payment(2, 'u2', 300_000), 0)
    const one = expiry({
      lookThrough: async (...words) => {
        const seen = await store.lookThrough(...words)
        await decisions.predict(payment(3, 'u1', 300_001), 0)
        return seen
      },
    })
    await one.sweep()
    expect(one.count).toBe(0)
    expect((await entriesOf(store)).map(({ kind }) => kind)).toEqual(['decision', 'decision', 'decision'])
  })

  test('end a part at a time, each has its turn, and a round begins once a day', async () => {
    const { store, decisions, expiry, clock } = await start('parts')
    for (let n = 1; n <= 12; n++) await decisions.predict(payment(n, `v${n}`, n), 0)
    await decisions.predict(payment(13, 'u2', 300_000), 0)
    let looks = 0
    const one = expiry({
      lookThrough: (from, _, bytes) => {
        looks++
        return store.lookThrough(from, 4, bytes)
      },
    })
    for (let i = 0; i < 10; i++) await one.sweep()
    expect(one.count).toBe(12)
    const round = looks
    expect(round).toBeLessThan(10)
    clock.nowMs += 86_400_000
    await one.sweep()
    expect(looks).toBe(round + 1)
    expect(one.count).toBe(12)
  })

  test('are looked at again when a look has failed, or an end', async () => {
    const { store, decisions, expiry } = await start('failed')
    for (let n = 1; n <= 6; n++) await decisions.predict(payment(n, `v${n}`, n), 0)
    await decisions.predict(payment(7, 'u2', 300_000), 0)
    let calls = 0
    const failing = async (): Promise<void> => {
      if (++calls % 3 === 1) throw new Error('it does not answer')
    }
    const one = expiry({
      lookThrough: (...words) => failing().then(() => store.lookThrough(...words)),
      commit: (...words) => failing().then(() => store.commit(...words)),
    })
    for (let i = 0; i < 60; i++) await one.sweep().catch(() => undefined)
    expect(one.count).toBe(6)
  })

  test('are bounded by the clock of the server: one transaction stamped ahead ends nothing', async () => {
    const { store, decisions, expiry, clock } = await start('ahead')
    clock.nowMs = 1e12 + 20_000
    await decisions.predict(payment(1, 'u1', 1000), 0)
    await decisions.predict(payment(2, 'u2', 3_000_000_000), 0)
    const one = expiry()
    await one.sweep()
    expect(one.count).toBe(0)
    expect((await store.load([USER]))[0]?.version).toBe(1)
  })

  test('stay where a model counts over lives', async () => {
    const { decisions, expiry } = await start('lives', testModel())
    await decisions.predict(payment(1, 'u1', 1000), 0)
    await decisions.predict(payment(2, 'u2', 300_000), 0)
    const one = expiry()
    await one.sweep()
    expect(one.count).toBe(0)
  })

  const start = async (name: string, model: LoadedModel = FORGETFUL) => {
    const open = shareStates()
    const store = await open({ consumer: 'one' })
    const identity: StoreIdentity = {
      statesKey: model.statesKey,
      identity: model.identity,
      logName: name,
      createdAtMs: 0,
    }
    await writeStoreIdentity(store, identity)
    const log = await openTestLog(`${folder}/${name}`)
    await joinHistory({ store, name: 'the store' }, log, identity)
    const clock = { nowMs: 2e12 }
    const world = { ...TEST_WORLD, now: () => clock.nowMs }
    const decisions = await openSharedDecisions({
      // What it would move to its log stays, for `entriesOf`.
      store: { ...store, takeEntries: async () => neverEnds() },
      log,
      identity,
      observer: silentObserver,
      decider: createDecider({ champion: model }),
      names: predictionNames(identity),
      settings: TEST_SETTINGS,
      world,
    })
    ends.push(() => log.close())
    const expiry = (replaced: Partial<SharedStateStore> = {}): SharedExpiry =>
      new SharedExpiry({
        store: { ...store, ...replaced },
        decider: () => createDecider({ champion: model }),
        world,
        failed: (error) => {
          throw error
        },
      })
    return { store, decisions, expiry, clock }
  }
})

const neverEnds = (): Promise<never> => new Promise(() => undefined)

/** All records, in their order. */
const entriesOf = async (store: SharedStateStore): Promise<readonly LogEntry[]> =>
  (await store.waitingEntries()).map(({ sequence, bytes }) => decodeLogEntry(withSequence(bytes, sequence))!)

const payment = (n: number, userId: string, afterMs: number): Transaction => ({
  transactionId: `t${n}`,
  userId,
  merchantId: 'shop',
  deviceId: 'd1',
  eventTimeMs: 1e12 + afterMs,
  amountMinor: 100 + n,
})
