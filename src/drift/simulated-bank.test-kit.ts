import { logistic } from '../foundation/elementary/exponential.ts'
import { createRandom, type Random } from '../foundation/random.ts'
import { weekdayOf } from './chart/observations.ts'
import type { DayProfile } from './profile-book.ts'
import { type ProfileLayout, profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import { categoricalBinsOf, numericBinsOf } from './profiles.test-kit.ts'
import type { Bins, DriftReference } from './reference-bins.ts'
import { WindowProfile } from './window-profile.ts'

/** Rows of a day: each by a user who is active that day. */
interface DayRows {
  readonly day: number
  readonly count: number
  readonly users: Int32Array
}

/** How a feature comes about: fills the values of a day's rows. */
interface SimulatedFeature {
  readonly name: string
  readonly isCode: boolean
  readonly fill: (rows: DayRows, random: Random, into: Float64Array) => void
}

export interface BankOptions {
  readonly rowsPerDay?: number
  /** Features at most, of each kind some. Default 60. */
  readonly features?: number
}

const USERS = 3000
const ACTIVE = 800

/**
 * Days of a bank that does not drift, with what makes drift detectors cry wolf: rows of the same users, days
 * that differ, weekdays, features that remember, features that grow. Every column of every day has its own
 * stream of random numbers, so that one can be changed and all others stay.
 */
export class SimulatedBank {
  readonly reference: DriftReference
  readonly layout: ProfileLayout
  private readonly scoreLayout: ProfileLayout
  private readonly random: Random
  private readonly features: readonly SimulatedFeature[]
  private readonly rowsPerDay: number
  /** Levels of days by feature: a walk back to 0 that every day takes one step of. */
  private readonly levels = new Map<string, number[]>()

  constructor(seed: number, { rowsPerDay = 10_000, features = 60 }: BankOptions = {}) {
    this.random = createRandom(seed)
    this.rowsPerDay = rowsPerDay
    this.features = this.featuresOfAllKinds().slice(0, features)
    this.reference = this.makeReference()
    this.layout = profileLayoutOf(this.reference, { threshold: THRESHOLD })
    this.scoreLayout = scoreLayoutOf(this.reference, THRESHOLD)
  }

  get names(): readonly string[] {
    return this.features.map(({ name }) => name)
  }

  day(day: number): DayProfile {
    const rows = this.rowsOf(day)
    const columns = this.features.map((feature) => this.valuesOf(feature, rows))
    const scores = this.scoresOf(rows)
    const profile = new WindowProfile(this.layout)
    profile.addColumns(columns, scores)
    const segments = new Map<string, WindowProfile>()
    const { next } = this.random.fork(`segments ${day}`)
    const bySegment = SEGMENTS.map((): number[] => [])
    for (const score of scores) bySegment[segmentAt(next())]!.push(score)
    for (const [at, [name]] of SEGMENTS.entries()) {
      const ofSegment = new WindowProfile(this.scoreLayout)
      ofSegment.addRows(new Float64Array(0), Float64Array.from(bySegment[at]!))
      segments.set(name, ofSegment)
    }
    return { day, profile, segments }
  }

  days(from: number, count: number): DayProfile[] {
    return Array.from({ length: count }, (_, at) => this.day(from + at))
  }

  /** `of` with the values of one feature changed. */
  changed(of: DayProfile, name: string, change: (values: Float64Array, random: Random) => void): DayProfile {
    const feature = this.features.find((each) => each.name === name)!
    const values = this.valuesOf(feature, this.rowsOf(of.day))
    change(values, this.random.fork(`change ${of.day}`))
    const alone = profileLayoutOf(this.reference, { features: [name] })
    const ofColumn = new WindowProfile(alone)
    ofColumn.addColumns([values], new Float64Array(values.length))
    const counts = of.profile.counts.slice()
    const { from } = this.layout.columns.find((column) => column.name === name)!
    counts.set(ofColumn.countsOf(alone.columns[0]!), from)
    const profile = new WindowProfile(this.layout)
    profile.restore(counts, of.profile.rows, of.profile.alerts)
    return { ...of, profile }
  }

  private rowsOf(day: number, most = Number.POSITIVE_INFINITY): DayRows {
    const random = this.random.fork(`rows ${day}`)
    const usual = this.rowsPerDay * (weekdayOf(day) > 4 ? 0.8 : 1.05)
    const count = Math.min(most, Math.round(usual * (1 + 0.03 * random.normal())))
    const active = Int32Array.from({ length: ACTIVE }, () => random.integer(USERS))
    return { day, count, users: Int32Array.from({ length: count }, () => active[random.integer(ACTIVE)]!) }
  }

  private valuesOf({ name, fill }: SimulatedFeature, rows: DayRows): Float64Array {
    const values = new Float64Array(rows.count)
    fill(rows, withPool(this.random.fork(`${name} ${rows.day}`)), values)
    return values
  }

  /** Scores are high for some users, a little higher on some days. */
  private scoresOf(rows: DayRows): Float64Array {
    const { normal } = withPool(this.random.fork(`score ${rows.day}`))
    const level = 0.03 * this.random.fork(`score level ${rows.day}`).normal()
    const users = this.userLevels('score')
    return Float64Array.from(rows.users, (user) => logistic(-4 + level + 0.7 * users[user]! + 1.2 * normal()))
  }

  private makeReference(): DriftReference {
    const week = Array.from({ length: 7 }, (_, day) => this.rowsOf(day - 7, 3000))
    const features = this.features.map((feature): [string, Bins] => {
      const values = week.flatMap((rows) => [...this.valuesOf(feature, rows)])
      return [feature.name, feature.isCode ? categoricalBinsOf(values) : numericBinsOf(values)]
    })
    const scores = week.flatMap((rows) => [...this.scoresOf(rows)])
    return { features: Object.fromEntries(features), score: { profile: numericBinsOf(scores) } }
  }

  private featuresOfAllKinds(): SimulatedFeature[] {
    const features: SimulatedFeature[] = [...CALENDAR]
    for (let at = 0; at < 8; at++) {
      features.push(
        numeric(
          `plain_${at}`,
          (_, { normal }) =>
            () =>
              normal(),
        ),
        numeric(
          `amount_${at}`,
          (_, { normal }) =>
            () =>
              Math.exp(1 + normal()),
        ),
        this.ofUsers(`user_${at}`, 0.2 + 0.1 * at),
        this.remembering(`risk_${at}`, 0.6 + 0.05 * at, 0.02),
        this.onWeekdays(`visits_${at}`, 0.05 * at),
        this.growing(`growing_${at}`, [0.01, 0.005, 0.002, 0.001, -0.001, 0.0005, 0.003, 0.007][at]!),
        categorical(`category_${at}`, 8 + 3 * at),
        numeric(
          `gaps_${at}`,
          (_, { normal, next }) =>
            () =>
              next() < 0.02 ? Number.NaN : normal(),
        ),
      )
    }
    return features
  }

  private ofUsers(name: string, share: number): SimulatedFeature {
    const users = this.userLevels(name)
    const own = Math.sqrt(share)
    const rest = Math.sqrt(1 - share)
    return {
      name,
      isCode: false,
      fill: (rows, { normal }, into) => {
        for (let i = 0; i < rows.count; i++) into[i] = own * users[rows.users[i]!]! + rest * normal()
      },
    }
  }

  private remembering(name: string, memory: number, step: number): SimulatedFeature {
    return numeric(name, (rows, { normal }) => {
      const level = this.levelOf(name, rows.day, memory, step)
      return () => level + normal()
    })
  }

  private onWeekdays(name: string, size: number): SimulatedFeature {
    return numeric(name, (rows, random) => {
      const level = size * (weekdayOf(rows.day) > 4 ? 1 : 0) + 0.03 * random.fork('day').normal()
      return () => Math.max(0, Math.round(3 + level + 2 * random.normal()))
    })
  }

  private growing(name: string, slope: number): SimulatedFeature {
    const users = this.userLevels(name)
    return {
      name,
      isCode: false,
      fill: ({ day, count, users: of }, { normal }, into) => {
        for (let i = 0; i < count; i++) into[i] = slope * day + 0.5 * users[of[i]!]! + 0.8 * normal()
      },
    }
  }

  private userLevels(name: string): Float64Array {
    const { normal } = this.random.fork(`users of ${name}`)
    return Float64Array.from({ length: USERS }, normal)
  }

  private levelOf(name: string, day: number, memory: number, step: number): number {
    const levels = this.levels.get(name) ?? []
    this.levels.set(name, levels)
    const { normal } = this.random.fork(`level of ${name}`)
    let level = 0
    while (levels.length < 1000) {
      level = memory * level + step * normal()
      levels.push(level)
    }
    return levels[day + 100]!
  }
}

const POOL = 2 ** 20

let pool: Float64Array | undefined

/**
 * The same stream, whose normal numbers are read from a table of a million, from a random place on: what the
 * days of a bank cost is mostly to draw them. Two columns of a day share numbers in one case of fifty.
 */
const withPool = (random: Random): Random => {
  const { normal } = createRandom('pool')
  pool ??= Float64Array.from({ length: POOL }, normal)
  const table = pool
  let at = random.integer(POOL)
  return {
    next: random.next,
    integer: random.integer,
    fork: random.fork,
    normal: () => table[at++ & (POOL - 1)]!,
  }
}

/** About the 99th percentile. */
const THRESHOLD = 0.2

const SEGMENTS = [
  ['web', 0.5],
  ['shop', 0.8],
  ['phone', 0.95],
  ['post', 1],
] as const

const segmentAt = (place: number): number => SEGMENTS.findIndex(([, until]) => place < until)

const numeric = (
  name: string,
  valuesOf: (rows: DayRows, random: Random) => () => number,
): SimulatedFeature => ({
  name,
  isCode: false,
  fill: (rows, random, into) => {
    const draw = valuesOf(rows, random)
    for (let i = 0; i < rows.count; i++) into[i] = draw()
  },
})

/** Shares fall by a fifth from category to category: from some 20 % down to 1 % and less. */
const categorical = (name: string, categories: number): SimulatedFeature => ({
  name,
  isCode: true,
  fill: (rows, { next }, into) => {
    const weights = Array.from({ length: categories }, (_, at) => 0.8 ** at)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const until = weights.map(
      (_, at) => weights.slice(0, at + 1).reduce((sum, weight) => sum + weight, 0) / total,
    )
    for (let i = 0; i < rows.count; i++) {
      const place = next()
      let at = 0
      while (at < categories - 1 && place >= until[at]!) at++
      into[i] = at
    }
  },
})

const hourOf = ({ day }: DayRows, random: Random): (() => number) => {
  const middle = (weekdayOf(day) > 4 ? 15 : 13) + 0.2 * random.fork('day').normal()
  return () => Math.max(0, Math.min(23, Math.round(middle + 4 * random.normal())))
}

const CALENDAR: readonly SimulatedFeature[] = [
  { name: 'weekday', isCode: true, fill: ({ day }, _, into) => into.fill(weekdayOf(day)) },
  { name: 'is_weekend', isCode: false, fill: ({ day }, _, into) => into.fill(weekdayOf(day) > 4 ? 1 : 0) },
  numeric('hour', hourOf),
  numeric('is_business_hours', (rows, random) => {
    const hour = hourOf(rows, random)
    return () => {
      const at = hour()
      return weekdayOf(rows.day) < 5 && at >= 9 && at < 17 ? 1 : 0
    }
  }),
]
