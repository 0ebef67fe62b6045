import { expect, test } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { collectEvents, type LoggedDecision } from './logged-events.ts'
import { recallFigures } from './recall-figures.ts'

const decision = (id: string, more: Partial<LoggedDecision> = {}): LoggedDecision => ({
  transaction: { transactionId: id, amountMinor: 100 },
  decidedAtMs: 10,
  probability: 0.4,
  isFlagged: false,
  ...more,
})
const letThrough = { drawn: 'let_through', propensity: 0.02 } as const
const notDrawn = { drawn: 'not_drawn', propensity: 0.02 } as const
const review = { drawn: 'review', propensity: 0.01 } as const

test('what was let through counts as flagged, at the chance by which its truth became known', () => {
  const logged = collectEvents({ flagged: 'blocked' })
  logged.decide(decision('a', { controlSample: letThrough }))
  logged.decide(decision('b', { isFlagged: true, controlSample: notDrawn }))
  logged.decide(decision('c', { controlSample: review }))
  logged.decide(decision('d', { isFlagged: true, transaction: { transactionId: 'd', amountMinor: -900 } }))
  expect(logged.events().map(({ flagged, propensity }) => [flagged, propensity])).toEqual([
    [true, 0.02],
    [true, null],
    [false, 0.01],
    [true, null],
  ])
  // Above the bound, or from before there was a sample: nothing says what became of it.
  expect(logged.notCovered()).toEqual({ decisions: 1, flagged: 1, amountMinor: 900 })
  expect(logged.audited()).toHaveLength(3)
})

test('where alerts are looked at, all that reached the threshold is known, sample or not', () => {
  const logged = collectEvents({ flagged: 'reviewed' })
  logged.decide(decision('a', { controlSample: letThrough }))
  logged.decide(decision('b', { isFlagged: true }))
  logged.decide(decision('c'))
  expect(logged.events().map(({ propensity }) => propensity)).toEqual([1, 1, null])
  expect(logged.notCovered()).toEqual({ decisions: 1, flagged: 0, amountMinor: 100 })
})

test('the latest word of a transaction counts, with who told it: as it says, or as the decision does', () => {
  const logged = collectEvents({ flagged: 'reviewed' })
  for (const one of [
    decision('alert', { isFlagged: true }),
    decision('drawn', { controlSample: review }),
    decision('passed', { controlSample: notDrawn }),
    decision('named'),
    decision('corrected'),
    decision('taken back'),
    decision('genuine by itself'),
  ])
    logged.decide(one)
  const label = (transactionId: string, isFraud: boolean | null, more = {}) =>
    logged.label({ transactionId, isFraud, receivedAtMs: 20, ...more })
  label('alert', true)
  label('drawn', false)
  label('passed', true)
  label('named', true, { origin: 'alert', receivedAtMs: 5 })
  label('corrected', true)
  label('corrected', false, { receivedAtMs: 30 })
  label('taken back', true)
  label('taken back', null)
  label('genuine by itself', false, { origin: 'delay' })
  label('never came', true)
  label('passed', false, { isWaiting: true })
  expect(logged.events().map(({ label: told, origin, knownAtMs }) => [told, origin, knownAtMs])).toEqual([
    [1, 'alert', 20],
    [0, 'sample', 20],
    [1, 'customer', 20],
    // It waited for its transaction.
    [1, 'alert', 10],
    [0, 'customer', 30],
    [null, null, null],
    [null, null, null],
  ])
})

test('a log from before there was a sample is read: nothing is covered but alerts that are looked at', () => {
  const logged = collectEvents({ flagged: 'blocked' })
  logged.decide(decision('a', { isFlagged: true }))
  logged.decide(decision('b'))
  expect(logged.audited()).toEqual([])
  const { recall } = recallFigures(logged, { fromMs: 0, toMs: 100, asOfMs: 100 }).byControlSample
  expect([recall.value, recall.low, recall.high]).toEqual([Number.NaN, 0, 1])
})

test('recall as seen is off where what is missed goes unnoticed; the sample holds the truth in nine of ten banks', () => {
  const banks = Array.from({ length: BANKS }, (_, seed) => recallOf(seed))
  const held = banks.filter(({ truth, low, high }) => low <= truth && truth <= high)
  expect(held.length).toBeGreaterThanOrEqual(0.9 * BANKS)
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / BANKS
  expect(mean(banks.map(({ asSeen }) => asSeen))).toBeLessThan(mean(banks.map(({ truth }) => truth)) - 0.1)
})

const BANKS = 50

/** A bank that blocks: half of the frauds reach the threshold, a third of the others are noticed. */
const recallOf = (seed: number) => {
  const random = createRandom(`bank ${seed}`)
  const logged = collectEvents({ flagged: 'blocked' })
  let [frauds, reached] = [0, 0]
  for (let n = 0; n < 10_000; n++) {
    const isReached = random.next() < 0.02
    const isFraud = random.next() < (isReached ? 0.5 : 0.005)
    frauds += Number(isFraud)
    reached += Number(isFraud && isReached)
    const propensity = isReached ? 0.2 : 0.05
    const isDrawn = random.next() < propensity
    const drawn = isDrawn ? (isReached ? 'let_through' : 'review') : 'not_drawn'
    const id = `t${n}`
    const decidedAtMs = n * 60_000
    logged.decide(
      decision(id, {
        decidedAtMs,
        isFlagged: isReached && !isDrawn,
        controlSample: { drawn, propensity },
      }),
    )
    const isNoticed = isFraud && !isReached && random.next() < 1 / 3
    if (isDrawn || isNoticed) logged.label({ transactionId: id, isFraud, receivedAtMs: decidedAtMs + DAY_MS })
  }
  const figures = recallFigures(logged, { fromMs: 0, toMs: 20 * DAY_MS, asOfMs: 30 * DAY_MS })
  const { low, high } = figures.byControlSample.recall
  return { truth: reached / frauds, low, high, asSeen: figures.asSeen.value }
}
