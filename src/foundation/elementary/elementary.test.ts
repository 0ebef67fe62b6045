import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../random.ts'
import {
  type Exact,
  errorInUlps,
  exactAcos,
  exactAsin,
  exactCos,
  exactExp,
  exactLog,
  exactLog1p,
  exactPow,
  exactSin,
} from './exact-values.test-kit.ts'
import { exp, logistic } from './exponential.ts'
import { log, log1p } from './logarithm.ts'
import { pow } from './power.ts'
import { acos, asin, cos, sin } from './trigonometry.ts'
import {
  binaryExponent,
  decimalExponent,
  isPowerOfTwo,
  powerOfTen,
  powerOfTwo,
  powerOfTwoFrom,
} from './whole-powers.ts'

const { POSITIVE_INFINITY: INFINITY, NaN: NAN, MIN_VALUE, MAX_VALUE } = Number

/** Numbers of any bit pattern: each exponent, and so each size, is as likely as the others. */
const anyDouble = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
})
const within = (min: number, max: number) => fc.double({ min, max, noNaN: true })

interface Case {
  readonly name: string
  readonly of: (x: number) => number
  readonly exact: (x: number, near: number) => Exact
  /** Where the result is neither 0 nor infinite, and `exact` has enough places. */
  readonly arguments: readonly fc.Arbitrary<number>[]
}

/** Below it the oracle has too few places; those that are 0 at 0 give such an `x` itself. */
const LEAST = 2 ** -200
const isLarge = (x: number): boolean => Number.isFinite(x) && Math.abs(x) > LEAST

const CASES: readonly Case[] = [
  { name: 'exp', of: exp, exact: exactExp, arguments: [within(-745, 709.78), within(-3, 3)] },
  {
    name: 'log',
    of: log,
    exact: exactLog,
    arguments: [
      anyDouble.map(Math.abs).filter((x) => Number.isFinite(x) && x > 0 && x !== 1),
      within(0.5, 2),
    ],
  },
  {
    name: 'log1p',
    of: log1p,
    exact: exactLog1p,
    arguments: [anyDouble.filter((x) => x > -1), within(-0.999, 2)],
  },
  {
    name: 'sin',
    of: sin,
    exact: exactSin,
    arguments: [anyDouble, within(-8, 8), within(0, 2e6)],
  },
  {
    name: 'cos',
    of: cos,
    exact: exactCos,
    arguments: [anyDouble, within(-8, 8), within(0, 2e6)],
  },
  {
    name: 'asin',
    of: asin,
    exact: exactAsin,
    arguments: [within(-1, 1), within(-0.51, -0.49), within(0.97, 1)],
  },
  { name: 'acos', of: acos, exact: exactAcos, arguments: [within(-1, 0.9999), within(0.49, 0.51)] },
]

/** The largest that was found in some thousands of random arguments for each range is 0.81. */
const MOST_ULPS = 0.9

describe('exp, log, log1p, sin, cos, asin, acos, pow', () => {
  for (const { name, of, exact, arguments: all } of CASES) {
    it(`${name} is within a unit in the last place of the exact value, whatever the bits`, () => {
      for (const each of all) {
        const law = fc.property(each.filter(isLarge), (x) => {
          const got = of(x)
          if (got === 0) return exact(x, got).part === 0n
          return errorInUlps(got, exact(x, got)) < MOST_ULPS
        })
        fc.assert(law, { numRuns: 700 })
      }
    })
  }

  it('pow is within a unit in the last place, also where the power of a number near 1 is huge', () => {
    const pairs = [
      fc.tuple(within(0.001, 1000), within(-90, 90)),
      fc.tuple(anyDouble.map(Math.abs), within(-3, 3)),
      fc.tuple(within(1 - 2 ** -21, 1 + 2 ** -21), within(-(2 ** 32), 2 ** 32)),
      fc.tuple(within(1 - 2 ** -40, 1 + 2 ** -40), within(-(2 ** 50), 2 ** 50)),
    ]
    for (const each of pairs) {
      const law = fc.property(each, ([x, y]) => {
        if (y === 0) return pow(x, y) === 1
        const got = pow(x, y)
        return !Number.isFinite(got) || got === 0 || errorInUlps(got, exactPow(x, y)) < MOST_ULPS
      })
      fc.assert(law, { numRuns: 700 })
    }
    // fdlibm, and so the Math.pow of Node 20 and 22, is 562 units off.
    const [x, y] = [1.0000001710286643, 3614751727.3859653]
    expect(errorInUlps(pow(x, y), exactPow(x, y))).toBeLessThan(MOST_ULPS)
  })

  it('sin, log1p, asin of the smallest numbers are those numbers', () => {
    const tiny = anyDouble.filter((x) => Math.abs(x) <= LEAST)
    fc.assert(fc.property(tiny, (x) => [sin(x), log1p(x), asin(x)].every((value) => Object.is(value, x))))
  })

  it('the oracle sees a difference of one bit', () => {
    const next = exp(1.25) * (1 + Number.EPSILON)
    expect(errorInUlps(exp(1.25), exactExp(1.25))).toBeLessThan(0.6)
    expect(errorInUlps(next, exactExp(1.25))).toBeGreaterThan(0.4 + 0.5)
  })
})

