import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { VigiaError } from '../../errors.ts'
import { createDecider } from '../decider.ts'
import { openTestLog, silentObserver, TEST_SETTINGS, testFolder, testModel } from '../inference.test-kit.ts'
import { decodeLogEntry } from '../log/log-record.ts'
import { appliedOf, withApplied } from '../states/stored-state.ts'
import { clockReceipt, DueLabels } from './due-labels.ts'
import { frontierReceipts } from './frontier.ts'
import { OwnedLabels, type OwnedLabelsParts } from './owned-labels.ts'
import { endAll, entriesOf, MODEL, startProcess } from './owned-process.test-kit.ts'
import type { UnsavedReceipt } from './receipts.ts'
import { StateCache } from './state-cache.ts'

/* What `docs/simulation.md` found in decisions of one process, each by itself. */

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(async () => {
  await endAll()
  remove()
})

const payment = {
  transactionId: 't1',
  userId: 'ada',
  merchantId: 'shop',
  eventTimeMs: 1e12,
  amountMinor: 100,
}

test('a transaction that is asked for twice is decided once, also when the first is saved while the store looks for the second', async () => {
  const memory = createMemoryStateStore()
  const looks: (() => void)[] = []
  const store = {
    ...memory,
    findReceipt: async (id: string) => {
      const found = await memory.findReceipt(id)
      // What was found is told late.
      if (id.startsWith('decision/')) await new Promise<void>((resolve) => looks.push(resolve))
      return found
    },
  }
  const process = await startProcess(store, folder)
  const first = process.decisions.predict(payment, 0)
  const second = process.decisions.predict(payment, 0)
  const tellAll = setInterval(() => looks.shift()?.(), 1)
  try {
    expect((await first).isRepeated).toBe(false)
    await process.save()
    expect(await second).toMatchObject({ isRepeated: true, sequence: 1 })
  } finally {
    clearInterval(tellAll)
  }
  expect(await entriesOf(process.log)).toHaveLength(1)
})

test('the log may lose records only when the states that have them are on the disk', async () => {
  const memory = createMemoryStateStore()
  const calls: string[] = []
  const store = {
    ...memory,
    save: (...save: Parameters<typeof memory.save>) => {
      calls.push('save')
      return memory.save(...save)
    },
    flush: async () => {
      calls.push('flush')
    },
  }
  const process = await startProcess(store, folder)
  await process.decisions.predict(payment, 0)
  expect(await process.decisions.archivable()).toBe(1)
  expect(calls).toEqual(['save', 'flush'])
})

test('a replay makes no due label again that the store has: its clock was not so far yet', async () => {
  const store = createMemoryStateStore()
  await store.save([], [clockReceipt(500, 7)])
  const due = new DueLabels(store)
  await due.reopen()
  expect([due.clockMs, due.isStored(7), due.isStored(8)]).toEqual([500, true, false])
  const decided = (sequence: number, eventTimeMs: number) =>
    ({ sequence, receipt: { decidedAtMs: 0, eventTimeMs } }) as unknown as UnsavedReceipt
  const saved = due.clockAfter([decided(6, 900), decided(8, 300)])
  expect(saved).toEqual([clockReceipt(500, 8)])
  due.saved(saved)
  expect([due.isStored(8), due.clockAfter([decided(8, 300)])]).toEqual([true, []])
})

test('a state that another process has written is refused before anything is decided on it', async () => {
  const store = createMemoryStateStore()
  const { engineer } = createDecider({ champion: MODEL })
  const key = { kind: 'user', token: 5, source: 'user' }
  await store.save([{ key, bytes: withApplied(new Uint8Array(8), 9), expected: 0 }])
  const cacheBytes = TEST_SETTINGS.cacheBytes
  const cache = new StateCache({ store, engineer: () => engineer, cacheBytes, given: () => 8 })
  await expect(cache.bring([key])).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
})

