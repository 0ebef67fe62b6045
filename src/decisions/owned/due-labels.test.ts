import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import type { StateStore } from '../../ports/state-store.ts'
import {
  clockReceipt,
  type DueLabel,
  DueLabels,
  decidedDueLabel,
  dueReceipt,
  historyDueLabel,
} from './due-labels.ts'

const labelOf = (transactionId: string): DueLabel['label'] => ({
  transactionId,
  isFraud: false,
  eventTimeMs: 0,
})

describe('labels that are due by the clock', () => {
  test('their ids ascend as their times do, below 0 and with fractions too, and then as they arrived', () => {
    const times = [-1e12, -1.5, -1, 0, 0.25, 1, 999, 1e12, 1e12 + 0.5]
    const ids = times.flatMap((time) => [
      historyDueLabel(time, 2, labelOf('')).id,
      historyDueLabel(time, 11, labelOf('')).id,
      decidedDueLabel(time, 1, labelOf('a')).id,
      decidedDueLabel(time, 20, labelOf('b')).id,
    ])
    expect(ids).toEqual(ids.toSorted())
  })

  test('come in the order of their times, each once, whatever is saved, read again or killed between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const store = createMemoryStateStore()
        let due = await opened(store)
        const added: DueLabel[] = []
        const delivered: DueLabel[] = []
        let unsaved: DueLabel[] = []
        let clockMs = 0
        for (const { act, ms } of steps) {
          if (act === 'add') {
            clockMs = due.arrived(clockMs + (ms % 3))
            const label = decidedDueLabel(clockMs + ms, added.length + 1, labelOf(`t${added.length}`))
            added.push(label)
            unsaved.push(label)
            due.add(label)
          } else if (act === 'save' || act === 'kill') {
            await save(store, due, unsaved, clockMs)
            unsaved = []
            if (act === 'kill') due = await opened(store)
          } else if (act === 'sweep') await due.sweep()
          else {
            clockMs = due.arrived(clockMs + ms)
            expect(
              due.isDue(clockMs) || added.every(({ dueMs, id }) => dueMs > clockMs || known(delivered, id)),
            ).toBe(true)
            for (let batch = await due.due(clockMs, 2); batch.length > 0; batch = await due.due(clockMs, 2))
              for (const label of batch) {
                due.take()
                due.delivered(label)
                // After a kill the store may still have one that was delivered: its receipt says so.
                if (!known(delivered, label.id)) delivered.push(label)
              }
          }
        }
        const wanted = added.filter(({ dueMs }) => dueMs <= clockMs)
        const all = [...delivered]
        for (let late = await due.due(clockMs, 9); late.length > 0; late = await due.due(clockMs, 9))
          for (const label of late) {
            due.take()
            if (!known(delivered, label.id)) all.push(label)
          }
        expect(all.map(({ id }) => id).toSorted()).toEqual(wanted.map(({ id }) => id).toSorted())
        const times = delivered.map(({ dueMs }) => dueMs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
      }),
      { numRuns: 200 },
    )
  })

  test('that were delivered leave the store, also when they are saved afterwards', async () => {
    const store = createMemoryStateStore()
    const due = await opened(store)
    const labels = [1, 2, 3].map((ms) => decidedDueLabel(ms, ms, labelOf(`t${ms}`)))
    for (const label of labels) due.add(label)
    await save(store, due, labels.slice(0, 1), 0)
    for (const label of await due.due(2, 10)) {
      due.take()
      due.delivered(label)
    }
    await save(store, due, labels.slice(1), 2)
    await due.sweep()
    expect(await idsIn(store)).toEqual([labels[2]!.id, 'log/clock'])
  })

  test('leave the store as fast as they are delivered, however many in the time between two sweeps', async () => {
    const store = createMemoryStateStore()
    const due = await opened(store)
    const labels = Array.from({ length: 100 }, (_, n) => decidedDueLabel(n, n + 1, labelOf(`t${n}`)))
    for (const label of labels) due.add(label)
    await save(store, due, labels, 0)
    for (let batch = await due.due(89, 10); batch.length > 0; batch = await due.due(89, 10))
      for (const label of batch) {
        due.take()
        due.delivered(label)
      }
    await due.sweep()
    expect((await idsIn(store)).filter((id) => id !== 'log/clock')).toEqual(
      labels.slice(90).map(({ id }) => id),
    )
  })

  test('the clock goes on from where the store has it, and never back', async () => {
    const store = createMemoryStateStore()
    await store.save([], [clockReceipt(50)])
    const due = await opened(store)
    expect([due.clockMs, due.arrived(20), due.arrived(60)]).toEqual([50, 50, 60])
  })
})

const step = fc.record({
  act: fc.constantFrom('add', 'add', 'add', 'save', 'kill', 'sweep', 'deliver'),
  ms: fc.integer({ min: 0, max: 9 }),
})

/** With a small window, so that it is filled, cut and read again. */
const opened = async (store: StateStore): Promise<DueLabels> => {
  const due = new DueLabels(store, 2)
  await due.reopen()
  return due
}

const save = async (
  store: StateStore,
  due: DueLabels,
  labels: readonly DueLabel[],
  clockMs: number,
): Promise<void> => {
  const receipts = [...labels.map(dueReceipt), clockReceipt(clockMs)]
  await store.save([], receipts)
  due.saved(receipts)
}

const known = (labels: readonly DueLabel[], id: string): boolean => labels.some((one) => one.id === id)

const idsIn = async (store: StateStore): Promise<string[]> => {
  const ids: string[] = []
  await store.sweepReceipts(undefined, 1000, (id) => {
    ids.push(id)
    return false
  })
  return ids
}
