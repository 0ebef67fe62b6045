import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type LayoutOptions, type ProfileLayout, profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import type { DriftReference } from './reference-bins.ts'
import { RowBuffer } from './row-buffer.ts'
import { mergeProfiles, WindowProfile } from './window-profile.ts'

const HOUR_MS = 3_600_000

/** Hours whose rows are collected at the same time, so that rows of two hours in alternation cost no more. */
const OPEN_HOURS = 3

/** Rows of segments beyond the bound are counted here. */
export const OTHER_SEGMENTS = '(other)'

/** Segments of a book where nothing is said. */
export const MOST_SEGMENTS = 50

/** What the rows of one day were like, all together and in each segment. */
export interface DayProfile {
  /** Whole days since 1970-01-01, UTC. */
  readonly day: number
  readonly profile: WindowProfile
  /** Scores by segment. */
  readonly segments?: ReadonlyMap<string, WindowProfile>
}

export interface BookOptions extends LayoutOptions {
  /** Segments at most; rows of later ones are counted as `(other)`. Default `MOST_SEGMENTS`, 50. */
  readonly segments?: number
}

/** An hour whose rows are being collected. */
interface OpenHour {
  hour: number
  readonly buffer: RowBuffer
}

/**
 * Profiles by hour, and of each segment's scores by day, of rows that come in any order: what a server fills
 * as it decides and what a log fills afterwards are the same. It forgets nothing by itself (`removeBefore`).
 */
export class ProfileBook {
  /** Bins of all its profiles. */
  readonly layout: ProfileLayout
  private readonly scoreLayout: ProfileLayout
  private readonly mostSegments: number
  private readonly known = new Set<string>()
  private readonly hours = new Map<number, WindowProfile>()
  private readonly segmentDays = new Map<number, Map<string, WindowProfile>>()
  /** The one that was used last comes first. */
  private readonly open: OpenHour[] = []

  /** In the bins of `reference`. */
  constructor(reference: DriftReference, options: BookOptions = {}) {
    this.layout = profileLayoutOf(reference, options)
    this.scoreLayout = scoreLayoutOf(reference, options.threshold)
    this.mostSegments = options.segments ?? MOST_SEGMENTS
  }

  /** Adds one row, which happened at `eventTimeMs`. */
  add(eventTimeMs: number, features: Float64Array, score: number, segment?: string): void {
    const hour = Math.floor(eventTimeMs / HOUR_MS)
    const latest = this.open[0]
    const buffer = latest !== undefined && latest.hour === hour ? latest.buffer : this.bufferOf(hour)
    buffer.add(features, score)
    if (segment !== undefined) this.addScore(Math.floor(eventTimeMs / DAY_MS), segment, score)
  }

  /** Adds one score to a segment alone. */
  addScore(day: number, segment: string, score: number): void {
    this.segmentOf(day, segment).addScore(score)
  }

  /** Adds rows of one hour that lie in columns, one for each feature, and their scores. */
  addColumns(hour: number, columns: readonly Float64Array[], scores: Float64Array): void {
    this.hourOf(hour).addColumns(columns, scores)
  }

  /** Adds the profile of rows of one hour from elsewhere. `hour` in whole hours since 1970-01-01, UTC. */
  addHour(hour: number, profile: WindowProfile): void {
    this.hourOf(hour).merge(profile)
  }

  /** Adds the scores of one segment and day from elsewhere. */
  addSegment(day: number, segment: string, profile: WindowProfile): void {
    this.segmentOf(day, segment).merge(profile)
  }

  /** Hours with rows, ascending. */
  hoursWithRows(): number[] {
    return [...this.hours.keys()].sort((a, b) => a - b)
  }

  /** The profile of an hour; undefined when it has no rows. */
  hour(hour: number): WindowProfile | undefined {
    this.flush()
    return this.hours.get(hour)
  }

  /** The profile of a day, merged from its hours; undefined when it has no rows. */
  day(day: number): DayProfile | undefined {
    const hours = Array.from({ length: 24 }, (_, hour) => this.hour(day * 24 + hour))
    const profile = mergeProfiles(hours.filter((of) => of !== undefined))
    if (profile === undefined) return undefined
    return { day, profile, segments: this.segmentDays.get(day) ?? new Map() }
  }

  /** The names of segments in the order in which they came. */
  get segmentNames(): Iterable<string> {
    return this.known
  }

  /** Takes these for the first names that came, so that a book goes on where another one ended. */
  knowSegments(names: Iterable<string>): void {
    for (const name of names) if (this.known.size < this.mostSegments) this.known.add(name)
  }

  /** All days with rows, ascending, which the book forgets, with all names of segments. */
  takeDays(): DayProfile[] {
    const numbers = [...new Set(this.hoursWithRows().map((hour) => Math.floor(hour / 24)))]
    const days = numbers.map((day) => this.day(day)!)
    this.open.length = 0
    this.hours.clear()
    this.segmentDays.clear()
    this.known.clear()
    return days
  }

  /** Forgets hours and segments of days before `day`. Names of segments are kept. */
  removeBefore(day: number): void {
    this.flush()
    const kept = this.open.filter(({ hour }) => hour >= day * 24)
    this.open.splice(0, this.open.length, ...kept)
    for (const hour of this.hours.keys()) if (hour < day * 24) this.hours.delete(hour)
    for (const of of this.segmentDays.keys()) if (of < day) this.segmentDays.delete(of)
  }

  private flush(): void {
    for (const { buffer } of this.open) buffer.flush()
  }

  /** Where rows of an hour are collected; of many hours, in the place of the least recent one. */
  private bufferOf(hour: number): RowBuffer {
    if (!Number.isFinite(hour))
      throw new VigiaError('DRIFT_PROFILE_REFUSED', { reason: `a row is of the time ${hour}` })
    const { open } = this
    let at = 0
    while (at < open.length && open[at]!.hour !== hour) at++
    if (at === open.length) {
      const profile = this.hourOf(hour)
      if (at < OPEN_HOURS) open.push({ hour, buffer: new RowBuffer(profile) })
      else {
        at--
        open[at]!.buffer.turnTo(profile)
        open[at]!.hour = hour
      }
    }
    const found = open[at]!
    for (; at > 0; at--) open[at] = open[at - 1]!
    open[0] = found
    return found.buffer
  }

  private hourOf(hour: number): WindowProfile {
    let profile = this.hours.get(hour)
    if (profile === undefined) {
      profile = new WindowProfile(this.layout)
      this.hours.set(hour, profile)
    }
    return profile
  }

  private segmentOf(day: number, segment: string): WindowProfile {
    let profiles = this.segmentDays.get(day)
    if (profiles === undefined) {
      profiles = new Map()
      this.segmentDays.set(day, profiles)
    }
    if (!this.known.has(segment) && this.known.size < this.mostSegments) this.known.add(segment)
    const name = this.known.has(segment) ? segment : OTHER_SEGMENTS
    let profile = profiles.get(name)
    if (profile === undefined) {
      profile = new WindowProfile(this.scoreLayout)
      profiles.set(name, profile)
    }
    return profile
  }
}
