import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logistic } from '../../foundation/elementary/exponential.ts'
import { createRandom } from '../../foundation/random.ts'
import { type Calibration, calibrate, fitCalibration } from './calibration.ts'
import { rawUpTo } from './raw-up-to.ts'
import { recalibrate } from './recalibrate.ts'

/** Raw probabilities whose frauds are `times` as frequent, in odds, as they say. */
const rowsOf = (seed: string, times: number, count = 4000) => {
  const random = createRandom(seed)
  const raw = Float64Array.from({ length: count }, () => logistic(random.normal() - 2))
  const labels = Uint8Array.from(raw, (p) => Number(random.next() < (times * p) / (1 - p + times * p)))
  return { raw, labels }
}

test('probabilities that have become too low are raised, where labels say so', () => {
  const { raw, labels } = rowsOf('raised', 4)
  const { calibration, why } = recalibrate(labels, raw, { method: 'none' })
  expect(why).toMatch(/^Platt's, fitted since the change: log loss/)
  // Odds that are four times as high: .1 is 4 / 13.
  expect(calibrate(calibration!, 0.1)).toBeCloseTo(4 / 13, 1)
})

test('probabilities that are still true stay, but for chance: in one bank of a hundred', () => {
  let stayed = 0
  for (let seed = 0; seed < 20; seed++) {
    const { raw, labels } = rowsOf(`true ${seed}`, 1, 1500)
    const { calibration, why } = recalibrate(labels, raw, { method: 'none' })
    if (calibration === null && why.startsWith('it stays: log loss')) stayed++
  }
  expect(stayed).toBeGreaterThanOrEqual(18)
})

test('labels that rise with no score change nothing', () => {
  const { raw, labels } = rowsOf('turned', 1)
  const turned = raw.map((value) => 1 - value)
  expect(recalibrate(labels, turned, { method: 'none' })).toEqual({
    calibration: null,
    why: 'it stays: labels since the change rise with no score',
  })
})

test('law: what is not above a calibrated bound is not above that bound among raw probabilities', () => {
  const { raw, labels } = rowsOf('law', 3, 500)
  const kinds: readonly Calibration[] = [
    { method: 'none' },
    fitCalibration('platt', labels, raw),
    fitCalibration('isotonic', labels, raw),
  ]
  const probability = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.constantFrom(...kinds), probability, probability, (calibration, bound, value) => {
      const calibrated = calibrate(calibration, value)
      const rawBound = rawUpTo(calibration, bound)
      if (calibrated < bound - 1e-9) expect(value).toBeLessThanOrEqual(rawBound + 1e-9)
      if (calibrated > bound + 1e-9) expect(value).toBeGreaterThanOrEqual(rawBound - 1e-9)
    }),
  )
})
