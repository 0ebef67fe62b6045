import { describe, expect, test } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { watchSegments } from '../monitoring/watch-segments.ts'
import { type DecidedEvent, type DecidedRows, decidedRows } from '../performance/decided-rows.ts'
import { DAY_MS, dayMs } from '../retraining/retraining.test-kit.ts'
import { conceptOfPerformance } from './concept-of-performance.ts'

/** Days of 75 alerts, all looked at within a day; a fraud with the precision of the day. */
const alertsOf = (
  seed: string,
  days: number,
  precision: (day: number, segment: string) => number,
  segments: readonly string[] = [''],
): DecidedRows => {
  const random = createRandom(seed)
  return decidedRows(
    Array.from({ length: days * 75 }, (_, at): DecidedEvent => {
      const day = Math.floor(at / 75)
      const segment = segments[at % segments.length]!
      const decidedAtMs = dayMs(day) + (at % 75) * 60_000
      return {
        decidedAtMs,
        score: 0.9,
        flagged: true,
        amountMinor: 100,
        segment,
        label: random.next() < precision(day, segment) ? 1 : 0,
        knownAtMs: decidedAtMs + DAY_MS / 2,
        origin: 'alert',
        propensity: 1,
      }
    }),
  )
}

const conceptOf = (rows: DecidedRows, day: number) =>
  conceptOfPerformance({ watches: watchSegments(rows, dayMs(day), 0.5) })

describe('what labels say', () => {
  test('precision that halves is found, and dated to about its day', () => {
    const found = conceptOf(
      alertsOf('halves', 80, (day) => (day < 70 ? 0.6 : 0.3)),
      80,
    )
    expect(found).toMatchObject({ kind: 'concept_drift', severity: expect.stringMatching(/severe|critical/) })
    expect(found!.what).toContain('precision')
    expect(Math.abs(found!.sinceMs - dayMs(70)) / DAY_MS).toBeLessThanOrEqual(3)
  })

  test('a segment alone is found too, by its name', () => {
    const found = conceptOf(
      alertsOf('online', 80, (day, segment) => (day >= 66 && segment === 'online' ? 0.15 : 0.6), [
        'online',
        'shop',
        'cash',
      ]),
      80,
    )
    expect(found!.what).toMatch(/ of online/)
  })

  test('precision that stays says nothing', () => {
    expect(
      conceptOf(
        alertsOf('stays', 80, () => 0.6),
        80,
      ),
    ).toBeUndefined()
  })

  test('too short a history says nothing', () => {
    expect(
      conceptOf(
        alertsOf('short', 12, () => 0.6),
        12,
      ),
    ).toBeUndefined()
  })
})
