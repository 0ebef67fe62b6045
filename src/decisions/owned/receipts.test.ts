import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeReceipt, type LabelReceipt } from '../decision-receipt.ts'
import { Receipts, type UnsavedReceipt } from './receipts.ts'

describe('receipts', () => {
  test('the number up to which all are stored never passes one that is not', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const stored = new Map<string, Uint8Array>()
        const receipts = new Receipts(storeOf(stored))
        /** The latest receipt of each id. */
        const latest = new Map<string, UnsavedReceipt>()
        let sequence = 0
        for (const { kind, id, most } of steps) {
          if (kind === 'add') {
            latest.set(id, unsavedReceipt(++sequence))
            receipts.add(id, latest.get(id)!)
          }
          if (kind === 'write') confirm(latest.get(id))
          if (kind !== 'save') continue
          const batch = receipts.batch(sequence, most)
          for (const { id, bytes } of batch.receipts) stored.set(id, bytes)
          receipts.settle(batch)
          for (const [id, { sequence, receipt }] of latest)
            if (sequence <= batch.through) expect(stored.get(id)).toEqual(encodeReceipt(receipt))
        }
      }),
    )
  })

  test('one that is replaced while it is saved stays unsaved', () => {
    const receipts = new Receipts(storeOf(new Map()))
    receipts.add('a', durableReceipt(1))
    receipts.add('b', durableReceipt(2))
    const batch = receipts.batch(2, 10)
    const correction = durableReceipt(3)
    receipts.add('a', correction)
    receipts.settle(batch)
    expect([receipts.waiting, receipts.pending('a'), receipts.pending('b')]).toEqual([
      1,
      correction,
      undefined,
    ])
  })

  test('one that was replaced before it was stored is passed only with the one that replaced it: the log may lose that', () => {
    const receipts = new Receipts(storeOf(new Map()))
    receipts.add('a', durableReceipt(1))
    receipts.add('b', durableReceipt(2))
    const correction = unsavedReceipt(3)
    receipts.add('a', correction)
    const batch = receipts.batch(3, 10)
    expect([batch.receipts.map(({ id }) => id), batch.through]).toEqual([['b'], 0])
    receipts.settle(batch)
    confirm(correction)
    const both = receipts.batch(3, 10)
    expect(both).toMatchObject({ receipts: [{ id: 'a' }], through: Number.POSITIVE_INFINITY })
    // Replaced twice while the first is saved: the second is in no place of its own either.
    receipts.add('a', durableReceipt(4))
    receipts.add('a', unsavedReceipt(5))
    receipts.settle(both)
    expect(receipts.batch(5, 10)).toMatchObject({ receipts: [], through: 3 })
  })

  test('one is found only once its record is durable', async () => {
    const receipts = new Receipts(storeOf(new Map()))
    let confirmRecord: () => void = () => undefined
    const { receipt } = durableReceipt(1)
    const durable = new Promise<LabelReceipt>((resolve) => {
      confirmRecord = () => resolve(receipt as LabelReceipt)
    })
    receipts.add('a', { sequence: 1, receipt, durable })
    const found: unknown[] = []
    const search = receipts.find('a').then((one) => found.push(one))
    await Promise.resolve()
    expect(found).toEqual([])
    confirmRecord()
    await search
    expect(found).toEqual([receipt])
  })

  test('one that is saved is found in the store', async () => {
    const { receipt } = durableReceipt(1)
    const receipts = new Receipts(storeOf(new Map([['a', encodeReceipt(receipt)]])))
    expect(await receipts.find('a')).toEqual(receipt)
    expect(await receipts.find('b')).toBeUndefined()
  })

  test('one of an earlier record than the last is refused', () => {
    const receipts = new Receipts(storeOf(new Map()))
    receipts.add('a', durableReceipt(2))
    expect(() => receipts.add('b', durableReceipt(2))).toThrow('receipt of record 2 comes after that of 2')
  })
})

const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'write', 'save'),
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  most: fc.integer({ min: 1, max: 3 }),
})

const storeOf = (stored: ReadonlyMap<string, Uint8Array>) => ({
  findReceipt: async (id: string) => stored.get(id),
})

/** Of a record that is not durable yet. `receivedAtMs` tells receipts apart. */
const unsavedReceipt = (sequence: number): UnsavedReceipt => {
  const receipt: LabelReceipt = {
    isFraud: true,
    receivedAtMs: sequence,
    isApplied: true,
    position: undefined,
  }
  return { sequence, receipt, durable: Promise.resolve(receipt) }
}

const confirm = (unsaved: UnsavedReceipt | undefined): void => {
  if (unsaved !== undefined) unsaved.receipt.position ??= { segment: 'one', offset: unsaved.sequence }
}

const durableReceipt = (sequence: number): UnsavedReceipt => {
  const unsaved = unsavedReceipt(sequence)
  confirm(unsaved)
  return unsaved
}
