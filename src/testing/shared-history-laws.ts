import { ok } from 'node:assert/strict'
import { VigiaError } from '../errors.ts'
import { HISTORY_LOST } from '../ports/history-loss.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import { bytesOf, same, textOf } from './assertions.ts'
import type { Law } from './law.ts'
import {
  ada,
  change,
  commit,
  committed,
  LONG_MS,
  sharedLaw as law,
  type SharedStateStoreSubject,
} from './shared-process.ts'

/** Laws 14 and 15 of `SharedStateStore`: a store that lost decisions decides nothing. */
export const sharedHistoryLaws: readonly Law<SharedStateStoreSubject>[] = [
  law(14, 'a history is begun once, and counts on from its number', async ({ store, open }) => {
    same(await store.readHistory(), { name: undefined, lastSequence: 0, loss: '' })
    same(await store.beginHistory({ name: 'first', lastSequence: 7 }, false), true)
    same(await store.beginHistory({ name: 'other', lastSequence: 9 }, false), false)
    same(await store.beginHistory({ name: 'first', lastSequence: 3 }, false), true)
    same(await (await open('second')).readHistory(), { name: 'first', lastSequence: 7, loss: '' })
    same(await commit(store, [], 't8'), committed(8))
    same(await store.beginHistory({ name: 'other', lastSequence: 0 }, true), true)
    same(await store.readHistory(), { name: 'other', lastSequence: 8, loss: '' })
  }),
  law(14, 'a process that expects the history of the store works as before', async ({ store }) => {
    await begin(store, 0)
    await store.expectHistory({ name: NAME, lastSequence: 0 })
    for (const i of [1, 2, 3]) same(await commit(store, [change(ada, `${i}`, i - 1)], `t${i}`), committed(i))
    same(store.knownSequence(), 3)
    same(await store.save([change(ada, 'lost', 1)]), false)
    for (const call of callsOf(store, 3)) await call()
  }),
  law(14, 'what others commit is seen by whatever is asked of the store', async ({ store, open }) => {
    await begin(store, 0)
    const second = await open('second')
    await second.expectHistory({ name: NAME, lastSequence: 0 })
    await commit(store, [], 't1')
    await second.load([ada])
    same(second.knownSequence(), 1)
    await commit(store, [], 't2')
    await second.takeEntries(10, 1)
    same(second.knownSequence(), 2)
  }),
  law(14, 'an emptied store refuses everything', async ({ store, open }) => {
    const process = await startedWith(store, await open('second'), 3)
    await store.clear()
    await refusesAll(process)
    same((await store.readHistory()).name, undefined)
    same(await store.findReceipt('t9'), undefined)
  }),
  law(14, 'a store that was set back behind a number that was seen refuses everything', async (tools) => {
    const { store } = tools
    const process = await startedWith(store, await tools.open('second'), 3)
    await setBack(store, 2)
    await refusesAll(process)
    same((await store.readHistory()).lastSequence, 2)
    same(await store.findReceipt('t9'), undefined)
  }),
  law(14, 'a store of another history refuses everything, and is left as it is', async ({ store, open }) => {
    const process = await startedWith(store, await open('second'), 3)
    await store.clear()
    same(await store.beginHistory({ name: 'other', lastSequence: 50 }, false), true)
    await refusesAll(process)
    same(await store.readHistory(), { name: 'other', lastSequence: 50, loss: '' })
  }),
  law(14, 'a process that is told of a number that the store lacks is refused at once', async ({ store }) => {
    await begin(store, 5)
    await refused(() => store.expectHistory({ name: NAME, lastSequence: 6 }))
    await refused(() => store.load([ada]))
  }),
  law(
    14,
    'a process that waits for entries is refused when the store is emptied',
    async ({ store, open }) => {
      const process = await startedWith(store, await open('second'), 1)
      await process.takeEntries(10, 1)
      const outcome = process.takeEntries(10, 200).catch(() => [])
      await store.clear()
      // Whether or not the wait was over before.
      same(await outcome, [])
      await refused(() => process.takeEntries(10, 1))
    },
  ),
  law(15, 'what one process has noticed, all are refused for', async ({ store, open }) => {
    const knowing = await startedWith(store, await open('knowing'), 3)
    const unknowing = await open('unknowing')
    await setBack(store, 2)
    await unknowing.expectHistory({ name: NAME, lastSequence: 2 })
    await unknowing.load([ada])
    await refused(() => knowing.load([ada]))
    ok((await store.readHistory()).loss.includes(`${NAME}-3`), 'the mark says which number was known')
    await refusesAll(unknowing)
    // Numbers that are given meanwhile make nothing good.
    await commit(store, [], 'by nobody')
    await refusesAll(knowing)
    await refused(async () => (await open('later')).expectHistory({ name: NAME, lastSequence: 0 }))
  }),
  law(15, 'a mark says the highest number that any refused process knew', async ({ store, open }) => {
    const knowing = await startedWith(store, await open('knowing'), 3)
    const less = await open('less')
    await setBack(store, 2)
    await less.expectHistory({ name: NAME, lastSequence: 2 })
    await setBack(store, 1)
    for (const [process, number] of [
      [less, 2],
      [knowing, 3],
      [less, 3],
    ] as const) {
      await refused(() => process.load([ada]))
      const { loss } = await store.readHistory()
      ok(
        loss.includes(`it ends with ${NAME}-1`) && loss.endsWith(`to ${NAME}-${number} were made on it`),
        loss,
      )
    }
  }),
  law(15, 'a mark gives way to a history that replaces it, and to no other', async ({ store, open }) => {
    const process = await startedWith(store, await open('second'), 3)
    await store.clear()
    await refused(() => process.load([ada]))
    same(await store.beginHistory({ name: 'other', lastSequence: 0 }, false), false)
    same(await store.beginHistory({ name: NAME, lastSequence: 3 }, true), true)
    for (const call of callsOf(process, 0)) await call()
    same(await commit(process, [], 't10'), committed(5))
  }),
  law(15, 'receipts and entries that were put back are as those of commits', async ({ store }) => {
    const receipt = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x40, ...bytesOf('flagged'))
    await store.putBack(
      [
        { id: 't2', bytes: receipt, lifeMs: LONG_MS },
        { id: 'short', bytes: receipt, lifeMs: LONG_MS },
      ],
      [
        { sequence: 2, bytes: bytesOf('entry of t2') },
        { sequence: 4, bytes: bytesOf('entry of t4') },
      ],
    )
    await begin(store, 4)
    same(await commit(store, [], 't2'), { outcome: 'repeated', receipt })
    same(await commit(store, [], 't5'), committed(5))
    const waiting = (await store.waitingEntries()).map(({ sequence, bytes }) => [sequence, textOf(bytes)])
    same(waiting, [
      [2, 'entry of t2'],
      [4, 'entry of t4'],
      [5, 'entry of t5'],
    ])
    same(
      (await store.takeEntries(2, 1)).map(({ sequence }) => sequence),
      [2, 4],
    )
    same((await store.waitingEntries()).length, 3)
  }),
]

