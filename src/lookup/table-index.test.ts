import { array, assert, constantFrom, integer, property, record, uniqueArray } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type IndexedRow, type TableIndex, tableIndexBuilder } from './table-index.ts'

const ALWAYS = Number.NEGATIVE_INFINITY
const NEVER = Number.POSITIVE_INFINITY

describe('rows of a table, found as of a time', () => {
  it('are those that a search of all rows finds, in whatever order they came', () => {
    const moment = constantFrom(ALWAYS, 0, 1, 2, 3, 5, 8)
    const rows = uniqueArray(
      record({
        key: constantFrom('a', 'b'),
        validFromMs: moment,
        knownFromMs: moment,
        validToMs: constantFrom(3, 6, NEVER),
      }),
      { maxLength: 12, selector: (row) => `${row.key} ${row.validFromMs} ${row.knownFromMs}` },
    )
    assert(
      property(rows, (generated) => {
        const all = generated.map((row, place): IndexedRow => ({ ...row, place, sourceRow: place + 1 }))
        const index = indexOf(all, () => false)
        for (const key of ['a', 'b', 'c'])
          for (let timeMs = -1; timeMs <= 10; timeMs++)
            expect([key, timeMs, index.find(key, timeMs)]).toEqual([key, timeMs, naive(all, key, timeMs)])
      }),
      { numRuns: 300 },
    )
  })

  it('a correction counts from when it came, and a row that came late from when it came', () => {
    const index = indexOf([
      row({ place: 0, validFromMs: 10, knownFromMs: 10 }),
      row({ place: 1, validFromMs: 10, knownFromMs: 30 }),
      row({ place: 2, validFromMs: 20, knownFromMs: 40 }),
      // Too late to be the answer at any time.
      row({ place: 3, validFromMs: 5, knownFromMs: 50 }),
    ])
    expect([9, 10, 29, 30, 39, 40, 60].map((time) => index.find('a', time))).toEqual([-1, 0, 0, 1, 1, 2, 2])
  })

  it('two that hold from the same time clash, unless they say the same', () => {
    const rows = [row({ place: 0, validFromMs: 1 }), row({ place: 1, validFromMs: 1 })]
    expect(() => indexOf(rows, () => false)).toThrow(/rows 1 and 2 with the key a hold from the same time/)
    expect(indexOf(rows, () => true).find('a', 1)).toBe(0)
    const ended = [rows[0]!, { ...rows[1]!, validToMs: 5 }]
    expect(() => indexOf(ended, () => true)).toThrow(/hold from the same time/)
  })
})

describe('rows of a table, found by a range', () => {
  it('are those whose range holds the value', () => {
    const range = record({
      key: constantFrom('a', 'b'),
      from: integer({ min: 0, max: 40 }),
      size: integer({ min: 0, max: 3 }),
    })
    assert(
      property(array(range, { maxLength: 12 }), (generated) => {
        const rows = generated
          .filter(
            (one, at) =>
              !generated
                .slice(0, at)
                .some(
                  (other) =>
                    other.key === one.key &&
                    one.from <= other.from + other.size &&
                    other.from <= one.from + one.size,
                ),
          )
          .map(({ key, from, size }, place) => row({ key, place, from, to: from + size }))
        const index = indexOf(rows)
        for (let value = -1; value < 45; value++)
          for (const key of ['a', 'b'])
            expect(index.find(key, 0, value)).toBe(
              rows.find((one) => one.key === key && Number(one.from) <= value && value <= Number(one.to))
                ?.place ?? -1,
            )
        expect(index.find('a', 0)).toBe(-1)
      }),
      { numRuns: 200 },
    )
  })

  it('two that overlap clash', () => {
    const rows = [row({ place: 0, from: 5, to: 9 }), row({ place: 1, from: 1, to: 5 })]
    expect(() => indexOf(rows, () => true)).toThrow(/have ranges that overlap/)
    const same = [row({ place: 0, from: 5, to: 9 }), row({ place: 1, from: 5, to: 9 })]
    expect(indexOf(same, () => true).find('a', 0, 7)).toBe(0)
    expect(() => indexOf(same, () => false)).toThrow(/rows 1 and 2/)
  })
})

const row = (parts: Partial<IndexedRow>): IndexedRow => ({
  place: 0,
  key: 'a',
  validFromMs: ALWAYS,
  validToMs: NEVER,
  knownFromMs: ALWAYS,
  ...parts,
  sourceRow: (parts.place ?? 0) + 1,
})

/** As the table is read: the rows of a key together. */
const indexOf = (rows: readonly IndexedRow[], isSame: () => boolean = () => true): TableIndex => {
  const builder = tableIndexBuilder('t', rows.length, isSame)
  for (const key of new Set(rows.map((one) => one.key)))
    for (const one of rows) if (one.key === key) builder.add(one)
  return builder.finish()
}

const naive = (rows: readonly IndexedRow[], key: string, timeMs: number): number => {
  let found: IndexedRow | undefined
  for (const one of rows) {
    if (one.key !== key || one.validFromMs > timeMs || one.knownFromMs > timeMs) continue
    const isNewer =
      found === undefined ||
      one.validFromMs > found.validFromMs ||
      (one.validFromMs === found.validFromMs && one.knownFromMs > found.knownFromMs)
    if (isNewer) found = one
  }
  return found === undefined || timeMs >= found.validToMs ? -1 : found.place
}
