import { ok } from 'node:assert/strict'
import type { EntityKey, OutboxEntry, SharedStateStore } from '../ports/state-store.ts'
import { bytesOf, eventually, numbersTo, same, sameBytes, textOf } from './assertions.ts'
import type { Law } from './law.ts'
import { sharedFillingLaws } from './shared-filling-laws.ts'
import { sharedHistoryLaws } from './shared-history-laws.ts'
import { sharedLabelLaws } from './shared-label-laws.ts'
import {
  ada,
  bob,
  change,
  commit,
  committed,
  LONG_MS,
  sharedLaw as law,
  type SharedStateStoreSubject,
  shop,
} from './shared-process.ts'
import { sharedStateLifeLaws } from './shared-state-life-laws.ts'

export type { SharedProcess, SharedStateStoreSubject } from './shared-process.ts'

/** Laws 10 to 22 of `SharedStateStore` (`ports/state-store.ts`), to be kept beside those of `StateStore`. */
export const sharedStateStoreLaws: readonly Law<SharedStateStoreSubject>[] = [
  // ## a commit
  law(
    10,
    'a commit writes states, receipt and entry, and takes the next number from 1',
    async ({ store }) => {
      same(await commit(store, [change(ada, 'one', 0), change(shop, 's', 0)], 't1'), committed(1))
      same(await commit(store, [change(ada, 'two', 1)], 't2'), committed(2))
      const [user, merchant] = await store.load([ada, shop])
      same(
        [textOf(user?.bytes), user?.version, textOf(merchant?.bytes), merchant?.version],
        ['two', 2, 's', 1],
      )
      same((await store.takeEntries(10, 1)).map(entryText), ['1 entry of t1', '2 entry of t2'])
    },
  ),
  law(10, 'a commit may change no state', async ({ store }) => {
    same(await commit(store, [], 'late label'), committed(1))
    same((await store.takeEntries(10, 1)).map(entryText), ['1 entry of late label'])
  }),
  law(10, 'a commit that expects another version does nothing, and takes no number', async ({ store }) => {
    await commit(store, [change(ada, 'one', 0)], 't1')
    const late = [change(bob, 'new', 0), change(ada, 'lost', 0)]
    same(await commit(store, late, 't2'), { outcome: 'conflict' })
    same(await commit(store, late.toReversed(), 't2'), { outcome: 'conflict' })
    const [user, absent] = await store.load([ada, bob])
    same([textOf(user?.bytes), user?.version, absent], ['one', 1, undefined])
    same(await store.findReceipt('t2'), undefined)
    same(await commit(store, [change(ada, 'two', 1)], 't3'), committed(2))
    same((await store.takeEntries(10, 1)).map(entryText), ['1 entry of t1', '2 entry of t3'])
  }),
  law(
    11,
    'a commit of a receipt that is there does nothing and answers with it, whatever the versions are',
    async ({ store }) => {
      await commit(store, [change(ada, 'one', 0)], 't1', 'flagged')
      const known = await store.findReceipt('t1')
      for (const expected of [0, 1]) {
        const again = await commit(store, [change(ada, 'again', expected)], 't1', 'not flagged')
        same(again, { outcome: 'repeated', receipt: known })
      }
      same((await store.load([ada]))[0]?.version, 1)
      same(await commit(store, [], 't2'), committed(2))
      same((await store.takeEntries(10, 1)).length, 2)
    },
  ),
  law(11, 'a commit of a receipt that save has written is repeated too', async ({ store }) => {
    await store.save([], [{ id: 't1', bytes: bytesOf('saved') }])
    same(await commit(store, [], 't1'), { outcome: 'repeated', receipt: bytesOf('saved') })
  }),
  law(12, 'a commit keeps its number before its receipt, as a little-endian double', async ({ store }) => {
    await commit(store, [], 't1')
    await commit(store, [], 't2', 'flagged')
    const found = (await store.findReceipt('t2'))!
    same([...found.subarray(0, 8)], [0, 0, 0, 0, 0, 0, 0, 0x40])
    same(textOf(found.subarray(8)), 'flagged')
  }),
  law(10, 'a commit is seen by save, and save by it: versions are the same for both', async ({ store }) => {
    await store.save([change(ada, 'saved', 0)])
    same(await commit(store, [change(ada, 'lost', 0)], 't1'), { outcome: 'conflict' })
    same(await commit(store, [change(ada, 'committed', 1)], 't1'), committed(1))
    same(await store.save([change(ada, 'lost', 1)]), false)
    same(await store.save([change(ada, 'saved again', 2)]), true)
  }),
  law(11, 'a commit is known for as long as it is said, and can be made again then', async ({ store }) => {
    await store.commit([change(ada, 'one', 0)], { id: 'short', bytes: bytesOf('r') }, bytesOf('e'), 20)
    await commit(store, [], 'long')
    await eventually(async () => same(await store.findReceipt('short'), undefined))
    ok((await store.findReceipt('long')) !== undefined)
    same(await commit(store, [], 'short'), committed(3))
  }),
  law(
    10,
    'a commit takes bytes of every value, states without bytes and entries of a megabyte',
    async ({ store }) => {
      const every = new Uint8Array(1 << 20).map((_, i) => i)
      await store.commit(
        [{ key: ada, bytes: every, expected: 0 }, change(bob, '', 0)],
        { id: 't1', bytes: every.subarray(1) },
        every.subarray(2),
        LONG_MS,
      )
      const [full, empty] = await store.load([ada, bob])
      sameBytes(full!.bytes, every)
      same([empty?.bytes.length, empty?.version], [0, 1])
      sameBytes((await store.findReceipt('t1'))!.subarray(8), every.subarray(1))
      sameBytes((await store.takeEntries(1, 1))[0]!.bytes, every.subarray(2))
    },
  ),
  // ## many processes
  law(
    10,
    'many processes commit without a gap in the numbers, and no update is lost',
    async ({ store, open }) => {
      const processes = [store, await open('second'), await open('third'), await open('fourth')]
      const work = processes.flatMap((process, p) =>
        Array.from({ length: 25 }, (_, i) =>
          addOne(process, i % 2 === 0 ? [ada, shop] : [bob, shop], `${p}/${i}`),
        ),
      )
      const sequences = (await Promise.all(work)).sort((a, b) => a - b)
      same(sequences, numbersTo(100))
      const sums = await store.load([ada, bob, shop])
      same(
        sums.map((state) => [textOf(state?.bytes), state?.version]),
        [
          ['52', 52],
          ['48', 48],
          ['100', 100],
        ],
      )
      const entries = await drain(store)
      same(
        entries.map(({ sequence }) => sequence),
        numbersTo(100),
      )
      // In the order of the numbers, each entry follows from the one before.
      same(
        entries.map(({ bytes: entry }) => textOf(entry)?.split(' ')[1]),
        numbersTo(100).map(String),
      )
    },
  ),
  law(
    11,
    'many processes that commit one receipt at once commit it once, and all get the same answer',
    async ({ store, open }) => {
      const processes = [store, await open('second'), await open('third')]
      const outcomes = await Promise.all(
        numbersTo(30).map((i) => commit(processes[i % 3]!, [change(ada, `${i}`, 0)], 't1', `answer ${i}`)),
      )
      const winner = outcomes.findIndex(({ outcome }) => outcome === 'committed') + 1
      const receipt = await store.findReceipt('t1')
      same(textOf(receipt?.subarray(8)), `answer ${winner}`)
      same(textOf((await store.load([ada]))[0]?.bytes), `${winner}`)
      same(
        outcomes,
        numbersTo(30).map((i) => (i === winner ? committed(1) : { outcome: 'repeated', receipt })),
      )
    },
  ),
  // ## entries
  law(13, 'entries are taken in their order, up to as many as asked for', async ({ store }) => {
    for (const i of numbersTo(5)) await commit(store, [], `t${i}`)
    same(
      (await store.takeEntries(3, 1)).map(({ sequence }) => sequence),
      [1, 2, 3],
    )
    same(
      (await store.takeEntries(3, 1)).map(({ sequence }) => sequence),
      [4, 5],
    )
    same(await store.takeEntries(3, 1), [])
  }),
  law(13, 'entries are waited for', async ({ store, open }) => {
    const taken = store.takeEntries(10, 2000)
    const other = await open('second')
    await commit(other, [], 't1')
    same((await taken).map(entryText), ['1 entry of t1'])
  }),
  law(
    13,
    'entries do not wait behind one another: while one process waits, it commits and loads',
    async ({ store }) => {
      const taken = store.takeEntries(10, 2000)
      await store.load([ada])
      await commit(store, [change(ada, 'one', 0)], 't1')
      same((await taken).length, 1)
    },
  ),
  law(13, 'entries are taken by one process at a time', async ({ store, open }) => {
    const second = await open('second')
    for (const i of numbersTo(40)) await commit(store, [], `t${i}`)
    const shares = await Promise.all([drain(store, 3), drain(second, 3)])
    const sequences = shares.flat().map(({ sequence }) => sequence)
    same(
      sequences.sort((a, b) => a - b),
      numbersTo(40),
    )
  }),
  law(
    13,
    'entries that were taken and not settled are taken over by another process, after its time',
    async ({ store, open }) => {
      await commit(store, [], 't1')
      await commit(store, [], 't2')
      await commit(store, [], 't3')
      same((await store.takeEntries(2, 1)).length, 2)
      await store.settle([1])
      const patient = await open('patient', 3_600_000)
      same(
        (await patient.takeEntries(10, 1)).map(({ sequence }) => sequence),
        [3],
      )
      const eager = await open('eager', 1)
      const seen = new Set<number>()
      await eventually(async () => {
        for (const { sequence } of await eager.takeEntries(10, 1)) seen.add(sequence)
        same([...seen].sort(), [2, 3])
      })
    },
  ),
  law(13, 'entries that were settled are never seen again, whoever settles them', async ({ store, open }) => {
    for (const i of numbersTo(4)) await commit(store, [], `t${i}`)
    await store.takeEntries(3, 1)
    await store.settle([])
    await store.settle([1, 3])
    await (await open('second')).settle([2, 2])
    const eager = await open('eager', 0)
    same(
      (await eager.takeEntries(10, 1)).map(({ sequence }) => sequence),
      [4],
    )
    await eager.settle([4])
    same(await eager.takeEntries(10, 1), [])
    same(await commit(store, [], 't5'), committed(5))
  }),
  law(13, 'entries outlive the process that took them', async ({ open }) => {
    const gone = await open('gone')
    await commit(gone, [], 't1')
    same((await gone.takeEntries(10, 1)).length, 1)
    await gone.close()
    const heir = await open('heir', 0)
    same((await heir.takeEntries(10, 1)).map(entryText), ['1 entry of t1'])
  }),
  law(
    13,
    'entries are gone with the states when the store is cleared, and processes that wait go on',
    async ({ store, open }) => {
      const waiting = await open('waiting')
      await commit(store, [], 't1')
      await waiting.takeEntries(10, 1)
      const taken = waiting.takeEntries(10, 1500)
      await store.clear()
      // Whether or not what is cleared ended this wait, the next one works.
      same(await taken, [])
      same(await store.findReceipt('t1'), undefined)
      same((await commit(store, [], 't1')).outcome, 'committed')
      same(
        (await waiting.takeEntries(10, 1)).map(({ bytes: entry }) => textOf(entry)),
        ['entry of t1'],
      )
    },
  ),
  ...sharedHistoryLaws,
  ...sharedLabelLaws,
  ...sharedStateLifeLaws,
  ...sharedFillingLaws,
]

/** Of a hundred commits that meet, one succeeds each time. */
const MOST_ATTEMPTS = 1000

const entryText = ({ sequence, bytes: entry }: OutboxEntry): string => `${sequence} ${textOf(entry)}`

/**
 * Adds 1 to each state, again until nobody interfered; the entry has the sum of the last key. @returns the
 * sequence number
 */
const addOne = async (store: SharedStateStore, keys: readonly EntityKey[], id: string): Promise<number> => {
  for (let attempt = 0; ; attempt++) {
    ok(attempt < MOST_ATTEMPTS, 'no commit succeeds, however often the states are loaded again')
    const states = await store.load(keys)
    const sums = states.map((state) => Number(textOf(state?.bytes) ?? 0) + 1)
    const changes = keys.map((key, i) => change(key, `${sums[i]}`, states[i]?.version ?? 0))
    const outcome = await store.commit(
      changes,
      { id, bytes: bytesOf(id) },
      bytesOf(`sum ${sums.at(-1)}`),
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
