import { expect, test } from 'vitest'
import { meanOf, playToyBank } from '../../src/retraining/toy-bank.test-kit.ts'

/*
 * Banks whose frauds change their ways on day 10, played for 60 days from the look that finds it to the
 * watch. A label takes a day where the row was looked at, and a week where it was missed.
 */

const CHANGE_DAY = 10
const DAYS = 60
const SEEDS = Array.from({ length: 10 }, (_, seed) => `long ${seed}`)

test('at least four fifths of the lost precision are back after one run, in nine banks of ten', async () => {
  const regained: number[] = []
  for (const seed of SEEDS) {
    const { precision, champions, book } = await playToyBank({
      seed,
      changeDay: CHANGE_DAY,
      foundAfterDays: 3,
      days: DAYS,
    })
    const runs = [...book.episodes.values()].filter(({ trainingMs }) => trainingMs !== undefined)
    const promoted = champions.findIndex((champion) => champion !== champions[0])
    if (promoted === -1) {
      regained.push(0)
      continue
    }
    expect(runs.length).toBe(1)
    const before = meanOf(precision, 0, CHANGE_DAY)
    const during = meanOf(precision, CHANGE_DAY, promoted)
    regained.push((meanOf(precision, promoted, DAYS) - during) / (before - during))
  }
  expect(regained.filter((share) => share >= 0.8).length).toBeGreaterThanOrEqual(9)
}, 1_800_000)

test('banks that do not change keep their champion: at most one of ten is replaced by chance', async () => {
  let replaced = 0
  for (const seed of SEEDS) {
    const { champions } = await playToyBank({
      seed,
      changeDay: DAYS + 1,
      foundAfterDays: 0,
      days: 40,
      findings: (day) =>
        day % 15 === 14 ? [{ kind: 'schedule', dueMs: Date.UTC(2026, 0, 1) + day * 86_400_000 }] : [],
    })
    if (new Set(champions).size > 1) replaced++
  }
  expect(replaced).toBeLessThanOrEqual(1)
}, 1_800_000)
