import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  CommitOutcome,
  EntityKey,
  OutboxEntry,
  SharedStateStore,
  StateChange,
} from '../../src/ports/state-store.ts'
import { eventually } from '../eventually.ts'

/** One process among those that share states. */
export interface SharedProcess {
  /** Its name among those that take entries. */
  readonly consumer: string
  /** After how long it takes over what others have not settled, in milliseconds. */
  readonly takeOverAfterMs?: number
}

/** Laws 6 to 9 of `SharedStateStore`. `create` gives empty states, and how each process opens them. */
export const sharedStateStoreContract = (
  name: string,
  create: () => Promise<(process: SharedProcess) => Promise<SharedStateStore>>,
): void => {
  describe(`${name} keeps the laws of a shared state store`, () => {
    let openProcess: (process: SharedProcess) => Promise<SharedStateStore>
    let opened: SharedStateStore[] = []
    const open = async (consumer: string, takeOverAfterMs?: number): Promise<SharedStateStore> => {
      const store = await openProcess({ consumer, ...(takeOverAfterMs !== undefined && { takeOverAfterMs }) })
      opened.push(store)
      return store
    }
    let store: SharedStateStore
    beforeEach(async () => {
      openProcess = await create()
      store = await open('first')
    })
    afterEach(async () => {
      await Promise.all(opened.map((each) => each.close()))
      opened = []
    })

    describe('a commit', () => {
      test('writes states, receipt and entry, and takes the next number from 1', async () => {
        expect(await commit(store, [change(ada, 'one', 0), change(shop, 's', 0)], 't1')).toEqual(committed(1))
        expect(await commit(store, [change(ada, 'two', 1)], 't2')).toEqual(committed(2))
        const [user, merchant] = await store.load([ada, shop])
        expect([text(user?.bytes), user?.version, text(merchant?.bytes), merchant?.version]).toEqual([
          'two',
          2,
          's',
          1,
        ])
        expect((await store.takeEntries(10, 1)).map(entryText)).toEqual(['1 entry of t1', '2 entry of t2'])
      })

      test('may change no state', async () => {
        expect(await commit(store, [], 'late label')).toEqual(committed(1))
        expect((await store.takeEntries(10, 1)).map(entryText)).toEqual(['1 entry of late label'])
      })

      test('that expects another version does nothing, and takes no number', async () => {
        await commit(store, [change(ada, 'one', 0)], 't1')
        const late = [change(bob, 'new', 0), change(ada, 'lost', 0)]
        expect(await commit(store, late, 't2')).toEqual({ outcome: 'conflict' })
        expect(await commit(store, late.toReversed(), 't2')).toEqual({ outcome: 'conflict' })
        const [user, absent] = await store.load([ada, bob])
        expect([text(user?.bytes), user?.version, absent]).toEqual(['one', 1, undefined])
        expect(await store.findReceipt('t2')).toBeUndefined()
        expect(await commit(store, [change(ada, 'two', 1)], 't3')).toEqual(committed(2))
        expect((await store.takeEntries(10, 1)).map(entryText)).toEqual(['1 entry of t1', '2 entry of t3'])
      })

      test('of a receipt that is there does nothing and answers with it, whatever the versions are', async () => {
        await commit(store, [change(ada, 'one', 0)], 't1', 'flagged')
        const known = await store.findReceipt('t1')
        for (const expected of [0, 1]) {
          const again = await commit(store, [change(ada, 'again', expected)], 't1', 'not flagged')
          expect(again).toEqual({ outcome: 'repeated', receipt: known })
        }
        expect((await store.load([ada]))[0]?.version).toBe(1)
        expect(await commit(store, [], 't2')).toEqual(committed(2))
        expect(await store.takeEntries(10, 1)).toHaveLength(2)
      })

      test('of a receipt that save has written is repeated too', async () => {
        await store.save([], [{ id: 't1', bytes: bytes('saved') }])
        expect(await commit(store, [], 't1')).toEqual({ outcome: 'repeated', receipt: bytes('saved') })
      })

      test('keeps its number before its receipt, as a little-endian double', async () => {
        await commit(store, [], 't1')
        await commit(store, [], 't2', 'flagged')
        const found = (await store.findReceipt('t2'))!
        expect([...found.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0x40])
        expect(text(found.subarray(8))).toBe('flagged')
      })

      test('is seen by save, and save by it: versions are the same for both', async () => {
        await store.save([change(ada, 'saved', 0)])
        expect(await commit(store, [change(ada, 'lost', 0)], 't1')).toEqual({ outcome: 'conflict' })
        expect(await commit(store, [change(ada, 'committed', 1)], 't1')).toEqual(committed(1))
        expect(await store.save([change(ada, 'lost', 1)])).toBe(false)
        expect(await store.save([change(ada, 'saved again', 2)])).toBe(true)
      })

      test('is known for as long as it is said, and can be made again then', async () => {
        await store.commit([change(ada, 'one', 0)], { id: 'short', bytes: bytes('r') }, bytes('e'), 20)
        await commit(store, [], 'long')
        await eventually(async () => expect(await store.findReceipt('short')).toBeUndefined())
        expect(await store.findReceipt('long')).toBeDefined()
        expect(await commit(store, [], 'short')).toEqual(committed(3))
      })

      test('takes bytes of every value, states without bytes and entries of a megabyte', async () => {
        const every = new Uint8Array(1 << 20).map((_, i) => i)
        await store.commit(
          [{ key: ada, bytes: every, expected: 0 }, change(bob, '', 0)],
          { id: 't1', bytes: every.subarray(1) },
          every.subarray(2),
          LONG_MS,
        )
        const [full, empty] = await store.load([ada, bob])
        expect(Buffer.compare(full!.bytes, every)).toBe(0)
        expect([empty?.bytes.length, empty?.version]).toEqual([0, 1])
        expect(Buffer.compare((await store.findReceipt('t1'))!.subarray(8), every.subarray(1))).toBe(0)
        expect(Buffer.compare((await store.takeEntries(1, 1))[0]!.bytes, every.subarray(2))).toBe(0)
      })
    })

    describe('many processes', () => {
      test('commit without a gap in the numbers, and no update is lost', async () => {
        const processes = [store, await open('second'), await open('third'), await open('fourth')]
        const work = processes.flatMap((process, p) =>
          Array.from({ length: 25 }, (_, i) =>
            addOne(process, i % 2 === 0 ? [ada, shop] : [bob, shop], `${p}/${i}`),
          ),
        )
        const sequences = (await Promise.all(work)).sort((a, b) => a - b)
        expect(sequences).toEqual(numbersTo(100))
        const sums = await store.load([ada, bob, shop])
        expect(sums.map((state) => [text(state?.bytes), state?.version])).toEqual([
          ['52', 52],
          ['48', 48],
          ['100', 100],
        ])
        const entries = await drain(store)
        expect(entries.map(({ sequence }) => sequence)).toEqual(numbersTo(100))
        // In the order of the numbers, each entry follows from the one before.
        expect(entries.map(({ bytes: entry }) => text(entry)?.split(' ')[1])).toEqual(
          numbersTo(100).map(String),
        )
      })

      test('that commit one receipt at once commit it once, and all get the same answer', async () => {
        const processes = [store, await open('second'), await open('third')]
        const outcomes = await Promise.all(
          numbersTo(30).map((i) => commit(processes[i % 3]!, [change(ada, `${i}`, 0)], 't1', `answer ${i}`)),
        )
        const winner = outcomes.findIndex(({ outcome }) => outcome === 'committed') + 1
        const receipt = await store.findReceipt('t1')
        expect(text(receipt?.subarray(8))).toBe(`answer ${winner}`)
        expect(text((await store.load([ada]))[0]?.bytes)).toBe(`${winner}`)
        expect(outcomes).toEqual(
          numbersTo(30).map((i) => (i === winner ? committed(1) : { outcome: 'repeated', receipt })),
        )
      })
    })

    describe('entries', () => {
      test('are taken in their order, up to as many as asked for', async () => {
        for (const i of numbersTo(5)) await commit(store, [], `t${i}`)
        expect((await store.takeEntries(3, 1)).map(({ sequence }) => sequence)).toEqual([1, 2, 3])
        expect((await store.takeEntries(3, 1)).map(({ sequence }) => sequence)).toEqual([4, 5])
        expect(await store.takeEntries(3, 1)).toEqual([])
      })

      test('are waited for', async () => {
        const taken = store.takeEntries(10, 2000)
        const other = await open('second')
        await commit(other, [], 't1')
        expect((await taken).map(entryText)).toEqual(['1 entry of t1'])
      })

      test('do not wait behind one another: while one process waits, it commits and loads', async () => {
        const taken = store.takeEntries(10, 2000)
        await store.load([ada])
        await commit(store, [change(ada, 'one', 0)], 't1')
        expect(await taken).toHaveLength(1)
      })

      test('are taken by one process at a time', async () => {
        const second = await open('second')
        for (const i of numbersTo(40)) await commit(store, [], `t${i}`)
        const shares = await Promise.all([drain(store, 3), drain(second, 3)])
        const sequences = shares.flat().map(({ sequence }) => sequence)
        expect(sequences.sort((a, b) => a - b)).toEqual(numbersTo(40))
      })

      test('that were taken and not settled are taken over by another process, after its time', async () => {
        await commit(store, [], 't1')
        await commit(store, [], 't2')
        await commit(store, [], 't3')
        expect(await store.takeEntries(2, 1)).toHaveLength(2)
        await store.settle([1])
        const patient = await open('patient', 3_600_000)
        expect((await patient.takeEntries(10, 1)).map(({ sequence }) => sequence)).toEqual([3])
        const eager = await open('eager', 1)
        const seen = new Set<number>()
        await eventually(async () => {
          for (const { sequence } of await eager.takeEntries(10, 1)) seen.add(sequence)
          expect([...seen].sort()).toEqual([2, 3])
        })
      })

      test('that were settled are never seen again, whoever settles them', async () => {
        for (const i of numbersTo(4)) await commit(store, [], `t${i}`)
        await store.takeEntries(3, 1)
        await store.settle([])
        await store.settle([1, 3])
        await (await open('second')).settle([2, 2])
        const eager = await open('eager', 0)
        expect((await eager.takeEntries(10, 1)).map(({ sequence }) => sequence)).toEqual([4])
        await eager.settle([4])
        expect(await eager.takeEntries(10, 1)).toEqual([])
        expect(await commit(store, [], 't5')).toEqual(committed(5))
      })

      test('outlive the process that took them', async () => {
        const gone = await open('gone')
        await commit(gone, [], 't1')
        expect(await gone.takeEntries(10, 1)).toHaveLength(1)
        await gone.close()
        const heir = await open('heir', 0)
        expect((await heir.takeEntries(10, 1)).map(entryText)).toEqual(['1 entry of t1'])
      })

      test('are gone with the states when the store is cleared, and processes that wait go on', async () => {
        const waiting = await open('waiting')
        await commit(store, [], 't1')
        await waiting.takeEntries(10, 1)
        const taken = waiting.takeEntries(10, 1500)
        await store.clear()
        // Whether or not what is cleared ended this wait, the next one works.
        expect(await taken).toEqual([])
        expect(await store.findReceipt('t1')).toBeUndefined()
        expect(await commit(store, [], 't1')).toMatchObject({ outcome: 'committed' })
        expect((await waiting.takeEntries(10, 1)).map(({ bytes: entry }) => text(entry))).toEqual([
          'entry of t1',
        ])
      })
    })
  })
}