test('a due label is forgotten only when what was told instead is durable, and what was due before it', async () => {
  const due = ['first', 'second', 'third'].map((id) => ({ id, dueMs: 0, label: { transactionId: id } }))
  const left = [[...due], []] as (typeof due)[]
  const delivered: string[] = []
  const durable = due.map(() => {
    let resolve = (): void => undefined
    const promise = new Promise<void>((onDurable) => {
      resolve = onDurable
    })
    return { promise, resolve }
  })
  const labels = new OwnedLabels({
    due: {
      isDue: () => true,
      due: async () => left.shift()!,
      take: () => undefined,
      delivered: ({ id }: { readonly id: string }) => delivered.push(id),
    },
    cache: { bring: async () => ({ items: [], states: {} }), find: () => ({ items: [], states: {} }) },
    decider: () => ({ labelKeysOf: () => [] }),
    throwIfUnavailable: () => undefined,
    receipts: {
      pending: (id: string) => {
        const at = due.findIndex((one) => id === `label/${one.id}`)
        return at < 0 ? undefined : { receipt: { isFraud: true }, durable: durable[at]!.promise }
      },
    },
    store: { findReceipt: async () => undefined },
  } as unknown as OwnedLabelsParts)
  await labels.whenDelivered(1, [], async () => undefined)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  expect(delivered).toEqual([])
  durable[1]!.resolve()
  await turn()
  expect(delivered).toEqual([])
  durable[0]!.resolve()
  await turn()
  expect(delivered).toEqual(['first', 'second'])
})

test('closing saves a state that has expired also when its record is not durable yet', async () => {
  const store = createMemoryStateStore()
  const log = await openTestLog(folder)
  const late: (() => void)[] = []
  const slow = Object.assign(Object.create(log) as typeof log, {
    append: (sequence: number, payload: Uint8Array) => {
      if (decodeLogEntry(payload)?.kind !== 'repair') return log.append(sequence, payload)
      // The next record is made in the same bytes.
      const kept = payload.slice()
      return new Promise((resolve) => late.push(() => resolve(log.append(sequence, kept))))
    },
  })
  let nowMs = 1e12
  const process = await startProcess(store, folder, {
    log: slow,
    model: testModel('forgetful', 1, '200s'),
    expiresStates: true,
    saveAfterMs: 200,
    now: () => nowMs,
  })
  await process.decisions.predict(payment, 0)
  nowMs += 1e9
  await process.decisions.predict(
    { ...payment, transactionId: 't2', userId: 'eva', merchantId: 'inn', eventTimeMs: nowMs },
    0,
  )
  await eventually(() => expect(late).toHaveLength(2))
  const closing = process.close()
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
  for (const write of late) write()
  await closing
  const repairs = (await entriesOf(log)).filter((entry) => entry.kind === 'repair')
  const stored = await store.load(
    repairs.map(({ repair: { kind, token } }) => ({ kind, token, source: kind })),
  )
  expect(stored.map((state) => appliedOf(state!.bytes))).toEqual([3, 4])
  await log.close()
})

test('a process that was ousted while it opened warns of no loss: what the store has more is of its successor', async () => {
  const store = createMemoryStateStore()
  await store.save([], frontierReceipts({ savedThrough: 1, storedUpTo: 1 }))
  const log = await openTestLog(folder)
  const warned: string[] = []
  const observer = { ...silentObserver, warned: (code: string) => void warned.push(code) }
  const ousted = new VigiaError('SERVING_LEASE_LOST', { folder, reason: 'it was silent', holder: 'another' })
  const lost = Object.assign(Object.create(log) as typeof log, { rotate: () => Promise.reject(ousted) })
  await expect(startProcess(store, folder, { log: lost, observer })).rejects.toBe(ousted)
  expect(warned).toEqual([])
  const process = await startProcess(store, folder, { log, observer })
  expect(warned).toEqual(['SERVING_LOG_LOST'])
  await process.close()
  await log.close()
})

test('a process that was ousted while it opened replays nothing that its successor has written', async () => {
  const log = await openTestLog(folder)
  const successor = await startProcess(createMemoryStateStore(), folder, { log })
  await successor.decisions.predict(payment, 0)
  const asItWas = Object.create(log, { lastSequence: { value: 0 } }) as typeof log
  await expect(startProcess(createMemoryStateStore(), folder, { log: asItWas })).rejects.toMatchObject({
    code: 'SERVING_LEASE_LOST',
    message: expect.stringContaining('record 1 was written meanwhile'),
  })
  await successor.close()
  await log.close()
})