const NAME = 'abcd1234'

const begin = async (store: SharedStateStore, lastSequence: number): Promise<void> =>
  same(await store.beginHistory({ name: NAME, lastSequence }, false), true)

/** A process that takes part in a history of so many commits; `store` expects nothing of it. */
const startedWith = async (
  store: SharedStateStore,
  process: SharedStateStore,
  commits: number,
): Promise<SharedStateStore> => {
  await begin(store, 0)
  await process.expectHistory({ name: NAME, lastSequence: 0 })
  for (let i = 1; i <= commits; i++) await commit(process, [], `t${i}`)
  return process
}

/** The store as an older copy of it would be. */
const setBack = async (store: SharedStateStore, lastSequence: number): Promise<void> => {
  await store.clear()
  await begin(store, lastSequence)
}

/** One call of each kind; `version` is that of the state of `ada`. */
const callsOf = (store: SharedStateStore, version: number): readonly (() => Promise<unknown>)[] => [
  () => store.load([ada]),
  () => store.save([change(ada, 'saved', version)]),
  () => store.findReceipt('t1'),
  () => commit(store, [], 't9'),
  () => store.takeEntries(10, 1),
  () => store.settle([1]),
  () => store.readNote('origin'),
  () => store.writeNote('origin', 'here'),
  () => store.count(),
  async () => {
    for await (const _ of store.entries('user'));
  },
]

const refusesAll = async (store: SharedStateStore): Promise<void> => {
  for (const call of callsOf(store, 0)) await refused(call)
}

const refused = async (call: () => Promise<unknown>): Promise<void> => {
  const outcome = await call().then(
    () => 'it answered',
    (error: unknown) => error,
  )
  ok(
    outcome instanceof VigiaError && outcome.code === HISTORY_LOST,
    `refused as lost, got ${String(outcome)}`,
  )
}