describe('the elementary functions at their ends', () => {
  const table: readonly (readonly [string, (x: number) => number, readonly (readonly [number, number])[]])[] =
    [
      [
        'exp',
        exp,
        [
          [0, 1],
          [-0, 1],
          [1, Math.E],
          [INFINITY, INFINITY],
          [-INFINITY, 0],
          [NAN, NAN],
          [709.782712893384, 1.7976931348622732e308],
          [709.7827128933841, INFINITY],
          [-745.1332191019411, MIN_VALUE],
          [-745.1332191019412, 0],
          [MIN_VALUE, 1],
        ],
      ],
      [
        'log',
        log,
        [
          [1, 0],
          [0, -INFINITY],
          [-0, -INFINITY],
          [-1, NAN],
          [-MIN_VALUE, NAN],
          [-INFINITY, NAN],
          [INFINITY, INFINITY],
          [NAN, NAN],
          [2, Math.LN2],
          [10, Math.LN10],
          [MIN_VALUE, -744.4400719213812],
          [MAX_VALUE, 709.782712893384],
        ],
      ],
      [
        'log1p',
        log1p,
        [
          [0, 0],
          [-0, -0],
          [-1, -INFINITY],
          [-1.5, NAN],
          [-INFINITY, NAN],
          [INFINITY, INFINITY],
          [NAN, NAN],
          [1, Math.LN2],
          [MIN_VALUE, MIN_VALUE],
          [-1e-20, -1e-20],
          [MAX_VALUE, 709.782712893384],
        ],
      ],
      [
        'sin',
        sin,
        [
          [0, 0],
          [-0, -0],
          [INFINITY, NAN],
          [-INFINITY, NAN],
          [NAN, NAN],
          [MIN_VALUE, MIN_VALUE],
          [Math.PI / 2, 1],
          [Math.PI, 1.2246467991473532e-16],
          // The argument whose reduction is hardest: nearest of all doubles to a multiple of pi / 2.
          [6381956970095103 * 2 ** 797, 1],
          [1e22, -0.8522008497671888],
        ],
      ],
      [
        'cos',
        cos,
        [
          [0, 1],
          [-0, 1],
          [INFINITY, NAN],
          [NAN, NAN],
          [Math.PI, -1],
          [Math.PI / 2, 6.123233995736766e-17],
          [6381956970095103 * 2 ** 797, -4.6871659242546277e-19],
          [1e22, 0.523214785395139],
        ],
      ],
      [
        'asin',
        asin,
        [
          [0, 0],
          [-0, -0],
          [1, Math.PI / 2],
          [-1, -Math.PI / 2],
          [1.0000000000000002, NAN],
          [-INFINITY, NAN],
          [NAN, NAN],
          [MIN_VALUE, MIN_VALUE],
          [0.5, 0.5235987755982989],
        ],
      ],
      [
        'acos',
        acos,
        [
          [1, 0],
          [-1, Math.PI],
          [0, Math.PI / 2],
          [-0, Math.PI / 2],
          [1.0000000000000002, NAN],
          [NAN, NAN],
          [0.5, 1.0471975511965979],
        ],
      ],
      [
        'logistic',
        logistic,
        [
          [0, 0.5],
          [-INFINITY, 0],
          [INFINITY, 1],
          [-710, 0],
          [40, 1],
          [NAN, NAN],
        ],
      ],
    ]
  for (const [name, of, rows] of table) {
    for (const [x, expected] of rows) {
      it(`${name}(${Object.is(x, -0) ? '-0' : x}) is ${Object.is(expected, -0) ? '-0' : expected}`, () => {
        expect(of(x)).toBe(expected)
      })
    }
  }

  it('pow has the special cases of ECMAScript', () => {
    const special = [
      0,
      -0,
      1,
      -1,
      2,
      -2,
      3,
      -3,
      0.5,
      -0.5,
      INFINITY,
      -INFINITY,
      NAN,
      2 ** 53,
      -(2 ** 53),
      2 ** 70,
    ]
    for (const x of special)
      for (const y of special) expect([x, y, pow(x, y)]).toEqual([x, y, expectedPower(x, y)])
    expect([pow(0.9, 2 ** 70), pow(0.9, -(2 ** 70)), pow(1.1, 2 ** 70), pow(1.1, -(2 ** 70))]).toEqual([
      0,
      INFINITY,
      INFINITY,
      0,
    ])
    expect([pow(2, -1074), pow(2, -1075), pow(2, 1024), pow(-2, 1023)]).toEqual([
      MIN_VALUE,
      0,
      INFINITY,
      -(2 ** 1023),
    ])
  })

  it('pow is exact where the power is a double', () => {
    for (let n = 0; n <= 22; n++) expect(pow(10, n)).toBe(Number(`1e${n}`))
    for (let n = -1074; n <= 1023; n++) expect(pow(2, n)).toBe(powerOfTwo(n))
    for (let n = 0; n <= 33; n++) expect(BigInt(pow(-3, n))).toBe((-3n) ** BigInt(n))
  })
})

