import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

test('the sequence of a seed is known for ever: generated data and models depend on it', () => {
  const random = createRandom(42)
  expect([random.next(), random.next(), random.next()]).toEqual(KNOWN_UNIFORMS)
  expect([random.normal(), random.normal()]).toEqual(KNOWN_NORMALS)
  expect([random.integer(6), random.integer(1000), random.integer(2 ** 32)]).toEqual(KNOWN_INTEGERS)
})

test('a number and its text are the same seed, other seeds give other sequences', () => {
  expect(createRandom('42').next()).toBe(createRandom(42).next())
  const firsts = new Set(Array.from({ length: 10_000 }, (_, seed) => createRandom(seed).next()))
  expect(firsts.size).toBeGreaterThan(9_990)
})

test('uniforms fill [0, 1) evenly: chi-squared over 100 bins stays under its 99.99 % point', () => {
  const random = createRandom('uniformity')
  const draws = 200_000
  const counts = new Array<number>(100).fill(0)
  for (let i = 0; i < draws; i++) {
    counts[Math.floor(random.next() * 100)]! += 1
  }
  expect(counts.length).toBe(100) // a value outside [0, 1) would have made another bin
  expect(chiSquared(counts, draws / 100)).toBeLessThan(161) // 99 degrees of freedom
})

test('integers are uniform and stay below their bound, also when it does not divide 2^32', () => {
  const random = createRandom('integers')
  const counts = [0, 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]! += 1
  expect(chiSquared(counts, 10_000)).toBeLessThan(28) // 6 degrees of freedom
  // Three quarters of 2^32: plain remainders would give the lower third twice as often.
  let lowerThird = 0
  for (let i = 0; i < 30_000; i++) if (random.integer(3 * 2 ** 30) < 2 ** 30) lowerThird++
  expect(lowerThird / 30_000).toBeCloseTo(1 / 3, 1)
  expect(createRandom(1).integer(1)).toBe(0)
})

test('normals have mean 0, variance 1 and 4.55 % beyond two', () => {
  const random = createRandom('normals')
  const values = Array.from({ length: 100_000 }, () => random.normal())
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length
  expect(Math.abs(mean)).toBeLessThan(0.015)
  expect(Math.abs(variance - 1)).toBeLessThan(0.02)
  expect(values.filter((value) => Math.abs(value) > 2).length / values.length).toBeCloseTo(0.0455, 2)
})

test('a fork depends on seed and name only, not on what its parent has drawn', () => {
  const fresh = createRandom(7)
  const used = createRandom(7)
  for (let i = 0; i < 1000; i++) used.next()
  expect(used.fork('users').next()).toBe(fresh.fork('users').next())
})

test('forking takes nothing from the parent', () => {
  const parent = createRandom(7)
  parent.fork('users')
  expect(parent.next()).toBe(createRandom(7).next())
})

test('forks are independent of each other and of their parent: correlations vanish', () => {
  const parent = createRandom(7)
  const streams = [parent.fork('a'), parent.fork('b'), parent.fork('a').fork('b'), parent.fork('ab'), parent]
  const columns = streams.map((stream) => Array.from({ length: 20_000 }, () => stream.next() - 0.5))
  for (let i = 0; i < columns.length; i++)
    for (let j = 0; j < i; j++) expect(Math.abs(correlation(columns[i]!, columns[j]!))).toBeLessThan(0.035)
})

const KNOWN_UNIFORMS = [0.12812139838933945, 0.26763192657381296, 0.8619840936735272]
const KNOWN_NORMALS = [0.4896931607834796, 0.6030139448433651]
const KNOWN_INTEGERS = [5, 209, 2589983049]

const chiSquared = (counts: readonly number[], expected: number): number =>
  counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)

/** Of two columns with mean 0 and variance 1/12. */
const correlation = (a: readonly number[], b: readonly number[]): number =>
  (12 * a.reduce((sum, value, i) => sum + value * b[i]!, 0)) / a.length