const ada: EntityKey = { kind: 'user', token: 1815 }
const bob: EntityKey = { kind: 'user', token: 1816 }
const shop: EntityKey = { kind: 'merchant', token: 42 }
const LONG_MS = 3_600_000

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
const change = (key: EntityKey, value: string, expected: number): StateChange => ({
  key,
  bytes: bytes(value),
  expected,
})
const committed = (sequence: number): CommitOutcome => ({ outcome: 'committed', sequence })
const entryText = ({ sequence, bytes: entry }: OutboxEntry): string => `${sequence} ${text(entry)}`
const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

const commit = (
  store: SharedStateStore,
  changes: readonly StateChange[],
  id: string,
  receipt = `receipt of ${id}`,
) => store.commit(changes, { id, bytes: bytes(receipt) }, bytes(`entry of ${id}`), LONG_MS)

/**
 * Adds 1 to each state, again until nobody interfered; the entry has the sum of the last key. @returns the
 * sequence number
 */
const addOne = async (store: SharedStateStore, keys: readonly EntityKey[], id: string): Promise<number> => {
  for (;;) {
    const states = await store.load(keys)
    const sums = states.map((state) => Number(text(state?.bytes) ?? 0) + 1)
    const changes = keys.map((key, i) => change(key, `${sums[i]}`, states[i]?.version ?? 0))
    const outcome = await store.commit(
      changes,
      { id, bytes: bytes(id) },
      bytes(`sum ${sums.at(-1)}`),
      LONG_MS,
    )
    if (outcome.outcome === 'committed') return outcome.sequence
    if (outcome.outcome === 'repeated') throw new Error(`${id} was committed before`)
  }
}

/** Takes and settles until nothing is left. */
const drain = async (store: SharedStateStore, most = 1000): Promise<OutboxEntry[]> => {
  const all: OutboxEntry[] = []
  for (;;) {
    const taken = await store.takeEntries(most, 1)
    if (taken.length === 0) return all
    await store.settle(taken.map(({ sequence }) => sequence))
    all.push(...taken)
  }
}
