import { describe, expect, it } from 'vitest'
import { murmurHash52 } from './murmur-hash.ts'
import { SAMPLED_VALUES, ValueSample } from './value-sample.ts'

describe('a sample of different values', () => {
  it('counts exactly while it has room, each value where it was last seen', () => {
    const sample = new ValueSample()
    for (const [value, timeMs] of [
      [7, 10],
      [3, 20],
      [7, 30],
      [5, 40],
      [7, 25],
    ] as const)
      sample.add(value, timeMs)
    expect(sample.countIn(0, 100, Number.NaN)).toBe(3)
    expect(sample.countIn(20, 40, Number.NaN)).toBe(2)
    expect(sample.countIn(20, 40, 5)).toBe(1)
    sample.remove(5)
    sample.expire(20)
    expect(sample.countIn(0, 100, Number.NaN)).toBe(1)
    sample.add(Number.NaN, 50)
    expect(sample.countIn(0, 100, Number.NaN)).toBe(1)
  })

  it('is off by its stated error when there are many more values than room', () => {
    const errors: number[] = []
    for (let trial = 0; trial < 20; trial++) {
      const sample = new ValueSample()
      for (let n = 0; n < 30_000; n++) sample.add(token(`${trial} ${n % 10_000}`), n)
      errors.push(sample.countIn(-1, 1e9, Number.NaN) / 10_000 - 1)
      expect(sample.words).toBeLessThanOrEqual(2 + 2 * SAMPLED_VALUES)
    }
    // At least half of the room is filled: 1 / sqrt(256) is .0625.
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length)
    expect(deviation).toBeGreaterThan(0)
    expect(deviation).toBeLessThan(0.0625)
  })

  it('comes back from its words, and refuses what is none', () => {
    const sample = new ValueSample()
    for (let n = 0; n < 2000; n++) sample.add(token(`${n}`), n)
    const words = new Float64Array(sample.words + 1)
    expect(sample.write(words, 1)).toBe(words.length)
    const again = new ValueSample()
    expect(again.read(words, 1)).toBe(words.length)
    for (const one of [sample, again]) one.add(token('new'), 5000)
    const both = [sample, again].map((one) => {
      const written = new Float64Array(one.words)
      one.write(written, 0)
      return written
    })
    expect(both[1]).toEqual(both[0])
    expect(new ValueSample().read(words.subarray(0, 40), 1)).toBeNaN()
  })
})

const token = (text: string): number => {
  const bytes = new TextEncoder().encode(text)
  return murmurHash52(bytes, 0, bytes.length)
}
