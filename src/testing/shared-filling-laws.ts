import { ok } from 'node:assert/strict'
import { VigiaError } from '../errors.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import type { FillingBegun, ReplacedFilling } from '../ports/store-filling.ts'
import { bytesOf, same, textOf } from './assertions.ts'
import type { Law } from './law.ts'
import {
  ada,
  bob,
  change,
  commit,
  committed,
  LONG_MS,
  sharedLaw as law,
  type SharedStateStoreSubject,
} from './shared-process.ts'

/** Law 22 of `SharedStateStore`: one process at a time fills it. */
export const sharedFillingLaws: readonly Law<SharedStateStoreSubject>[] = [
  law(22, 'who fills a store gives it its states, its notes and its history', async ({ store }) => {
    same(await store.beginFilling(begun('a')), true)
    same(await store.readNote('filled by'), 'a')
    await fill(store, 'a')
    same(await end(store, 'aaaa', 7), true)
    same(await store.readNote('filled by'), 'aaaa')
    same(textOf((await store.load([ada]))[0]?.bytes), 'a')
    same(await store.readHistory(), { name: 'aaaa', lastSequence: 7, loss: '' })
    await store.expectHistory({ name: 'aaaa', lastSequence: 7 })
    same(await commit(store, [change(ada, 'decided', 1)], 't1'), committed(8))
  }),
  law(22, 'of those who take the place of the same filler, or of nobody, one does', async ({ open }) => {
    const opened = await Promise.all(Array.from({ length: 8 }, (_, i) => open(`p${i}`)))
    const [token, winners] = await winnersOf(opened, NOBODY, 'first')
    same(winners, 1)
    same((await winnersOf(opened, { filler: token, name: undefined }, 'second'))[1], 1)
    same((await winnersOf(opened, { filler: token, name: undefined }, 'late'))[1], 0)
    same((await winnersOf(opened, NOBODY, 'nobody'))[1], 0)
  }),
  law(
    22,
    'a filler that was replaced changes nothing, whatever it calls and whenever it wakes up',
    async ({ store, open }) => {
      const second = await open('second')
      for (const isWhole of [false, true]) {
        same(await store.beginFilling(begun('asleep')), true)
        await store.clear()
        await store.save([change(bob, 'asleep', 0)])
        same(await second.beginFilling(begun('awake', { filler: 'asleep', name: undefined })), true)
        await second.clear()
        await fill(second, 'awake')
        if (isWhole) await end(second, 'cafe', 0)
        await replaced(store)
        const { name, loss } = await second.readHistory()
        same([name, loss], [isWhole ? 'cafe' : undefined, ''])
        same(await second.readNote('filled by'), isWhole ? 'cafe' : 'awake')
        const [user, other] = await second.load([ada, bob])
        same([textOf(user?.bytes), user?.version, other], ['awake', 1, undefined])
        same(await second.findReceipt('late'), undefined)
        same((await second.waitingEntries()).length, 0)
        const { clockMs, labels } = await second.dueLabels(9000, 10)
        same([clockMs, labels.map(({ text }) => text)], [1000, ['0 of awake']])
      }
    },
  ),
  law(
    22,
    'nor does one that wakes up when decisions are made on what replaced it',
    async ({ store, open }) => {
      const [second, server] = [await open('second'), await open('server')]
      await store.beginFilling(begun('asleep'))
      await second.beginFilling(begun('awake', { filler: 'asleep', name: undefined }))
      await fill(second, 'awake')
      await end(second, 'cafe', 0)
      await server.expectHistory({ name: 'cafe', lastSequence: 0 })
      same(await commit(server, [change(ada, 'decided', 1)], 't1'), committed(1))
      await replaced(store)
      same(textOf((await server.load([ada]))[0]?.bytes), 'decided')
      same(await commit(server, [change(ada, 'again', 2)], 't2'), committed(2))
    },
  ),
  law(22, 'who fills a store that decides ends its history at once', async ({ store, open }) => {
    const server = await open('server')
    await store.beginHistory({ name: 'old', lastSequence: 0 }, false)
    await server.expectHistory({ name: 'old', lastSequence: 0 })
    await commit(server, [change(ada, 'old', 0)], 't1')
    same(await store.beginFilling(begun('unasked', { filler: undefined, name: 'old' })), false)
    same(await commit(server, [], 't2'), committed(2))
    same(await store.beginFilling(begun('forced')), true)
    await refusedAs('SERVING_HISTORY_LOST', () => commit(server, [], 't3'))
    await store.clear()
    await fill(store, 'forced')
    // The server has marked the loss.
    same(await end(store, 'cafe', 0), false)
    ok((await store.readHistory()).loss !== '', 'a loss that was marked stays until it is replaced')
    same(await store.beginFilling(begun('again', NOBODY)), false)
    same(await store.beginFilling(begun('again')), true)
    same(await end(store, 'cafe', 0, true), true)
    same(await store.readHistory(), { name: 'cafe', lastSequence: 0, loss: '' })
  }),
  law(
    22,
    'a name that nobody decided under gives way, if it is still the one that was seen',
    async (tools) => {
      const { store } = tools
      await store.beginHistory({ name: 'left', lastSequence: 0 }, false)
      same(await store.beginFilling(begun('a', NOBODY)), false)
      same(await store.beginFilling(begun('a', { filler: undefined, name: 'other' })), false)
      same(await store.beginFilling(begun('a', { filler: undefined, name: 'left' })), true)
      same((await store.readHistory()).name, undefined)
    },
  ),
  law(22, 'a filler that clears the store has it empty, and its own', async ({ store }) => {
    await store.writeNote('origin', 'old')
    await store.save([change(ada, 'old', 0)], [{ id: 'old', bytes: bytesOf('old') }])
    await store.putBack([], [{ sequence: 1, bytes: bytesOf('old') }])
    await store.putBackLabels({ clockMs: 5, due: [{ dueMs: 6, text: '0 old' }], waiting: [] })
    await store.beginFilling(begun('a'))
    await store.clear()
    const empty = [undefined, undefined, undefined, 0]
    const [state] = await store.load([ada])
    const [note, receipt] = [await store.readNote('origin'), await store.findReceipt('old')]
    same([state, note, receipt, (await store.waitingEntries()).length], empty)
    same((await store.dueLabels(10, 10)).labels, [])
    same(await store.readNote('filled by'), 'a')
    same(await end(store, 'cafe', 0), true)
  }),
]

