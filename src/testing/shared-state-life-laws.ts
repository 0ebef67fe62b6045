import type { SharedStateStore, StateHead } from '../ports/state-store.ts'
import { bytesOf, eventually, numbersTo, same, textOf } from './assertions.ts'
import type { Law } from './law.ts'
import {
  ada,
  bob,
  change,
  commit,
  LONG_MS,
  sharedLaw as law,
  type SharedStateStoreSubject,
  shop,
} from './shared-process.ts'

/** Laws 20 and 21 of `SharedStateStore` (`ports/state-store.ts`). */
export const sharedStateLifeLaws: readonly Law<SharedStateStoreSubject>[] = [
  law(20, 'a state with a life is gone after it, as one that was never written', async ({ store }) => {
    await commit(store, [change(ada, 'one', 0), change(bob, 'stays', 0)], 't1')
    same((await commit(store, [{ ...change(ada, 'ends', 1), lifeMs: 30 }], 't2')).outcome, 'committed')
    await eventually(async () => same((await store.load([ada]))[0], undefined))
    same(textOf((await store.load([bob]))[0]?.bytes), 'stays')
    same(await commit(store, [change(ada, 'late', 2)], 't3'), { outcome: 'conflict' })
    same((await commit(store, [change(ada, 'anew', 0)], 't4')).outcome, 'committed')
    const [anew] = await store.load([ada])
    same([textOf(anew?.bytes), anew?.version], ['anew', 1])
  }),
  law(20, 'until then it is there, with its version', async ({ store }) => {
    await commit(store, [{ ...change(ada, 'one', 0), lifeMs: LONG_MS }], 't1')
    const [state] = await store.load([ada])
    same([textOf(state?.bytes), state?.version], ['one', 1])
    same(await commit(store, [change(ada, 'other', 0)], 't2'), { outcome: 'conflict' })
  }),
  law(20, 'one that is written again meanwhile stays, whoever writes it', async ({ store, open }) => {
    // Long enough for a slow machine to write again, and waited for but once.
    const ending = (key: typeof ada) => [{ ...change(key, 'ends', 0), lifeMs: 2500 }]
    const keys = [ada, bob, shop] as const
    for (const [i, key] of keys.entries()) await commit(store, ending(key), `t${i}`)
    const rewritten = await commit(await open('second'), [change(ada, 'stays', 1)], 't4')
    same([rewritten.outcome, await store.save([change(bob, 'stays', 1)])], ['committed', true])
    await eventually(async () => same((await store.load([shop]))[0], undefined))
    const found = await store.load([ada, bob])
    same(
      found.map((state) => textOf(state?.bytes)),
      ['stays', 'stays'],
    )
  }),
  law(21, 'a look through all states shows each, its version and its first bytes', async ({ store }) => {
    for (const n of numbersTo(60))
      await commit(store, [change({ kind: 'user', token: n }, `user ${n}`, 0)], `u${n}`)
    await commit(store, [change({ kind: 'user', token: 7 }, 'user seven', 1)], 'again')
    await commit(store, [change({ kind: 'card:no', token: 2 ** 51 }, 'c', 0)], 'card')
    await store.save([], [{ id: 'state:user:1', bytes: bytesOf('a receipt') }])
    await store.writeNote('state', 'a note')
    const seen = await lookThroughAll(store, 7, 6)
    same(seen.size, 61)
    same([seen.get('user 7')?.version, textOf(seen.get('user 7')?.head)], [2, 'user s'])
    same([seen.get('user 60')?.version, textOf(seen.get('user 60')?.head)], [1, 'user 6'])
    same(textOf(seen.get(`card:no ${2 ** 51}`)?.head), 'c')
  }),
  law(21, 'it says which go by themselves', async ({ store }) => {
    await commit(store, [{ ...change(ada, 'goes', 0), lifeMs: LONG_MS }, change(bob, 'stays', 0)], 't1')
    await commit(store, [{ ...change(shop, 'goes', 0), lifeMs: LONG_MS }], 't2')
    await commit(store, [change(shop, 'stays', 1)], 't3')
    const leaving = [...(await lookThroughAll(store, 10, 10)).values()].filter(({ isLeaving }) => isLeaving)
    same(
      leaving.map(({ key, head }) => [key.kind, key.token, textOf(head)]),
      [[ada.kind, ada.token, 'goes']],
    )
  }),
  law(21, 'an empty store shows nothing, and ends', async ({ store }) => {
    same((await lookThroughAll(store, 10, 10)).size, 0)
  }),
]

/** What all parts of a look show, by kind and token. */
const lookThroughAll = async (
  store: SharedStateStore,
  most: number,
  bytes: number,
): Promise<ReadonlyMap<string, StateHead>> => {
  const seen = new Map<string, StateHead>()
  let from: string | undefined
  do {
    const { states, next } = await store.lookThrough(from, most, bytes)
    for (const state of states) seen.set(`${state.key.kind} ${state.key.token}`, state)
    from = next
  } while (from !== undefined)
  return seen
}
