import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProfileBook } from './profile-book.ts'
import { decodeProfile, encodeProfile } from './profile-encoding.ts'
import { profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import { numericBinsOf, shapedReference, shapedRows } from './profiles.test-kit.ts'
import type { Bins } from './reference-bins.ts'
import { mergeProfiles, WindowProfile } from './window-profile.ts'

const reference = shapedReference(1)
const layout = profileLayoutOf(reference, { threshold: 0.9 })
const WIDTH = layout.features

describe('a profile', () => {
  it('counts each value in the bin that a search through all edges finds', () => {
    const { features, scores } = shapedRows(2, 2000)
    const profile = profileOf(features, scores)
    for (const [at, column] of layout.columns.entries()) {
      const expected = new Uint32Array(column.size)
      for (let row = 0; row < scores.length; row++)
        expected[slowBinOf(column.bins, at === WIDTH ? scores[row]! : features[row * WIDTH + at]!)]!++
      expect([column.name, profile.countsOf(column)]).toEqual([column.name, expected])
    }
    expect(profile.rows).toBe(2000)
    expect(profile.alerts).toBe(scores.filter((score) => score >= 0.9).length)
  })

  it('law: any edges and values: the table finds what the search finds', () => {
    const number = fc.double({ noDefaultInfinity: true })
    fc.assert(
      fc.property(
        fc.array(number, { maxLength: 60 }),
        fc.array(number, { maxLength: 30 }),
        (known, values) => {
          const bins = numericBinsOf(known)
          const one = profileLayoutOf({ features: { x: bins }, score: { profile: numericBinsOf([0.5]) } })
          const profile = new WindowProfile(one)
          const all = Float64Array.from([...values, ...known, ...known.map((edge) => edge * (1 - 2 ** -52))])
          profile.addRows(all, new Float64Array(all.length))
          const expected = new Uint32Array(one.columns[0]!.size)
          for (const value of all) expected[slowBinOf(bins, value)]!++
          expect(profile.countsOf(one.columns[0]!)).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is the same of rows and of columns', () => {
    const { features, scores } = shapedRows(3, 700)
    const columns = Array.from({ length: WIDTH }, (_, at) => features.filter((_, i) => i % WIDTH === at))
    const byColumns = new WindowProfile(layout)
    byColumns.addColumns(columns, scores)
    expect(byColumns.counts).toEqual(profileOf(features, scores).counts)
  })

  it('counts one score as a row of a layout without features', () => {
    const { scores } = shapedRows(4, 300)
    const [one, all] = [scoreLayoutOf(reference, 0.9), scoreLayoutOf(reference, 0.9)].map(
      (of) => new WindowProfile(of),
    )
    for (const score of [...scores, Number.NaN]) one!.addScore(score)
    all!.addRows(new Float64Array(0), Float64Array.of(...scores, Number.NaN))
    expect(encodeProfile(one!)).toEqual(encodeProfile(all!))
    expect(() => new WindowProfile(layout).addScore(1)).toThrow('has 9 features too')
  })

  it('refuses rows of another width', () => {
    expect(() => new WindowProfile(layout).addRows(new Float64Array(7), new Float64Array(1))).toThrow(
      '7 values are not 9 for each of 1 scores',
    )
    expect(() => new WindowProfile(layout).addColumns([], new Float64Array(1))).toThrow('9 columns of 1')
    expect(() => profileLayoutOf(reference, { features: ['nothing'] })).toThrow(
      'no profile of the feature nothing',
    )
  })

  it('law: the parts of a day merge to the day bit for bit, in whatever order', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(90), { minLength: 1, maxLength: 8 }), (seed, cuts) => {
        const { features, scores } = shapedRows(seed, 90)
        const places = [0, ...cuts.sort((a, b) => a - b), 90]
        const parts = places
          .slice(1)
          .map((to, at) =>
            profileOf(features.slice(places[at]! * WIDTH, to * WIDTH), scores.slice(places[at], to)),
          )
        const whole = profileOf(features, scores)
        for (const order of [parts, [...parts].reverse()])
          expect(encodeProfile(mergeProfiles(order)!)).toEqual(encodeProfile(whole))
      }),
      { numRuns: 30 },
    )
  })

  it('does not merge with one in other bins', () => {
    const other = new WindowProfile(profileLayoutOf(shapedReference(2)))
    expect(() => other.merge(new WindowProfile(layout))).toThrow('in other bins')
    expect(mergeProfiles([])).toBeUndefined()
  })
})

