import { describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { encodeReceipt, type LabelReceipt } from '../decision-receipt.ts'
import { silentObserver, TEST_SETTINGS } from '../inference.test-kit.ts'
import { DueLabels } from './due-labels.ts'
import { Frontier, frontierReceipts, SLICES_PER_PERIOD } from './frontier.ts'
import { Receipts } from './receipts.ts'
import { Saver } from './saver.ts'
import type { SaveRequest } from './unsaved-states.ts'
import { WaitingLabels } from './waiting-labels.ts'

describe('the saver', () => {
  test('has one save on its way at a time', async () => {
    const { saver, saves } = createSaver()
    const both = Promise.all([saver.saveAll(), saver.saveAll()])
    await untilIdle()
    expect(saves).toHaveLength(1)
    saves[0]!.end(false)
    await untilIdle()
    expect(saves).toHaveLength(2)
    saves[1]!.end(false)
    await both
  })

  test('saves again while there may be more', async () => {
    const { saver, saves } = createSaver()
    const all = saver.saveAll()
    for (const isMore of [true, true, false]) {
      saves.at(-1)!.end(isMore)
      await untilIdle()
    }
    await all
    expect(saves).toHaveLength(3)
  })

  test('saves what is one period old at the end of a slice, and all that was given when asked for all', async () => {
    const { saver, saves, give } = createSaver()
    give(5)
    for (let slice = 0; slice < SLICES_PER_PERIOD; slice++) {
      const ended = saver.endSlice()
      expect(saves.at(-1)!.request.dueThrough).toBe(0)
      saves.at(-1)!.end(false)
      await ended
    }
    const due = saver.endSlice()
    expect(saves.at(-1)!.request.dueThrough).toBe(5)
    saves.at(-1)!.end(false)
    await due
    give(2)
    const all = saver.saveAll()
    expect(saves.at(-1)!.request.dueThrough).toBe(7)
    saves.at(-1)!.end(false)
    await all
  })

  test('does not save what comes meanwhile, or it would never end', async () => {
    const { saver, saves, give, receipts } = createSaver()
    give(2)
    const all = saver.saveAll()
    give(1)
    saves[0]!.end(true)
    await untilIdle()
    expect(saves[1]!.request).toMatchObject({ dueThrough: 2, receipts: { receipts: [], through: 2 } })
    saves[1]!.end(false)
    await all
    expect(receipts.waiting).toBe(1)
  })

  test('warns of a save that failed, and keeps its receipts for the next', async () => {
    const warnings: unknown[] = []
    const { saver, saves, give, receipts } = createSaver({
      warned: (code, { reason }) => void warnings.push([code, reason]),
    })
    give(1)
    const failed = saver.endSlice()
    saves[0]!.fail(new Error('no space'))
    await failed
    expect(warnings).toEqual([['SERVING_STORE_FAILED', 'no space']])
    expect(saver.lastFailure).toBe('no space')
    expect(receipts.waiting).toBe(1)
    const next = saver.endSlice()
    saves[1]!.end(false)
    await next
    expect(receipts.waiting).toBe(0)
  })

  test('begins no save after it was halted, and halting waits for the one on its way', async () => {
    const { saver, saves } = createSaver()
    const reason = new Error('halted')
    const all = saver.saveAll().catch((error: unknown) => error)
    let isHalted = false
    const halted = saver.halt(reason).then(() => {
      isHalted = true
    })
    await untilIdle()
    expect(isHalted).toBe(false)
    // There is more, but states may be half advanced.
    saves[0]!.end(true)
    await halted
    expect(await all).toBe(reason)
    await expect(saver.saveAll()).rejects.toBe(reason)
    await saver.endSlice()
    expect(saves).toHaveLength(1)
    saver.resume()
    const again = saver.saveAll()
    saves[1]!.end(false)
    await again
  })

  test('halting waits for a sweep on its way too: labels that wait and are being read again are not over', async () => {
    const { saver, saves, store } = createSaver()
    const { asked, goOn } = holdSweeps(store)
    const ended = saver.endSlice()
    saves[0]!.end(false)
    await untilIdle()
    expect(asked).toEqual(['begun'])
    let isHalted = false
    const halted = saver.halt(new Error('halted')).then(() => {
      isHalted = true
    })
    await untilIdle()
    expect(isHalted).toBe(false)
    goOn()
    await Promise.all([halted, ended])
    // One that was halted between its save and its sweep does not begin to sweep.
    saver.resume()
    const other = saver.endSlice()
    const again = saver.halt(new Error('halted'))
    saves[1]!.end(false)
    await Promise.all([again, other])
    expect(asked).toEqual(['begun', 'done'])
  })

  test('what has ended is settled when its sweep is: the store may be closed then, and not before', async () => {
    const { saver, saves, store } = createSaver()
    const { asked, goOn } = holdSweeps(store)
    void saver.endSlice()
    saves[0]!.end(false)
    await untilIdle()
    saver.stop()
    const settled = saver.settled().then(() => asked.push('settled'))
    await untilIdle()
    expect(asked).toEqual(['begun'])
    goOn()
    await settled
    expect(asked).toEqual(['begun', 'done', 'settled'])
  })

  test('removes expired receipts after the save of a slice, and never its own numbers', async () => {
    const { saver, saves, store } = createSaver()
    await store.save(
      [],
      [
        { id: 'label/old', bytes: encodeReceipt(labelReceipt(NOW_MS - TEST_SETTINGS.receiptLifeMs - 1)) },
        { id: 'label/young', bytes: encodeReceipt(labelReceipt(NOW_MS - TEST_SETTINGS.receiptLifeMs)) },
        ...frontierReceipts({ savedThrough: 0, storedUpTo: 0 }),
      ],
    )
    const ended = saver.endSlice()
    saves[0]!.end(false)
    await ended
    const kept = ['label/old', 'label/young', 'log/saved-through', 'log/stored-up-to'].map(
      async (id) => (await store.findReceipt(id)) !== undefined,
    )
    expect(await Promise.all(kept)).toEqual([false, true, true, true])
  })

  test('looks at more receipts where more are saved, so that expired ones never outgrow the others', async () => {
    const clock = { nowMs: NOW_MS }
    const { saver, saves, give, store } = createSaver({}, clock)
    const perSlice = 300
    const livingSlices = 10
    let most = 0
    for (let slice = 0; slice < 120; slice++) {
      clock.nowMs += TEST_SETTINGS.receiptLifeMs / livingSlices
      give(perSlice, clock.nowMs)
      const ended = saver.endSlice()
      for (let isMore = true; isMore; ) {
        const before = saves.length
        const save = saves.at(-1)!
        await store.save([], save.request.receipts.receipts)
        save.end(false)
        await untilIdle()
        isMore = saves.length > before
      }
      await ended
      if (slice > 60) most = Math.max(most, await countReceipts(store))
    }
    // The living ones, those of the slice at hand, and half as many again that are expired.
    expect(most).toBeLessThanOrEqual(1.5 * (livingSlices + 2) * perSlice)
  })
})

const NOW_MS = 2e12

/** A save that a test ends. */
interface PendingSave {
  readonly request: SaveRequest
  end(isMore: boolean): void
  fail(error: Error): void
}

const createSaver = (observer: Partial<typeof silentObserver> = {}, clock = { nowMs: NOW_MS }) => {
  const log = { lastSequence: 0 }
  const frontier = new Frontier(log)
  const store = createMemoryStateStore()
  const receipts = new Receipts(store)
  const saves: PendingSave[] = []
  const saver = new Saver({
    store,
    frontier,
    receipts,
    states: {
      save: (request) =>
        new Promise((resolve, reject) => {
          saves.push({ request, end: resolve, fail: reject })
        }),
    },
    due: new DueLabels(store),
    waiting: new WaitingLabels(store, () => undefined),
    isNeeded: () => false,
    settings: TEST_SETTINGS,
    observer: { ...silentObserver, ...observer },
    world: { now: () => clock.nowMs },
  })
  /** Gives so many records, which are durable at once. */
  const give = (records: number, atMs = NOW_MS): void => {
    for (let n = 0; n < records; n++) {
      const sequence = frontier.next()
      log.lastSequence = sequence
      const receipt = labelReceipt(atMs)
      receipts.add(`label/${sequence}`, { sequence, receipt, durable: Promise.resolve(receipt) })
    }
  }
  return { saver, saves, receipts, store, give }
}

const labelReceipt = (receivedAtMs: number): LabelReceipt => ({
  isFraud: true,
  receivedAtMs,
  isApplied: true,
  position: { segment: 'one', offset: 0 },
})

/** Everything has happened that waits for nothing but promises. */
const untilIdle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const countReceipts = async (store: ReturnType<typeof createMemoryStateStore>): Promise<number> => {
  let count = 0
  await store.sweepReceipts(undefined, Number.MAX_SAFE_INTEGER, () => {
    count++
    return false
  })
  return count
}

/** Sweeps of a store that wait for `goOn`; `asked` tells what has become of them. */
const holdSweeps = (store: ReturnType<typeof createSaver>['store']) => {
  const { sweepReceipts } = store
  const asked: string[] = []
  let letGo = (): void => undefined
  Object.assign(store, {
    sweepReceipts: async (...sweep: Parameters<typeof sweepReceipts>) => {
      asked.push('begun')
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      asked.push('done')
      return sweepReceipts(...sweep)
    },
  })
  return { asked, goOn: () => letGo() }
}