/** By the text of ECMA-262, Number::exponentiate, for powers that need no rounding. */
const expectedPower = (x: number, y: number): number => {
  const power = x ** y
  return Number.isFinite(power) && power !== 0 && y % 1 !== 0 ? pow(x, y) : power
}

describe('whole powers', () => {
  it('of two and of ten are exact, or the nearest double', () => {
    expect([-1075, -1074, -1022, -1, 0, 10, 1023, 1024].map(powerOfTwo)).toEqual([
      0,
      MIN_VALUE,
      2.2250738585072014e-308,
      0.5,
      1,
      1024,
      8.98846567431158e307,
      INFINITY,
    ])
    expect([-400, -324, -5, 0, 2, 22, 23, 308, 309].map(powerOfTen)).toEqual([
      0,
      0,
      1e-5,
      1,
      100,
      1e22,
      1e23,
      1e308,
      INFINITY,
    ])
  })

  it('the exponents of a number are those of the powers around it', () => {
    fc.assert(
      fc.property(
        anyDouble.map(Math.abs).filter((x) => Number.isFinite(x) && x > 0),
        (x) => {
          const [two, ten] = [binaryExponent(x), decimalExponent(x)]
          return (
            powerOfTwo(two) <= x && x < powerOfTwo(two + 1) && powerOfTen(ten) <= x && x < powerOfTen(ten + 1)
          )
        },
      ),
      { numRuns: 2000 },
    )
    expect([1, 2, 3, 4, 1000, 1024, 1025].map(powerOfTwoFrom)).toEqual([1, 2, 4, 4, 1024, 1024, 2048])
    const candidates = [0.5, 1, 3, 1024, 0, -2, NAN, INFINITY, 2 ** 53 - 1]
    expect(candidates.map(isPowerOfTwo)).toEqual([true, true, false, true, false, false, false, false, false])
  })
})

it('the bits are these, in whatever engine the tests run', () => {
  const random = createRandom('bits of the elementary functions')
  const values = new Float64Array(9 * 20_000)
  for (let at = 0; at < values.length; at += 9) {
    const [u, v] = [random.next(), random.next()]
    const large = powerOfTwo(random.integer(1023))
    const results = [exp(1400 * u - 700), log(u * large), log1p(u * v * 100), sin(u * large), cos(u * 100)]
    values.set(
      [...results, asin(2 * u - 1), acos(2 * v - 1), pow(100 * u, 9 * v - 4), logistic(40 * v - 20)],
      at,
    )
  }
  expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex')).toBe(
    'bdd150965203a9a370e4efb9be5c1b7c937814c852f83f386ed3be18d0023786',
  )
})

it('what models were trained on before has the same bits: Node computed these by Math until then', () => {
  const values: number[] = []
  for (let minute = 0; minute < 1440; minute++) {
    const angle = (minute / 1440) * 2 * Math.PI
    values.push(sin(angle), cos(angle))
  }
  for (let weekday = 0; weekday < 7; weekday++) {
    const angle = (weekday / 7) * 2 * Math.PI
    values.push(sin(angle), cos(angle))
  }
  for (let minor = 0; minor <= 100_000; minor++) values.push(log1p(minor / 100))
  for (let count = 1; count <= 20_000; count++) values.push(log(count))
  for (let hundredths = -4000; hundredths <= 4000; hundredths++) values.push(logistic(hundredths / 100))
  const bytes = new Uint8Array(new Float64Array(values).buffer)
  // Of Math.sin, Math.cos, Math.log1p, Math.log and Math.exp in Node 20.20, 22.23 and 26.12.
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(
    '0a2946d6459fb8a443f4a8b3550ff9078ef78dfdd9c11ffd9933e74240c9f6d4',
  )
})
