import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Frontier, frontierReceipts, readFrontier, SLICES_PER_PERIOD } from './frontier.ts'

describe('the frontier', () => {
  test('never falls and keeps its order, whatever is given, written and saved in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const log = { lastSequence: 0 }
        const frontier = new Frontier(log)
        let before = numbersOf(frontier)
        for (const { kind, share } of steps) {
          if (kind === 'give') frontier.next()
          if (kind === 'write') log.lastSequence += Math.ceil(share * (frontier.given - log.lastSequence))
          if (kind === 'end a slice') frontier.endSlice()
          // Whoever saves knows how much more of receipts and states is saved than before.
          const through = frontier.savedThrough + Math.floor(share * (frontier.given - frontier.savedThrough))
          if (kind === 'save') frontier.saved(frontier.afterSave(Number.POSITIVE_INFINITY, through))
          const numbers = numbersOf(frontier)
          expect(numbers.savedThrough).toBeLessThanOrEqual(numbers.storedUpTo)
          expect(numbers.storedUpTo).toBeLessThanOrEqual(numbers.durable)
          expect(numbers.durable).toBeLessThanOrEqual(numbers.given)
          expect(numbers.dueThrough).toBeLessThanOrEqual(numbers.given)
          for (const name of NAMES) expect(numbers[name]).toBeGreaterThanOrEqual(before[name])
          before = numbers
        }
      }),
    )
  })

  test('says savedThrough no further than receipts, states and the log allow', () => {
    const frontier = givenAndDurable(10)
    expect(frontier.afterSave(7, 9)).toEqual({ savedThrough: 7, storedUpTo: 10 })
    expect(frontier.afterSave(9, 7)).toEqual({ savedThrough: 7, storedUpTo: 10 })
    frontier.next()
    expect(frontier.afterSave(11, Number.POSITIVE_INFINITY).savedThrough).toBe(10)
  })

  test('refuses to let savedThrough fall', () => {
    const frontier = givenAndDurable(10)
    frontier.saved(frontier.afterSave(8, 8))
    expect(() => frontier.afterSave(7, 8)).toThrow('savedThrough 7 >= its earlier 8')
  })

  test('refuses a log that has records which were never given', () => {
    const log = { lastSequence: 0 }
    const frontier = new Frontier(log)
    log.lastSequence = 1
    expect(() => frontier.afterSave(1, 1)).toThrow('durable 1 <= given 0')
  })

  test('calls a record due when one period has passed since it was given', () => {
    const frontier = givenAndDurable(0)
    frontier.next()
    for (let slice = 0; slice < SLICES_PER_PERIOD; slice++) {
      frontier.endSlice()
      expect(frontier.dueThrough).toBe(0)
    }
    frontier.endSlice()
    expect(frontier.dueThrough).toBe(1)
  })

  test('does not give the numbers again of records that the log has lost', () => {
    const frontier = new Frontier({ lastSequence: 3 })
    expect(frontier.reopen({ savedThrough: 4, storedUpTo: 5 })).toEqual({ from: 4, to: 5 })
    expect([frontier.durable, frontier.next()]).toEqual([5, 6])
  })

  test('gives the numbers again of records that the log has refused', () => {
    const frontier = givenAndDurable(3)
    frontier.next()
    expect(frontier.reopen({ savedThrough: 2, storedUpTo: 3 })).toBeUndefined()
    expect(frontier.next()).toBe(4)
  })

  test('is read from the store as it was saved', async () => {
    const stored = new Map<string, Uint8Array>()
    const store = { findReceipt: async (id: string) => stored.get(id) }
    expect(await readFrontier(store)).toEqual({ savedThrough: 0, storedUpTo: 0 })
    for (const { id, bytes } of frontierReceipts({ savedThrough: 41, storedUpTo: 43 })) stored.set(id, bytes)
    expect(await readFrontier(store)).toEqual({ savedThrough: 41, storedUpTo: 43 })
  })
})

const NAMES = ['given', 'durable', 'savedThrough', 'storedUpTo', 'dueThrough'] as const

const numbersOf = ({ given, durable, savedThrough, storedUpTo, dueThrough }: Frontier) => ({
  given,
  durable,
  savedThrough,
  storedUpTo,
  dueThrough,
})

const step = fc.record({
  kind: fc.constantFrom('give', 'give', 'write', 'end a slice', 'save'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
})

/** The log has every record that was given. */
const givenAndDurable = (records: number): Frontier => {
  const log = { lastSequence: 0 }
  const frontier = new Frontier(log)
  for (let n = 0; n < records; n++) log.lastSequence = frontier.next()
  return frontier
}