describe('a profile as bytes', () => {
  it('law: is what it was', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(300), (seed, rows) => {
        const { features, scores } = shapedRows(seed, rows)
        const profile = profileOf(features, scores)
        const read = decodeProfile(encodeProfile(profile), layout)
        expect([read.counts, read.rows, read.alerts]).toEqual([profile.counts, rows, profile.alerts])
      }),
      { numRuns: 30 },
    )
  })

  it('law: with any byte changed or cut off it is refused', () => {
    const { features, scores } = shapedRows(5, 50)
    const bytes = encodeProfile(profileOf(features, scores))
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << (at % 8)
      expect(() => decodeProfile(damaged, layout)).toThrow('A profile of a window cannot be used')
      expect(() => decodeProfile(bytes.slice(0, at), layout)).toThrow('A profile of a window cannot be used')
    }
  })

  it('says what is wrong', () => {
    const bytes = encodeProfile(new WindowProfile(layout))
    const newer = bytes.slice()
    newer[3] = 9
    expect(() => decodeProfile(newer, layout)).toThrow('it has version 9, and 1 is read')
    expect(() => decodeProfile(bytes, profileLayoutOf(reference))).toThrow('of another model')
    expect(() => decodeProfile(new Uint8Array(3), layout)).toThrow('it does not begin as a profile does')
  })

  it('of a day of 10,000 rows and 60 features of 256 bins has less than 20 kB', () => {
    const features = Array.from({ length: 60 }, (_, at) => [`f${at}`, numericBinsOf(spread(4096))] as const)
    const wide = profileLayoutOf({
      features: Object.fromEntries(features),
      score: { profile: numericBinsOf(spread(256)) },
    })
    const day = new WindowProfile(wide)
    day.addRows(Float64Array.from(spread(600_000)), Float64Array.from(spread(10_000)))
    expect(encodeProfile(day).length).toBeLessThan(20_000)
  })
})

