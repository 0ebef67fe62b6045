import { beforeEach, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../src/adapters/memory/memory-state-store.ts'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { createDecider } from '../../src/decisions/decider.ts'
import type { Decisions } from '../../src/decisions/decisions.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
} from '../../src/decisions/inference.test-kit.ts'
import { isTold } from '../../src/decisions/label-origin.ts'
import {
  GENUINE_MODEL,
  labelledHistory,
  type Step,
  saidBy,
  takeSteps,
} from '../../src/decisions/labelled-history.test-kit.ts'
import { decodeLogEntry, type LogEntry } from '../../src/decisions/log/log-record.ts'
import { openOwnedDecisions } from '../../src/decisions/owned/owned-decisions.ts'
import { predictionNames } from '../../src/decisions/prediction-names.ts'
import { expectReplayed } from '../../src/decisions/replayed.test-kit.ts'
import { joinHistory } from '../../src/decisions/shared/known-history.ts'
import { openSharedDecisions } from '../../src/decisions/shared/shared-decisions.ts'
import { type StoreIdentity, writeStoreIdentity } from '../../src/decisions/states/store-identity.ts'
import type { PredictionLog } from '../../src/ports/prediction-log.ts'
import type { SharedStateStore } from '../../src/ports/state-store.ts'
import type { RedisServer } from './redis-server.ts'
import { describeOnRedis } from './servers-on-redis.ts'

const MODEL = GENUINE_MODEL

describeOnRedis('labels of processes that share states', (site) => {
  let server: RedisServer
  let folder: string
  beforeEach(async () => {
    server = await site.redis()
    folder = site.home()
  })

  test('are those of one process that owns its states, bit for bit, though the Redis is killed and a process is new', async () => {
    const steps = labelledHistory(7, 300)
    const half = Math.floor(steps.length / 2)
    const { answers, entries: expected } = await inOneProcess(steps)
    const processes = await Promise.all(['a', 'b', 'c'].map((name) => start('same', name)))
    let turn = 0
    const next = () => processes[turn++ % 3]!.decisions
    const told = [...(await takeSteps(steps.slice(0, half), next))]
    // Waiting labels, due ones and the clock are in its file, as states and receipts are.
    await Promise.all(processes.map(({ end }) => end()))
    await server.kill()
    await server.start()
    processes.push(...(await Promise.all(['d', 'e', 'f'].map((name) => start('same', name)))))
    turn = 3
    const later = () => processes[3 + (turn++ % 3)]!.decisions
    told.push(...(await takeSteps(steps.slice(half), later)))
    expect(told).toEqual(answers)
    expect(new Set(answers.filter((answer) => /^[a-z]/.test(answer))).size).toBe(4)
    const entries = await endOf(processes)
    expect(saidBy(entries)).toEqual(saidBy(expected))
    expectReplayed(entries, MODEL)
  })

  test('are delivered once each, in one order, while three processes take everything at once', async () => {
    const steps = labelledHistory(8, 300)
    const processes = await Promise.all(['a', 'b', 'c'].map((name) => start('together', name)))
    await Promise.all(
      processes.map(({ decisions }, p) =>
        takeSteps(
          steps.filter((_, i) => i % 3 === p),
          () => decisions,
        ),
      ),
    )
    const [one] = processes
    const end = { transactionId: 'end', userId: 'u', merchantId: 'shop', eventTimeMs: 2e12, amountMinor: 1 }
    await one!.decisions.predict(end, 0)
    const entries = await endOf(processes)
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1))
    expectReplayed(entries, MODEL)
    const byItself = entries.flatMap((entry) =>
      entry.kind === 'label' && entry.label.origin === 'delay' ? [entry.label.transactionId] : [],
    )
    const toldOf = new Set(
      entries.flatMap((entry) =>
        entry.kind === 'label' && isTold(entry.label) ? [entry.label.transactionId] : [],
      ),
    )
    const decided = entries.flatMap((entry) =>
      entry.kind === 'decision' ? [entry.decision.transaction.transactionId] : [],
    )
    expect(new Set(byItself).size).toBe(byItself.length)
    // Everything has a label by now: one that was told, or its own.
    expect(decided.filter((id) => id !== 'end' && !toldOf.has(id) && !byItself.includes(id))).toEqual([])
  })

  const start = async (prefix: string, name: string): Promise<Process> => {
    const log = await openTestLog(`${folder}/${prefix}-${name}`)
    const store = await openRedisStateStore({ url: server.url, prefix, consumer: name, compareMs: 0 })
    await writeStoreIdentity(store, IDENTITY)
    await joinHistory({ store, name: 'the store' }, log, IDENTITY)
    const decisions = await openSharedDecisions({
      store,
      log,
      identity: IDENTITY,
      ...common(),
      settings: { ...TEST_SETTINGS, receiptLifeMs: 3_600_000, waitingLifeMs: 3_600_000 },
    })
    const entries: LogEntry[] = []
    let ended: Promise<readonly LogEntry[]> | undefined
    const endOnce = async (): Promise<readonly LogEntry[]> => {
      await decisions.close()
      entries.push(...(await entriesOf(log)))
      await log.close()
      await store.close()
      return entries
    }
    return {
      decisions,
      store,
      end: () => {
        ended ??= endOnce()
        return ended
      },
    }
  }

  const inOneProcess = async (steps: readonly Step[]) => {
    const log = await openTestLog(`${folder}/owned`)
    const decisions = await openOwnedDecisions({
      store: createMemoryStateStore(),
      log,
      ...common(),
      settings: TEST_SETTINGS,
      nameOf: async () => ({ name: 'test', version: '1' }),
    })
    const answers = await takeSteps(steps, () => decisions)
    await decisions.close()
    const entries = await entriesOf(log)
    await log.close()
    return { answers, entries }
  }
})

interface Process {
  readonly decisions: Decisions
  readonly store: SharedStateStore
  /** Ends it. @returns what its log has */
  readonly end: () => Promise<readonly LogEntry[]>
}

const IDENTITY: StoreIdentity = {
  statesKey: MODEL.statesKey,
  identity: MODEL.identity,
  logName: 'labels',
  createdAtMs: 0,
}

const common = () => ({
  observer: silentObserver,
  decider: createDecider({ champion: MODEL }),
  names: predictionNames(IDENTITY),
  world: TEST_WORLD,
})

const entriesOf = async (log: PredictionLog): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for await (const { payload } of log.read(0)) entries.push(decodeLogEntry(payload)!)
  return entries
}

const endOf = async (processes: readonly Process[]): Promise<LogEntry[]> =>
  (await Promise.all(processes.map(({ end }) => end()))).flat().sort((a, b) => a.sequence - b.sequence)
