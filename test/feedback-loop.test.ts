import { expect, test } from 'vitest'
import { type Policy, runFeedbackLoop } from './laws/feedback-loop.ts'

// scripts/measure-feedback-loop.ts tells of ten times as many rows, over ten seeds.
const SETTINGS = { seed: 7, rows: 10_000, retrainings: 4, letThrough: 0.2, review: 0.02, trees: 30, drift: 0 }
const run = (policy: Policy) => runFeedbackLoop(SETTINGS, policy)
const last = (values: readonly number[]): number => values.at(-1)!
const worst = (values: readonly number[]): number => Math.min(...values.slice(1))

test('trained again on what a model blocked, the next one forgets it; with a control sample it does not', () => {
  const [known, naive, sampled] = (['everything_known', 'blocked_is_genuine', 'control_sample'] as const).map(
    (policy) => run(policy).recalls,
  )
  expect(known![0]).toBe(naive![0])
  expect(known![0]).toBe(sampled![0])
  expect(last(known!)).toBeGreaterThan(0.6)
  expect(worst(naive!)).toBeLessThan(worst(known!) - 0.1)
  // Some twenty let through each time are few: ten points, where the large form has two.
  expect(worst(sampled!)).toBeGreaterThan(worst(known!) - 0.1)
})

test('the recall that the log tells by the control sample holds the truth inside its interval', () => {
  const { figures, lostShare } = run('control_sample')
  const { truth, byControlSample, notCovered } = figures!
  expect(byControlSample.recall.low).toBeLessThan(truth)
  expect(byControlSample.recall.high).toBeGreaterThan(truth)
  // Above the bound nothing is let through, so that nothing is known of it, and that is told.
  expect(notCovered.decisions).toBe(notCovered.flagged)
  expect(notCovered.amountMinor).toBeGreaterThan(0)
  expect(lostShare).toBeLessThan(0.2)
})
