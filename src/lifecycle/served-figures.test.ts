import { describe, expect, test } from 'vitest'
import type { DecisionEntry } from '../decisions/decided.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { ToldDecision } from './decisions-of-log.ts'
import { adjustedTraffic, decidedRowsOf, servedTraffic } from './served-figures.ts'

const START = Date.UTC(2026, 0, 1)
const KEYS = { champion: 'old', challenger: 'new' }

interface Told {
  readonly day: number
  readonly by?: string
  readonly score: number
  readonly other?: number
  readonly isFraud?: boolean
  readonly user?: string
}

/** A decision by `by` (the champion) of which the other of the two models thought `other`. */
const told = ({ day, by = 'old', score, other, isFraud, user }: Told, at = 0): ToldDecision => {
  const eventTimeMs = START + day * DAY_MS + at
  const shadow = by === 'old' ? 'new' : 'old'
  const decision = {
    transaction: {
      transactionId: `t${day}-${at}`,
      eventTimeMs,
      amountMinor: -250,
      ...(user !== undefined && { userId: user }),
    },
    decidedAtMs: eventTimeMs + 1e9,
    probability: score,
    isFlagged: score >= 0.5,
    model: by,
    ...(other !== undefined && {
      shadow: { model: shadow, probability: other, isFlagged: other >= 0.5 },
    }),
  } as unknown as DecisionEntry
  if (isFraud === undefined) return { decision, isFraud: null, toldMs: Number.NaN, origin: null }
  return { decision, isFraud, toldMs: eventTimeMs + 5, origin: decision.isFlagged ? 'alert' : 'customer' }
}

describe('what two models did with the same decisions', () => {
  const asOf = { asOfMs: START + 20 * DAY_MS, matureMs: 7 * DAY_MS }

  test('whichever of them decided, the scores go to the right one', () => {
    const rows = [
      told({ day: 0, score: 0.9, other: 0.2, isFraud: true }),
      told({ day: 1, by: 'new', score: 0.3, other: 0.8, isFraud: false }),
    ]
    const { pairs, ...counts } = servedTraffic(rows, KEYS, asOf)
    expect(counts).toEqual({ decisions: 2, days: 1, championAlerts: 2, challengerAlerts: 0 })
    expect([...pairs!.champion]).toEqual([0.9, 0.8])
    expect([...pairs!.challenger]).toEqual([0.2, 0.3])
    expect([...pairs!.labels]).toEqual([1, 0])
    expect([...(pairs!.amountsMinor as Float64Array)]).toEqual([250, 250])
  })

  test('what one of them did not score, or a third decided, says nothing', () => {
    const rows = [
      told({ day: 0, score: 0.9, isFraud: true }),
      told({ day: 0, by: 'third', score: 1, other: 1 }, 1),
    ]
    expect(servedTraffic(rows, KEYS, asOf)).toMatchObject({ decisions: 0, pairs: undefined })
  })

  test('young decisions raise alerts and are judged by nobody', () => {
    const rows = [told({ day: 14, score: 0.9, other: 0.9, isFraud: true })]
    expect(servedTraffic(rows, KEYS, asOf)).toMatchObject({
      decisions: 1,
      challengerAlerts: 1,
      pairs: undefined,
    })
  })

  test('of what nobody told, what neither flagged is genuine, and what one flagged is left out', () => {
    const rows = [
      told({ day: 0, score: 0.1, other: 0.2 }),
      told({ day: 0, score: 0.9, other: 0.2 }, 1),
      told({ day: 0, score: 0.1, other: 0.7 }, 2),
      told({ day: 0, score: 0.1, other: 0.7, isFraud: true }, 3),
    ]
    const { pairs } = servedTraffic(rows, KEYS, asOf)
    expect([...pairs!.labels]).toEqual([0, 1])
    expect([...pairs!.challenger]).toEqual([0.2, 0.7])
  })

  test('rows of one user are of one user', () => {
    const rows = ['ana', 'bo', 'ana'].map((user, at) => told({ day: 0, score: 0.1, other: 0.1, user }, at))
    expect([...servedTraffic(rows, KEYS, asOf).pairs!.users]).toEqual([0, 1, 0])
  })
})

test('alerts of a champion with another threshold, beside those by the threshold before', () => {
  const rows = [0.2, 0.5, 0.55, 0.6, 0.9].map((score, at) => told({ day: 0, by: 'new', score }, at))
  const others = [0.7, 0.8].map((score, at) => told({ day: 0, score }, 10 + at))
  expect(adjustedTraffic([...rows, ...others], 'new', { threshold: 0.6, presentRescaled: 0.5 })).toEqual({
    decisions: 5,
    alerts: 2,
    alertsBefore: 4,
  })
})

/** The same decision, drawn by the control sample. */
const drawn = (
  { decision, ...label }: ToldDecision,
  controlSample: NonNullable<DecisionEntry['controlSample']>,
): ToldDecision => ({
  ...label,
  decision: {
    ...decision,
    isFlagged: decision.isFlagged && controlSample.drawn !== 'let_through',
    controlSample,
  },
})

test('what was let through counts as an alert of its model, and is genuine where nobody told otherwise', () => {
  const passed = drawn(told({ day: 0, score: 0.9, other: 0.2 }), { drawn: 'let_through', propensity: 0.1 })
  const blocked = drawn(told({ day: 0, score: 0.9, other: 0.2 }, 1), { drawn: 'not_drawn', propensity: 0.1 })
  const asOf = { asOfMs: START + 20 * DAY_MS, matureMs: 7 * DAY_MS }
  const { championAlerts, pairs } = servedTraffic([passed, blocked], KEYS, asOf)
  expect(championAlerts).toBe(2)
  expect([...pairs!.labels]).toEqual([0])
})

test('of what is blocked only what was let through has a propensity; of what is reviewed all alerts', () => {
  const rows = [
    drawn(told({ day: 0, score: 0.9 }), { drawn: 'let_through', propensity: 0.1 }),
    drawn(told({ day: 0, score: 0.9 }, 1), { drawn: 'not_drawn', propensity: 0.1 }),
    drawn(told({ day: 0, score: 0.1 }, 2), { drawn: 'review', propensity: 0.01 }),
    told({ day: 0, score: 0.1 }, 3),
  ]
  const blocked = decidedRowsOf(rows, 'blocked')
  expect([...blocked.flagged]).toEqual([1, 1, 0, 0])
  expect([...blocked.propensities]).toEqual([0.1, Number.NaN, 0.01, Number.NaN])
  expect([...decidedRowsOf(rows, 'reviewed').propensities]).toEqual([1, 1, 0.01, Number.NaN])
})

test('decisions as the performance engine reads them, with who told their labels', () => {
  const rows = decidedRowsOf(
    [
      told({ day: 0, score: 0.9, isFraud: true }),
      told({ day: 0, score: 0.1, isFraud: true }, 1),
      told({ day: 0, score: 0.2 }, 2),
    ],
    'reviewed',
  )
  expect([...rows.labels]).toEqual([1, 1, 255])
  expect([...rows.origins]).toEqual([0, 1, 255])
  expect([...rows.flagged]).toEqual([1, 0, 0])
  expect(rows.amountsMinor[0]).toBe(250)
})