describe('a book of profiles', () => {
  const HOUR_MS = 3_600_000

  it('has each hour, and days that are their merged hours, of rows in any order', () => {
    const { features, scores } = shapedRows(6, 600)
    const times = Array.from(scores, (_, row) => Math.floor((row * 7919) % 600) * (HOUR_MS / 10))
    const book = bookOf()
    for (const [row, time] of times.entries())
      book.add(time, rowOf(features, row), scores[row]!, `s${row % 4}`)
    const hour = profileOfRows(features, scores, (row) => Math.floor(times[row]! / HOUR_MS) === 3)
    expect(encodeProfile(book.hour(3)!)).toEqual(encodeProfile(hour))
    const dayOf = (row: number) => Math.floor(times[row]! / (24 * HOUR_MS))
    const day = book.day(1)!
    expect(encodeProfile(day.profile)).toEqual(
      encodeProfile(profileOfRows(features, scores, (row) => dayOf(row) === 1)),
    )
    expect(book.hoursWithRows()).toEqual(Array.from({ length: 60 }, (_, at) => at))
    const segment = day.segments!.get('s1')!
    expect(segment.rows).toBe(times.filter((_, row) => dayOf(row) === 1 && row % 4 === 1).length)
    expect(book.day(7)).toBeUndefined()
  })

  it('counts segments beyond the bound together', () => {
    const book = bookOf(2)
    for (const [at, segment] of ['a', 'b', 'c', 'a', 'd'].entries())
      book.add(at, new Float64Array(WIDTH), 0.95, segment)
    const segments = book.day(0)!.segments!
    expect([...segments].map(([name, { rows, alerts }]) => [name, rows, alerts])).toEqual([
      ['a', 2, 2],
      ['b', 1, 1],
      ['(other)', 2, 2],
    ])
  })

  it('law: rows of many hours in alternation are counted as rows of one hour after the other', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, hours) => {
        const { features, scores } = shapedRows(seed, 120)
        const [mixed, sorted] = [bookOf(), bookOf()]
        const hourOf = (row: number) => (row * 7) % hours
        const add = (book: ProfileBook, row: number) =>
          book.add(hourOf(row) * HOUR_MS, rowOf(features, row), scores[row]!, `s${row % 3}`)
        for (const row of scores.keys()) add(mixed, row)
        for (let hour = 0; hour < hours; hour++)
          for (const row of scores.keys()) if (hourOf(row) === hour) add(sorted, row)
        for (let hour = 0; hour < hours; hour++)
          expect(encodeProfile(mixed.hour(hour)!)).toEqual(encodeProfile(sorted.hour(hour)!))
        expect(mixed.day(0)!.profile.rows).toBe(120)
      }),
      { numRuns: 20 },
    )
  })

  it('gives its days away and goes on, with names of segments that it is told', () => {
    const { features, scores } = shapedRows(9, 30)
    const book = bookOf(2)
    for (const row of scores.keys())
      book.add((row % 2) * 24 * HOUR_MS, rowOf(features, row), scores[row]!, `s${row % 3}`)
    expect([...book.segmentNames]).toEqual(['s0', 's1'])
    expect(
      book.takeDays().map(({ day, profile, segments }) => [day, profile.rows, [...segments!.keys()]]),
    ).toEqual([
      [0, 15, ['s0', '(other)', 's1']],
      [1, 15, ['s1', 's0', '(other)']],
    ])
    expect([book.takeDays(), [...book.segmentNames]]).toEqual([[], []])
    book.knowSegments(['s2', 's1', 's0'])
    for (const row of scores.keys()) book.add(0, rowOf(features, row), scores[row]!, `s${row % 3}`)
    const [day] = book.takeDays()
    expect([...day!.segments!.keys()]).toEqual(['(other)', 's1', 's2'])
    expect(day!.profile.rows).toBe(30)
  })

  it('takes profiles from elsewhere, and forgets days', () => {
    const { features, scores } = shapedRows(8, 40)
    const book = bookOf()
    book.add(0, rowOf(features, 0), 0.5)
    book.addHour(0, profileOf(features, scores))
    book.addHour(30, profileOf(features, scores))
    book.addSegment(1, 'a', new WindowProfile(scoreLayoutOf(reference, 0.9)))
    expect(book.hour(0)!.rows).toBe(41)
    book.add(50 * HOUR_MS, rowOf(features, 0), 0.5)
    book.removeBefore(2)
    expect(book.hoursWithRows()).toEqual([50])
    expect(() => book.add(Number.NaN, rowOf(features, 0), 0.5)).toThrow('a row is of the time NaN')
  })

  const bookOf = (segments = 50) => new ProfileBook(reference, { threshold: 0.9, segments })
})

function profileOf(features: Float64Array, scores: Float64Array): WindowProfile {
  const profile = new WindowProfile(layout)
  profile.addRows(features, scores)
  return profile
}

function profileOfRows(
  features: Float64Array,
  scores: Float64Array,
  wanted: (row: number) => boolean,
): WindowProfile {
  const rows = [...scores.keys()].filter(wanted)
  return profileOf(
    Float64Array.from(rows.flatMap((row) => [...rowOf(features, row)])),
    Float64Array.from(rows, (row) => scores[row]!),
  )
}

const rowOf = (features: Float64Array, row: number) => features.subarray(row * WIDTH, (row + 1) * WIDTH)

const spread = (count: number) =>
  Array.from({ length: count }, (_, at) => ((at * 0.6180339887498949) % 1) + 1)

function slowBinOf(bins: Bins, value: number): number {
  if (bins.kind === 'categorical') {
    if (!Number.isFinite(value)) return bins.codes.length + 1
    const at = bins.codes.indexOf(value)
    return at < 0 ? bins.codes.length : at
  }
  if (!Number.isFinite(value)) return bins.edges.length + 1
  const at = bins.edges.findIndex((edge) => edge >= value)
  return at < 0 ? bins.edges.length : at
}
