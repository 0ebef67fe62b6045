import { describe, expect, it } from 'vitest'

// A script of the bench, which has no types.
const ORACLE = new URL('../bench/second-bank-oracle.mjs', import.meta.url).href
const { oracleOf } = (await import(ORACLE)) as {
  readonly oracleOf: (
    rows: Readonly<Record<string, Int32Array>>,
    asked: Uint8Array,
    knowledge: { readonly knowsFiveCents: boolean },
  ) => Float64Array
}

/** A terminal's probability of being compromised anew on a day: two of 4,000. */
const ANEW = 1 / 2000

describe('the oracle of second-bank, asked of a transaction whose amount no compromised card could have', () => {
  it('is certain above 220', () => {
    expect(askedOf([{ day: 40, cents: 22_001 }])).toBe(1)
  })

  it('knows of a terminal without labels how many are compromised', () => {
    expect(askedOf([{ day: 40 }])).toBeCloseTo(1 - (1 - ANEW) ** 28, 12)
    expect(askedOf([{ day: 2 }])).toBeCloseTo(1 - (1 - ANEW) ** 3, 12)
  })

  it('is certain for 28 days from when a terminal can have been compromised at the latest', () => {
    const fraud = { day: 10, scenario: 2 }
    expect(askedOf([fraud, { day: 27 }])).toBeCloseTo(1, 12)
    // Compromised on day 10 at the latest: it has ended on day 38.
    expect(askedOf([fraud, { day: 45 }])).toBeCloseTo(1 - (1 - ANEW) ** 28, 12)
  })

  it('weighs the days on which it can have begun: between a genuine transaction and a fraud', () => {
    const between = [{ day: 10 }, { day: 12, scenario: 2 }]
    expect(askedOf([...between, { day: 38 }])).toBeCloseTo(1, 12)
    // Begun on day 11 it has ended, on day 12 not: 1 to 1 - ANEW; or it began anew on one of 27 days since.
    const begunOn12 = 1 / (2 - ANEW)
    expect(askedOf([...between, { day: 39 }])).toBeCloseTo(1 - (1 - begunOn12) * (1 - ANEW) ** 27, 12)
  })

  it('does not know a label before seven days have passed', () => {
    const fraudOf = (day: number): readonly Paid[] => [{ day: 20 }, { day, scenario: 2 }, { day: 40 }]
    expect(askedOf(fraudOf(33))).toBeCloseTo(1, 12)
    // Genuine on day 20, so begun since, if at all.
    expect(askedOf(fraudOf(34))).toBeCloseTo(1 - (1 - ANEW) ** 20, 12)
  })

  it('learns nothing of a terminal from the fraud of a compromised card', () => {
    expect(askedOf([{ day: 10, scenario: 3, cents: 1000 }, { day: 40 }])).toBeCloseTo(
      1 - (1 - ANEW) ** 28,
      12,
    )
  })
})

describe('the oracle of second-bank, asked of a card that has paid about 10 a day', () => {
  const habit = Array.from({ length: 60 }, (_, day) => ({ day, cents: 800 + 7 * day, terminal: day }))
  const of = (cents: number, knowsFiveCents: boolean): number =>
    askedOf([...habit, { day: 60, cents, terminal: 100 }], { knowsFiveCents })

  it('suspects five times as much, and more so the second time', () => {
    expect(of(1100, false)).toBeLessThan(0.02)
    expect(of(5500, false)).toBeGreaterThan(0.9)
    const again = [...habit, { day: 59, cents: 5500, terminal: 99 }, { day: 60, cents: 3000, terminal: 100 }]
    expect(askedOf(again, { knowsFiveCents: false })).toBeGreaterThan(of(3000, false))
  })

  it('can use that five times a whole number of cents is a multiple of five of them', () => {
    expect(of(3001, true)).toBeCloseTo(1 - (1 - ANEW) ** 28, 12)
    expect(of(3000, true)).toBeGreaterThan(of(3000, false))
  })
})

interface Paid {
  readonly day: number
  readonly cents?: number
  readonly terminal?: number
  readonly scenario?: number
}

/** What it says of the last of these transactions of one card, each at noon of its day. */
const askedOf = (paid: readonly Paid[], knowledge = { knowsFiveCents: true }): number => {
  const rows = {
    time: Int32Array.from(paid, ({ day }) => day * 86_400 + 43_200),
    customer: new Int32Array(paid.length),
    terminal: Int32Array.from(paid, ({ terminal = 0 }) => terminal),
    cents: Int32Array.from(paid, ({ cents = 1001 }) => cents),
    scenario: Int32Array.from(paid, ({ scenario = 0 }) => scenario),
  }
  const asked = new Uint8Array(paid.length)
  asked[paid.length - 1] = 1
  return oracleOf(rows, asked, knowledge).at(-1)!
}
