import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibrate, chooseCalibration, fitCalibration } from './calibration.ts'
import { poolAdjacentViolators } from './isotonic.ts'

describe('isotonic calibration', () => {
  const labels = [0, 1, 0, 1]
  const raw = Float64Array.of(0.1, 0.2, 0.4, 0.8)

  it('pools the fraud that scores lower than a genuine row with it', () =>
    expect(poolAdjacentViolators(labels, raw)).toEqual([
      { from: 0.1, to: 0.1, centre: 0.1, rows: 1, rate: 0 },
      { from: 0.2, to: 0.4, centre: expect.closeTo(0.3, 12), rows: 2, rate: 0.5 },
      { from: 0.8, to: 0.8, centre: 0.8, rows: 1, rate: 1 },
    ]))

  it('rises between the centres of blocks and is flat outside of them', () => {
    const calibration = fitCalibration('isotonic', labels, raw)
    expect(calibrate(calibration, 0)).toBe(0)
    expect(calibrate(calibration, 0.2)).toBeCloseTo(0.25, 12)
    expect(calibrate(calibration, 0.55)).toBeCloseTo(0.75, 12)
    expect(calibrate(calibration, 1)).toBe(1)
  })

  it('law: calibrated probabilities keep the order and stay within 0 and 1', () => {
    fc.assert(
      fc.property(scored, fc.constantFrom('platt', 'isotonic'), ({ labels, raw }, method) => {
        const calibration = fitCalibration(method as 'platt' | 'isotonic', labels, raw)
        let before = 0
        for (let at = 0; at <= 100; at++) {
          const probability = calibrate(calibration, at / 100)
          expect(probability).toBeGreaterThanOrEqual(before)
          expect(probability).toBeLessThanOrEqual(1)
          before = probability
        }
      }),
    )
  })
})

/** Oracle: scikit-learn, recorded by test/reference/calibration.py with its version. */
describe.each(golden())('scikit-learn agrees: $name', ({ labels, raw, isotonic, platt }) => {
  it('on the rate of every row’s pooled block', () => {
    const blocks = poolAdjacentViolators(labels, Float64Array.from(raw))
    raw.forEach((value, row) => {
      const block = blocks.find(({ from, to }) => from <= value && value <= to)!
      expect(block.rate).toBeCloseTo(isotonic[row]!, 9)
    })
  })
  it('on the slope and intercept of the sigmoid', () => {
    const calibration = fitCalibration('platt', labels, Float64Array.from(raw))
    expect(calibration).toMatchObject({
      slope: expect.closeTo(platt.slope, 4),
      intercept: expect.closeTo(platt.intercept, 4),
    })
  })
})

describe('the choice of a calibration', () => {
  // Frauds in the shares 0.1, 0.3, ..., 0.9 of a hundred rows each: true probabilities.
  const shares = [0.1, 0.3, 0.5, 0.7, 0.9]
  const labels = shares.flatMap((share) =>
    Array.from({ length: 100 }, (_, row) => (row < share * 100 ? 1 : 0)),
  )
  const truth = Float64Array.from(labels, (_, row) => shares[Math.floor(row / 100)]!)

  it('leaves probabilities alone that are true already', () =>
    expect(chooseCalibration(labels, truth).choice).toBe('none, the lowest log loss over 5 folds'))

  it('mends probabilities that are far too small', () => {
    const { calibration, choice } = chooseCalibration(
      labels,
      truth.map((probability) => probability ** 4),
    )
    expect(choice).toContain('the lowest log loss')
    expect(calibrate(calibration, 0.5 ** 4)).toBeCloseTo(0.5, 1)
  })

  it('changes nothing on few frauds, and says so', () =>
    expect(chooseCalibration([1, 0, 1], Float64Array.of(0.9, 0.1, 0.4))).toEqual({
      calibration: { method: 'none' },
      choice: 'none: 1 genuine rows are too few to calibrate on (at least 30)',
    }))

  it('takes the method that is asked for', () =>
    expect(chooseCalibration(labels, truth, 'isotonic')).toMatchObject({
      calibration: { method: 'isotonic' },
      choice: 'isotonic, set in the configuration',
    }))
})

interface GoldenCase {
  readonly name: string
  readonly labels: readonly number[]
  readonly raw: readonly number[]
  readonly isotonic: readonly number[]
  readonly platt: { readonly slope: number; readonly intercept: number }
}

function golden(): readonly GoldenCase[] {
  const path = new URL('../../../test/golden/calibration.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: readonly GoldenCase[] }).cases
}

const scored = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 20 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) => ({
    labels: rows.map(([label]) => label),
    raw: Float64Array.from(rows, ([, score]) => score / 20),
  }))
