import { ok } from 'node:assert/strict'
import type { CommitDemands, CommitLabels, SharedStateStore } from '../ports/state-store.ts'
import { bytesOf, eventually, has, numbersTo, same, textOf } from './assertions.ts'
import type { Law } from './law.ts'
import {
  ada,
  change,
  commit,
  LONG_MS,
  sharedLaw as law,
  type SharedStateStoreSubject,
} from './shared-process.ts'

/** Laws 16 to 19 of `SharedStateStore` (`ports/state-store.ts`). */
export const sharedLabelLaws: readonly Law<SharedStateStoreSubject>[] = [
  law(16, 'a commit replaces exactly the receipt that it says, and nothing else', async ({ store }) => {
    await commit(store, [], 't1', 'first')
    const first = (await store.findReceipt('t1'))!
    same((await demand(store, 't1', { replaces: first }, 'second')).outcome, 'committed')
    const second = (await store.findReceipt('t1'))!
    same(textOf(second.subarray(8)), 'second')
    same(await demand(store, 't1', { replaces: first }, 'third'), { outcome: 'repeated', receipt: second })
    same((await demand(store, 'none', { replaces: first })).outcome, 'otherwise')
    same([await store.findReceipt('none'), (await store.takeEntries(9, 1)).length], [undefined, 2])
  }),
  law(17, 'an own label falls due at its time, or at the clock when that is later', async ({ store }) => {
    await demand(store, 't1', { labels: arrival('t1', 100, 150) })
    await demand(store, 't2', { labels: arrival('t2', 120, 110) })
    await demand(store, 't3', { labels: arrival('t3', 90, undefined) })
    same(await store.dueLabels(119, 9), {
      clockMs: 120,
      labels: [{ dueMs: 120, text: '10000000000000002label of t2' }],
      waitingLabels: 0,
    })
    same(await dueTexts(store, 150), ['label of t2', 'label of t1'])
    same(await dueTexts(store, 150, 1), ['label of t2'])
  }),
  law(
    17,
    'an arrival is refused while a label is due at its time, and changes nothing',
    async ({ store }) => {
      await demand(store, 't1', { labels: arrival('t1', 100, 150) })
      same((await demand(store, 't2', { labels: arrival('t2', 149, 200) })).outcome, 'committed')
      const refused = await store.commit(
        [change(ada, 'new', 0)],
        { id: 't3', bytes: bytesOf('r') },
        bytesOf('e'),
        LONG_MS,
        { labels: arrival('t3', 150, 300) },
      )
      same(refused, { outcome: 'due' })
      same([(await store.load([ada]))[0], await store.findReceipt('t3')], [undefined, undefined])
      same((await store.dueLabels(0, 9)).clockMs, 149)
      // A transaction that was decided on is answered, whatever is due.
      same((await demand(store, 't1', { labels: arrival('t1', 150, 300) })).outcome, 'repeated')
    },
  ),
  law(17, 'equally due labels have the order of their numbers, and fractions count', async ({ store }) => {
    for (const n of numbersTo(12)) await demand(store, `t${n}`, { labels: arrival(`t${n}`, n, 50) })
    await demand(store, 'early', { labels: arrival('early', 12, 49.999999999999986) })
    same(
      await dueTexts(store, 50),
      ['early', ...numbersTo(12).map((n) => `t${n}`)].map((id) => `label of ${id}`),
    )
    same((await store.dueLabels(50, 1)).labels[0]!.dueMs, 49.999999999999986)
  }),
  law(
    18,
    'a label waits until its transaction comes, and is the first that is due then',
    async ({ store }) => {
      await demand(store, 'before', { labels: arrival('before', 5, 10) })
      has(await demand(store, 'waiting/t1', { labels: waits('t1') }, '{"told":1}'), {
        outcome: 'committed',
        waitingLabels: 1,
      })
      same(await dueTexts(store, undefined), [])
      has(await demand(store, 't1', { labels: arrival('t1', 6, 20) }), {
        outcome: 'committed',
        waitingLabels: 0,
        isLabelDue: true,
      })
      same(await store.findReceipt('waiting/t1'), undefined)
      const { labels } = await store.dueLabels(undefined, 9)
      same(labels, [{ dueMs: Number.NEGATIVE_INFINITY, text: '10000000000000003label of t1\n{"told":1}' }])
      same((await demand(store, 't2', { labels: arrival('t2', 6, 20) })).outcome, 'due')
      same(await dueTexts(store, 30), ['label of t1\n{"told":1}', 'label of before'])
    },
  ),
  law(18, 'a label does not wait for a transaction that was decided on', async ({ store }) => {
    await demand(store, 't1', { labels: arrival('t1', 6, 20) })
    same((await demand(store, 'waiting/t1', { labels: waits('t1') })).outcome, 'otherwise')
    same(await store.findReceipt('waiting/t1'), undefined)
  }),
  law(
    18,
    'so many labels wait as may, those that wait too long and corrections not counted',
    async ({ store }) => {
      for (const id of ['a', 'b'])
        same(
          (await demand(store, `waiting/${id}`, { labels: waits(id, { untilMs: 10 }) })).outcome,
          'committed',
        )
      same((await demand(store, 'waiting/c', { labels: waits('c', { nowMs: 9 }) })).outcome, 'full')
      const a = (await store.findReceipt('waiting/a'))!
      has(await demand(store, 'waiting/a', { replaces: a, labels: waits('a', { untilMs: 90, nowMs: 9 }) }), {
        waitingLabels: 2,
        expiredLabels: 0,
      })
      has(await demand(store, 'waiting/c', { labels: waits('c', { nowMs: 10, untilMs: 90 }) }), {
        waitingLabels: 2,
        expiredLabels: 1,
      })
      has(await demand(store, 'label', { labels: { kind: 'told', waitingId: 'waiting/c' } }), {
        outcome: 'committed',
        waitingLabels: 1,
      })
      same(await store.findReceipt('waiting/c'), undefined)
    },
  ),
  law(19, 'a delivery is of the first due label alone, once, whoever makes it', async ({ store, open }) => {
    await demand(store, 't1', { labels: arrival('t1', 1, 10) })
    await demand(store, 't2', { labels: arrival('t2', 2, 20) })
    const [first, second] = (await store.dueLabels(20, 9)).labels
    const deliver = (process: SharedStateStore, id: string, text: string) =>
      demand(process, id, { labels: { kind: 'delivery', text } })
    same((await deliver(store, 'label/t2', second!.text)).outcome, 'otherwise')
    const processes = [store, await open('second'), await open('third')]
    const outcomes = await Promise.all(
      numbersTo(12).map((i) => deliver(processes[i % 3]!, `label/t1/${i}`, first!.text)),
    )
    same(outcomes.filter(({ outcome }) => outcome === 'committed').length, 1)
    same(outcomes.filter(({ outcome }) => outcome === 'otherwise').length, 11)
    same(await dueTexts(store, 20), ['label of t2'])
    await store.removeDueLabel(second!.text)
    same(await dueTexts(store, 20), [])
  }),
  law(19, 'labels that are put back are as those that were there', async ({ store }) => {
    const waiting = { id: 'waiting/w', bytes: bytesOf('12345678{"w":1}'), lifeMs: LONG_MS, untilMs: 90 }
    await store.putBackLabels({ clockMs: 40, due: [], waiting: [waiting] })
    await store.putBackLabels({
      clockMs: 40,
      due: [
        { dueMs: 60, text: '00000000000000001b' },
        { dueMs: 60, text: '00000000000000000a' },
        { dueMs: 50, text: '10000000000000007c' },
      ],
      waiting: [],
    })
    same(await store.dueLabels(0, 9), { clockMs: 40, labels: [], waitingLabels: 1 })
    same(
      (await store.dueLabels(60, 9)).labels.map(({ text }) => text.slice(-1)),
      ['c', 'a', 'b'],
    )
    has(await demand(store, 'w', { labels: arrival('w', 45, 60) }), { isLabelDue: true, waitingLabels: 0 })
    same(await dueTexts(store, undefined), ['label of w\n{"w":1}'])
  }),
  law(18, 'the receipt of a label that waits lives as long as it is said', async ({ store }) => {
    await store.commit([], { id: 'waiting/t1', bytes: bytesOf('r') }, bytesOf('e'), 20, {
      labels: waits('t1'),
    })
    await eventually(async () => same(await store.findReceipt('waiting/t1'), undefined))
    const arrived = await demand(store, 't1', { labels: arrival('t1', 1, 5) })
    ok(arrived.outcome === 'committed' && !arrived.isLabelDue)
  }),
]

/** A commit of no states that demands something. */
const demand = (store: SharedStateStore, id: string, demands: CommitDemands, receipt = `receipt of ${id}`) =>
  store.commit([], { id, bytes: bytesOf(receipt) }, bytesOf(`entry of ${id}`), LONG_MS, demands)

const arrival = (id: string, eventTimeMs: number, dueMs: number | undefined): CommitLabels => ({
  kind: 'arrival',
  eventTimeMs,
  dueMs,
  label: `label of ${id}`,
  waitingId: `waiting/${id}`,
})

const waits = (
  id: string,
  times: { readonly nowMs?: number; readonly untilMs?: number } = {},
): CommitLabels => ({
  kind: 'wait',
  decisionId: id,
  nowMs: times.nowMs ?? 0,
  untilMs: times.untilMs ?? LONG_MS,
  most: 2,
})

/** What due labels say, without their places. */
const dueTexts = async (
  store: SharedStateStore,
  eventTimeMs: number | undefined,
  most = 99,
): Promise<readonly string[]> =>
  (await store.dueLabels(eventTimeMs, most)).labels.map(({ text }) => text.slice(17))
