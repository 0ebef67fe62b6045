import { beforeEach, expect, test } from 'vitest'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { createDecider } from '../../src/decisions/decider.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testModel,
} from '../../src/decisions/inference.test-kit.ts'
import { decodeLogEntry, type LogEntry } from '../../src/decisions/log/log-record.ts'
import { predictionNames } from '../../src/decisions/prediction-names.ts'
import { expectReplayed } from '../../src/decisions/replayed.test-kit.ts'
import { openSharedDecisions } from '../../src/decisions/shared/shared-decisions.ts'
import type { StoreIdentity } from '../../src/decisions/states/store-identity.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import type { RedisServer } from './redis-server.ts'
import { describeOnRedis } from './servers-on-redis.ts'

const MODEL = testModel()

describeOnRedis('decisions of processes that share states', (site) => {
  let server: RedisServer
  let folder: string
  beforeEach(async () => {
    server = await site.redis()
    folder = site.home()
  })

  test('three processes that decide on the same users at once decide as one would, one after the other', async () => {
    const processes = await Promise.all(['a', 'b', 'c'].map((name) => start('together', name)))
    const sent = Array.from({ length: 300 }, (_, n) => payment(n))
    await Promise.all(sent.map((transaction, n) => processes[n % 3]!.decisions.predict(transaction, 0)))
    // Every transaction a second time, by another process.
    const again = await Promise.all(
      sent.map((transaction, n) => processes[(n + 1) % 3]!.decisions.predict(transaction, 0)),
    )
    expect(again.every(({ isRepeated }) => isRepeated)).toBe(true)
    const labels = sent.slice(0, 60).map(({ transactionId }, n) => ({ transactionId, isFraud: n % 2 === 0 }))
    const told = await Promise.all(labels.map((label, n) => processes[n % 3]!.decisions.applyFeedback(label)))
    expect(new Set(told)).toEqual(new Set(['applied']))
    const entries = await endOf(processes)
    expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 360 }, (_, n) => n + 1))
    expectReplayed(entries, MODEL)
  })

  test('the same transaction sent to all processes at once is decided on once, with one answer', async () => {
    const processes = await Promise.all(['a', 'b', 'c'].map((name) => start('once', name)))
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => processes[n % 3]!.decisions.predict(payment(1), 0)),
    )
    expect(answers.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1)
    expect(new Set(answers.map(({ predictionId }) => predictionId)).size).toBe(1)
    await expect(processes[0]!.decisions.predict({ ...payment(1), amountMinor: 9 }, 0)).rejects.toMatchObject(
      {
        code: 'SERVING_TRANSACTION_DIFFERS',
      },
    )
    expect(await endOf(processes)).toHaveLength(1)
  })

  test('labels: applied once, unchanged when told again, changed when corrected, by whichever process', async () => {
    const [a, b] = await Promise.all([start('labels', 'a'), start('labels', 'b')])
    await a.decisions.predict(payment(1), 0)
    const tell = (process: typeof a, isFraud: boolean) =>
      process.decisions.applyFeedback({ transactionId: 't1', isFraud })
    expect([
      await tell(a, true),
      await tell(b, true),
      await tell(b, false),
      await tell(a, false),
      await tell(a, true),
    ]).toEqual(['applied', 'unchanged', 'applied', 'unchanged', 'applied'])
    expect((await b.decisions.findLabel('t1'))?.isFraud).toBe(true)
    const entries = await endOf([a, b])
    expect(entries.map((entry) => entry.kind === 'label' && entry.label.isFraud)).toEqual([
      false,
      true,
      false,
      true,
    ])
    expectReplayed(entries, MODEL)
  })

  const start = async (prefix: string, name: string) => {
    const log = await openTestLog(`${folder}/${prefix}-${name}`)
    const store = await openRedisStateStore({ url: server.url, prefix, consumer: name })
    const decisions = await openSharedDecisions({
      store,
      log,
      observer: silentObserver,
      decider: createDecider({ champion: MODEL }),
      names: predictionNames({ logName: 'test' }),
      identity: IDENTITY,
      settings: { ...TEST_SETTINGS, receiptLifeMs: 60_000 },
      world: { ...TEST_WORLD, now: () => Date.now() },
    })
    return { decisions, log, store }
  }
})

const IDENTITY: StoreIdentity = {
  statesKey: MODEL.statesKey,
  identity: MODEL.identity,
  logName: 'test',
  createdAtMs: 0,
}

const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 4}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: 1e12 + n,
  amountMinor: 100,
})

type Process = {
  readonly decisions: { close(): Promise<void> }
  readonly log: Awaited<ReturnType<typeof openTestLog>>
  readonly store: { close(): Promise<void> }
}

/** Closes all processes; what their logs have, in the order of all. */
const endOf = async (processes: readonly Process[]): Promise<LogEntry[]> => {
  const entries = new Map<number, LogEntry>()
  for (const { decisions, log, store } of processes) {
    await decisions.close()
    for await (const { payload } of log.read(0)) {
      const entry = decodeLogEntry(payload)!
      entries.set(entry.sequence, entry)
    }
    await log.close()
    await store.close()
  }
  return [...entries.values()].sort((a, b) => a.sequence - b.sequence)
}
