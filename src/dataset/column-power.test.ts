import { describe, expect, it } from 'vitest'
import { aucOf, columnPower } from './column-power.ts'

describe('the power of one column alone', () => {
  // A fraud every fourth row; the first half is learnt from.
  const labels = Int8Array.from({ length: 80 }, (_, row) => (row % 4 === 0 ? 1 : 0))
  const rows = { labels, judgedFrom: 40 }
  const power = (value: (row: number, fraud: boolean) => string | null) =>
    columnPower(
      Array.from(labels, (label, row) => value(row, label === 1)),
      rows,
    )

  it('is 1 for a column that says which rows are fraud, in words, numbers or gaps', () => {
    expect(power((_, fraud) => (fraud ? 'chargeback' : 'none'))).toBe(1)
    expect(power((row, fraud) => (fraud ? `${1000 + row}.5` : `${row}`))).toBe(1)
    expect(power((_, fraud) => (fraud ? null : 'ok'))).toBe(1)
    // Filled for frauds only, each time with another date.
    expect(power((row, fraud) => (fraud ? `2026-01-${row}` : null))).toBe(1)
  })

  it('finds frauds at both ends of a scale, and low ones', () => {
    const longer = Int8Array.from({ length: 4000 }, (_, row) => (row % 4 === 0 ? 1 : 0))
    const apart = Array.from(longer, (label, row) => {
      const side = row % 8 === 0 ? -1 : 1
      return String(label === 1 ? side * (5000 + row) : row % 1000)
    })
    expect(columnPower(apart, { labels: longer, judgedFrom: 2000 })).toBeGreaterThan(0.95)
    expect(power((row, fraud) => String(fraud ? row : 1000 + row))).toBe(1)
  })

  it('is a half for an id that never comes again, and for what never changes', () => {
    expect(power((row) => `id-${row}`)).toBe(0.5)
    expect(power(() => 'EUR')).toBe(0.5)
    expect(power(() => null)).toBe(0.5)
  })

  it('does not learn from what it is judged by: words that change sides say nothing good', () => {
    expect(power((row, fraud) => (fraud === row < 40 ? 'a' : 'b'))).toBe(0)
  })

  it('takes the direction of a number from the earlier rows', () => {
    // Frauds are high first and low later: who learnt it at the time was wrong later.
    const turned = (row: number, fraud: boolean) => String(fraud === row < 40 ? 100 + row / 100 : row / 100)
    expect(power(turned)).toBeLessThan(0.5)
  })

  it('is not told of fewer than five frauds on a side', () => {
    const few = labels.map((label, row) => (row > 56 ? 0 : label))
    expect(columnPower(Array.from(few, String), { labels: few, judgedFrom: 40 })).toBe(1)
    const fewer = labels.map((label, row) => (row > 55 ? 0 : label))
    expect(columnPower(Array.from(fewer, String), { labels: fewer, judgedFrom: 40 })).toBeNull()
  })
})

it('the area counts equal scores as half: 1 of 2 pairs won and 1 equal is .75', () => {
  expect(aucOf(Float64Array.of(1, 2, 2), Float64Array.of(0, 0, 1))).toBe(0.75)
})
