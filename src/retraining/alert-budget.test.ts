import { expect, test } from 'vitest'
import type { ShiftFound } from './finding.ts'
import { FAULT } from './retraining.test-kit.ts'
import { playToyBank } from './toy-bank.test-kit.ts'

/*
 * Banks of 40,000 transactions a day that can look at 2,000. On day 2 what comes in moves, and scores with
 * it; a look finds it in the evening.
 *
 * Chance alone: the number above a threshold that was made from one day has, the next day, a standard
 * deviation of sqrt(2 / 2000) = 3.2 % of the budget, for each of the two days has its own. A tenth of the
 * budget is 3.2 of them: of 700 banks one is beyond it by chance.
 */
const ALERTS = 2000
const CHANGE = 2
const SEEDS = Array.from({ length: 10 }, (_, seed) => `budget ${seed}`)

const shiftOn = (day: number): ShiftFound => ({
  kind: 'covariate_shift',
  severity: 'severe',
  movedScores: true,
  sinceMs: Date.UTC(2026, 0, 1 + day),
  what: 'scores, x0',
})

const play = (seed: string, findings: Parameters<typeof playToyBank>[0]['findings'], threshold = 'apply') =>
  playToyBank({
    seed,
    changeDay: CHANGE,
    foundAfterDays: 0,
    days: 5,
    rows: 40_000,
    alertsPerDay: ALERTS,
    historyDays: 2,
    shift: 0.7,
    rules: { threshold: threshold as 'apply', leastFrauds: 1e6 },
    ...(findings !== undefined && { findings }),
  })

const apart = (alerts: number): number => Math.abs(alerts / ALERTS - 1)

test('the day after scores moved alerts are within a tenth of the budget, in each of ten banks', async () => {
  for (const seed of SEEDS) {
    const { alerts, champions } = await play(seed, (day) => (day >= CHANGE ? [shiftOn(CHANGE)] : []))
    expect(apart(alerts[CHANGE - 1]!)).toBeLessThan(0.1)
    expect(apart(alerts[CHANGE]!)).toBeGreaterThan(0.5)
    expect(apart(alerts[CHANGE + 1]!)).toBeLessThan(0.1)
    expect(apart(alerts[CHANGE + 2]!)).toBeLessThan(0.1)
    expect(new Set(champions).size).toBe(2)
  }
}, 120_000)

test('the law can fail: where the threshold is told alone, alerts stay where the shift put them', async () => {
  const { alerts } = await play(SEEDS[0]!, (day) => (day >= CHANGE ? [shiftOn(CHANGE)] : []), 'propose')
  expect(apart(alerts[CHANGE + 1]!)).toBeGreaterThan(0.5)
})

test('a data fault moves no threshold, though scores move with it', async () => {
  const broken = (day: number) => (day >= CHANGE ? [shiftOn(CHANGE), { ...FAULT, days: [] }] : [])
  const { champions } = await play(SEEDS[0]!, broken)
  expect(new Set(champions).size).toBe(1)
})
