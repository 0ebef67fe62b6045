import { expect, test } from 'vitest'
import { decodeDays, encodeDays } from './days-encoding.ts'
import { type DayProfile, ProfileBook } from './profile-book.ts'
import { profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import { shapedReference, shapedRows } from './profiles.test-kit.ts'

const REFERENCE = shapedReference(3)
const LAYOUT = profileLayoutOf(REFERENCE, { threshold: 0.5 })
const SCORES = scoreLayoutOf(REFERENCE, 0.5)
const HOUR_MS = 3_600_000

const days = (): readonly DayProfile[] => {
  const book = new ProfileBook(REFERENCE, { threshold: 0.5 })
  const { features, scores } = shapedRows(5, 400)
  for (const [row, score] of scores.entries()) {
    const vector = features.subarray(row * LAYOUT.features, (row + 1) * LAYOUT.features)
    // The first day has no segments, and one lies before 1970.
    const day = row % 4 === 3 ? -2 : 20_000 + (row % 4)
    book.add(
      (day * 24 + (row % 24)) * HOUR_MS,
      vector,
      score,
      day === 20_000 ? undefined : `Kauf ${row % 3} ü`,
    )
  }
  return [-2, 20_000, 20_001, 20_002].map((day) => book.day(day)!)
}

const plain = (all: readonly DayProfile[]) =>
  all.map(({ day, profile, segments = new Map() }) => ({
    day,
    rows: profile.rows,
    alerts: profile.alerts,
    counts: [...profile.counts],
    segments: [...segments].map(([name, scores]) => [name, scores.rows, scores.alerts, [...scores.counts]]),
  }))

test('days and their segments come back as they were, days without segments and none at all too', () => {
  const all = days()
  expect(plain(decodeDays(encodeDays(all), LAYOUT, SCORES))).toEqual(plain(all))
  expect(all[3]!.segments!.size).toBe(3)
  expect(all[1]!.segments!.size).toBe(0)
  expect(decodeDays(encodeDays([]), LAYOUT, SCORES)).toEqual([])
})

test('bytes that are cut, changed, longer, of another version or of another model are refused', () => {
  const bytes = encodeDays(days())
  const refused = (altered: Uint8Array, reason: RegExp, layout = LAYOUT, scores = SCORES) =>
    expect(() => decodeDays(altered, layout, scores)).toThrow(reason)
  for (const length of [0, 3, 7, 9, 40, bytes.length - 1])
    refused(bytes.slice(0, length), /do not begin|end in the middle|parts follow|damaged/)
  refused(Uint8Array.of(...bytes, 0), /more than their days/)
  refused(
    bytes.map((byte, at) => (at === 3 ? 9 : byte)),
    /version 9, and 1 is read/,
  )
  refused(
    bytes.map((byte, at) => (at === 7 ? 127 : byte)),
    /parts follow/,
  )
  for (let at = 8; at < bytes.length; at += 131) {
    const altered = bytes.map((byte, place) => (place === at ? byte ^ 64 : byte))
    // A name or a number of a day may change unseen: the artifact's checksums are there for that.
    try {
      expect(decodeDays(altered, LAYOUT, SCORES)).toHaveLength(4)
    } catch (error) {
      expect(error).toMatchObject({ code: 'DRIFT_PROFILE_REFUSED' })
    }
  }
  const other = shapedReference(4)
  refused(bytes, /of another model/, profileLayoutOf(other, { threshold: 0.5 }), scoreLayoutOf(other, 0.5))
  refused(bytes, /of another model/, profileLayoutOf(REFERENCE, { threshold: 0.6 }))
})
