import { expect, test } from 'vitest'
import { averagePrecision } from './average-precision.ts'
import { rocAuc } from './roc-auc.ts'

const labels = Uint8Array.of(0, 0, 1, 1)
const scores = Float64Array.of(0.1, 0.4, 0.35, 0.8)

test('three of the four pairs are in the right order', () => expect(rocAuc(labels, scores)).toBe(0.75))
test('equal scores say nothing', () => expect(rocAuc(labels, new Float64Array(4))).toBe(0.5))
test('one class has no area', () => expect(rocAuc(Uint8Array.of(0, 0), Float64Array.of(1, 2))).toBeNaN())
test('precision 1 at the first fraud, 2/3 at the second', () =>
  expect(averagePrecision(labels, scores)).toBeCloseTo((1 + 2 / 3) / 2, 15))
test('ties are one step, whose precision is the share of frauds', () =>
  expect(averagePrecision(labels, new Float64Array(4))).toBe(0.5))
