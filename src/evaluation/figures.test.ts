import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_COSTS } from './cost.ts'
import { reaches, type ScoredRows, titleWith, worseBy } from './figure.ts'
import {
  allFiguresOf,
  COMPARABLE_FIGURES,
  FIGURES,
  figureNamed,
  figuresOf,
  keyOf,
  SCORING_FIGURES,
} from './figures.ts'

describe.each(FIGURES)('the record of $name', (figure) => {
  const { name, title, meaning, unit, range, better, needs, of, atBestThreshold } = figure

  it('has a name for settings and trackers, and words for people', () => {
    expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
    expect(FIGURES.filter((other) => other.name === name || other.title === title)).toEqual([figure])
    expect(meaning).toMatch(/^[A-Z].*\.$/)
    expect([title, unit, figure.undefinedWhen].every((text) => text.length > 0)).toBe(true)
    // Of a part of a day's rows nothing can be said of who is looked at that day.
    if (needs.includes('days')) expect(figure.shownIn).not.toContain('slices')
    // `titleWith` puts the number of the settings there.
    expect(/\bk$/.test(title)).toBe(needs.includes('days'))
  })

  it('stays within its range, or has no value', () =>
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const value = of(rows)
        if (!Number.isNaN(value)) {
          expect(value).toBeGreaterThanOrEqual(range[0])
          expect(value).toBeLessThanOrEqual(range[1])
        }
      }),
    ))

  it('depends on nothing but what it needs', () =>
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const without = (need: (typeof needs)[number], nothing: Partial<ScoredRows>) =>
          needs.includes(need) ? {} : nothing
        const others = {
          ...without('threshold', { threshold: Number.NaN }),
          ...without('days', { days: new Int32Array(0), entities: new Uint32Array(0), k: 0 }),
          ...without('costs', { costs: NO_COSTS, amountsMinor: [] }),
        }
        expect(of({ ...rows, ...others })).toBe(of(rows))
      }),
    ))

  it('is at its best threshold as good as at the threshold of any row', () =>
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const best = atBestThreshold?.(rows)
        if (best === undefined || Number.isNaN(best)) return
        for (const threshold of rows.scores) {
          const value = of({ ...rows, threshold })
          // Costs are summed in another order there.
          expect(reaches({ better }, best, worseBy({ better }, value, 1e-9))).toBe(true)
        }
      }),
    ))

  it('takes the truth for the best there is', () => {
    const rows = rowsOf([0, 0, 1, 1], [0, 0, 1, 1])
    // Of three users looked at two are defrauded; reviewing costs something even where it is right.
    const notAtTheEnd = needs.includes('days') || needs.includes('costs')
    if (!notAtTheEnd) expect(of(rows)).toBeCloseTo(better === 'higher' ? range[1] : range[0], 12)
    expect(reaches(figure, of(rows), of(rowsOf([0, 0, 1, 1], [1, 1, 0, 0])))).toBe(true)
  })
})

describe('the figures of rows', () => {
  it('stand under their keys, null where they are not defined', () => {
    const none = allFiguresOf(rowsOf([], []))
    expect(Object.keys(none)).toEqual(FIGURES.map(keyOf))
    expect(new Set(Object.values(none))).toEqual(new Set([null]))
    expect(keyOf({ name: 'average_precision' })).toBe('averagePrecision')
    expect(figuresOf(rowsOf([0, 1], [0.1, 0.9]), [figureNamed('roc_auc')])).toEqual({ rocAuc: 1 })
  })

  it('that a search scores by need no threshold, or have a best one', () =>
    expect(FIGURES.filter((figure) => !names(SCORING_FIGURES).includes(figure.name)).map(keyOf)).toEqual([
      'precision',
      'recall',
    ]))

  it('that compare versions depend on no setting of a training', () => {
    for (const { needs } of COMPARABLE_FIGURES) expect([[], ['threshold']]).toContainEqual(needs)
    expect(names(COMPARABLE_FIGURES)).not.toContain('daily_precision')
  })

  it('that need days are told with the number that is looked at', () => {
    const told = (name: Parameters<typeof figureNamed>[0]) =>
      titleWith(figureNamed(name), { k: 100, entity: 'user' })
    expect(told('daily_precision')).toBe('daily precision at 100 users')
    expect(told('log_loss')).toBe('log loss')
  })
})

const names = (figures: readonly { readonly name: string }[]): string[] => figures.map(({ name }) => name)

const rowsOf = (labels: readonly number[], scores: readonly number[]): ScoredRows => ({
  labels: Uint8Array.from(labels),
  scores: Float64Array.from(scores),
  days: Int32Array.from(labels, (_, row) => Math.floor(row / 4)),
  entities: Uint32Array.from(labels, (_, row) => row % 3),
  amountsMinor: labels.map((_, row) => 10 * row),
  threshold: 0.5,
  k: 2,
  costs: { falseAlarm: 3, review: 1, missedFraud: 20, missedFraudAmountShare: 0.5 },
})

/** Rows of few distinct scores, so that ties are common. */
const scoredRows = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 8 })), { maxLength: 30 })
  .map((rows) =>
    rowsOf(
      rows.map(([label]) => label),
      rows.map(([, score]) => score / 8),
    ),
  )