const NOBODY: ReplacedFilling = { filler: undefined, name: undefined }

const begun = (token: string, instead?: ReplacedFilling): FillingBegun => ({
  token,
  notes: { 'filled by': token },
  instead,
})

const end = (store: SharedStateStore, name: string, lastSequence: number, replaces = false) =>
  store.endFilling({ notes: { 'filled by': name }, history: { name, lastSequence }, replaces })

/** A state, a receipt and a label, which say whose they are. */
const fill = async (store: SharedStateStore, whose: string): Promise<void> => {
  same(await store.save([change(ada, whose, 0)]), true)
  await store.putBack([{ id: 'filled', bytes: bytesOf(whose), lifeMs: LONG_MS }], [])
  await store.putBackLabels({ clockMs: 1000, due: [{ dueMs: 2000, text: `0 of ${whose}` }], waiting: [] })
}

/** The token of the last that is now the filler, and how many were told so. */
const winnersOf = async (
  stores: readonly SharedStateStore[],
  instead: ReplacedFilling,
  what: string,
): Promise<[token: string, winners: number]> => {
  const won = await Promise.all(stores.map((store, i) => store.beginFilling(begun(`${what}-${i}`, instead))))
  return [`${what}-${won.indexOf(true)}`, won.filter(Boolean).length]
}

/** Each call by which a store is filled, of a process that was replaced. */
const replaced = async (store: SharedStateStore): Promise<void> => {
  const late = bytesOf('late')
  const calls = [
    () => store.save([change(ada, 'late', 1)]),
    () => store.save([change(bob, 'late', 0)], [{ id: 'late', bytes: late }]),
    () => store.putBack([{ id: 'late', bytes: late, lifeMs: LONG_MS }], []),
    () => store.putBack([], [{ sequence: 9, bytes: late }]),
    () => store.putBackLabels({ clockMs: 9000, due: [], waiting: [] }),
    () =>
      store.putBackLabels({
        clockMs: Number.NEGATIVE_INFINITY,
        due: [{ dueMs: 1, text: '0 late' }],
        waiting: [],
      }),
    () => store.writeNote('filled by', 'late'),
    () => store.clear(),
    () => end(store, 'late', 99, true),
    () => commit(store, [change(ada, 'late', 1)], 'late'),
  ]
  for (const call of calls) await refusedAs('SERVING_FILLER_REPLACED', call)
}

const refusedAs = async (code: string, call: () => Promise<unknown>): Promise<void> => {
  const outcome = await call().then(
    (value) => `it answered ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof VigiaError ? error.code : String(error)),
  )
  same(outcome, code)
}
