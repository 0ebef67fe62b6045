import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type LayoutOptions, type ProfileLayout, profileLayoutOf, scoreLayoutOf } from './profile-layout.ts'
import type { DriftReference } from './reference-bins.ts'
import { RowBuffer } from './row-buffer.ts'
import { mergeProfiles, WindowProfile } from './window-profile.ts'

const HOUR_MS = 3_600_000

/** Rows of segments beyond the bound are counted here. */
export const OTHER_SEGMENTS = '(other)'

/** What the rows of one day were like, all together and in each segment. */
export interface DayProfile {
  /** Whole days since 1970-01-01, UTC. */
  readonly day: number
  readonly profile: WindowProfile
  /** Scores by segment. */
  readonly segments?: ReadonlyMap<string, WindowProfile>
}

export interface BookOptions extends LayoutOptions {
  /** Segments at most; rows of later ones are counted as `(other)`. Default 50. */
  readonly segments?: number
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
  private buffer: RowBuffer | undefined
  private openHour = Number.NaN
  private readonly oneScore = new Float64Array(1)
  private readonly noFeatures = new Float64Array(0)

  /** In the bins of `reference`. */
  constructor(reference: DriftReference, options: BookOptions = {}) {
    this.layout = profileLayoutOf(reference, options)
    this.scoreLayout = scoreLayoutOf(reference, options.threshold)
    this.mostSegments = options.segments ?? 50
  }

  /** Adds one row, which happened at `eventTimeMs`. */
  add(eventTimeMs: number, features: Float64Array, score: number, segment?: string): void {
    const hour = Math.floor(eventTimeMs / HOUR_MS)
    if (hour !== this.openHour) this.open(hour)
    this.buffer!.add(features, score)
    if (segment !== undefined) this.addScore(Math.floor(eventTimeMs / DAY_MS), segment, score)
  }

  /** Adds one score to a segment alone. */
  addScore(day: number, segment: string, score: number): void {
    this.oneScore[0] = score
    this.segmentOf(day, segment).addRows(this.noFeatures, this.oneScore)
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
    this.buffer?.flush()
    return this.hours.get(hour)
  }

  /** The profile of a day, merged from its hours; undefined when it has no rows. */
  day(day: number): DayProfile | undefined {
    const hours = Array.from({ length: 24 }, (_, hour) => this.hour(day * 24 + hour))
    const profile = mergeProfiles(hours.filter((of) => of !== undefined))
    if (profile === undefined) return undefined
    return { day, profile, segments: this.segmentDays.get(day) ?? new Map() }
  }

  /** Forgets hours and segments of days before `day`. Names of segments are kept. */
  removeBefore(day: number): void {
    this.buffer?.flush()
    for (const hour of this.hours.keys())
      if (hour < day * 24 && hour !== this.openHour) this.hours.delete(hour)
    for (const of of this.segmentDays.keys()) if (of < day) this.segmentDays.delete(of)
  }

  private open(hour: number): void {
    if (!Number.isFinite(hour))
      throw new VigiaError('DRIFT_PROFILE_REFUSED', { reason: `a row is of the time ${hour}` })
    const profile = this.hourOf(hour)
    if (this.buffer === undefined) this.buffer = new RowBuffer(profile)
    else this.buffer.turnTo(profile)
    this.openHour = hour
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
