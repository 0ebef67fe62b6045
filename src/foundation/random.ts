import { log } from './elementary/logarithm.ts'
/**
 * A seeded stream of random numbers: the same seed gives the same sequence on every machine.
 *
 * The only state is the position in the stream, so whoever draws in another order gets other numbers; `fork`
 * gives a part of the work its own stream, which stays the same however much the others draw.
 */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  next(): number
  /** Normal with mean 0 and standard deviation 1 (polar method; draws a varying number of uniforms). */
  normal(): number
  /** Uniform whole number in [0, below), without bias. `below` is a whole number in [1, 2^32]. */
  integer(below: number): number
  /** An independent stream that depends on this stream's seed and `name` only, not on how much was drawn. */
  fork(name: string): Random
}

/**
 * Makes the stream of `seed`. A number and its decimal text are the same seed.
 *
 * Generator: sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand), 128 bits of state, period at
 * least 2^32 from every seed and about 2^127 on average. Seeding: the text is absorbed into four lanes with
 * the finaliser of MurmurHash3, then 12 outputs are thrown away.
 */
export const createRandom = (seed: number | string): Random =>
  streamFrom(absorb([0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667], String(seed)))

type Lanes = readonly [number, number, number, number]

const streamFrom = (lanes: Lanes): Random => {
  let [a, b, c] = lanes
  let counter = lanes[3]
  let spareNormal = Number.NaN

  const bits = (): number => {
    const output = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + output) | 0
    return output >>> 0
  }
  for (let i = 0; i < 12; i++) bits()

  const next = (): number => bits() * 2 ** -32

  const normal = (): number => {
    if (!Number.isNaN(spareNormal)) {
      const value = spareNormal
      spareNormal = Number.NaN
      return value
    }
    for (;;) {
      const x = 2 * next() - 1
      const y = 2 * next() - 1
      const square = x * x + y * y
      if (square > 0 && square < 1) {
        const scale = Math.sqrt((-2 * log(square)) / square)
        spareNormal = y * scale
        return x * scale
      }
    }
  }

  const integer = (below: number): number => {
    // The last, incomplete round of the 2^32 outputs is drawn again: otherwise small results would come more
    // often.
    const limit = 2 ** 32 - (2 ** 32 % below)
    let value = bits()
    while (value >= limit) value = bits()
    return value % below
  }

  return { next, normal, integer, fork: (name) => streamFrom(absorb(lanes, name)) }
}

const absorb = (lanes: Lanes, text: string): Lanes => {
  let [a, b, c, d] = lanes
  // The length and a separator go in too, so that fork('a').fork('b') is not fork('ab').
  for (let i = -1; i < text.length; i++) {
    const unit = i < 0 ? text.length + 0x10000 : text.charCodeAt(i)
    a = mix(a ^ unit ^ d)
    b = mix((b + a) | 0)
    c = mix(c ^ b)
    d = mix((d + c + unit) | 0)
  }
  return [a, b, c, d]
}

/** The 32-bit finaliser of MurmurHash3: every input bit changes about half of the output bits. */
const mix = (value: number): number => {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
