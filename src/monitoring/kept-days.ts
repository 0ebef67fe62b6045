import { decodeDays, encodeDays } from '../drift/days-encoding.ts'
import { type DayProfile, MOST_SEGMENTS, OTHER_SEGMENTS } from '../drift/profile-book.ts'
import { mergeProfiles, type WindowProfile } from '../drift/window-profile.ts'
import type { DecidedDay, DecidedDays } from './decisions-by-day.ts'
import type { WatchedModel } from './monitored-model.ts'

/**
 * The latest days that are kept, and looked at: as many as an artifact tells of its training, and more than
 * limits are made from.
 */
export const MOST_DAYS = 130

/** A record that says whose log it is. */
export interface RecordMark {
  /** Number that the log gave it. */
  readonly sequence: number
  /** Of its bytes. */
  readonly hash: number
}

/**
 * What the decisions of a log were like, by day, as one model sees them: those of its records after `after`,
 * exclusive, up to `through`, inclusive. Numbers are those that the log gave.
 */
export interface KeptDays extends Pick<DecidedDays, 'segments' | 'rows' | 'tooOld' | 'unreadable'> {
  readonly after: number
  readonly through: number
  /** A record that the log has had; undefined: none is known. */
  readonly mark: RecordMark | undefined
  /** Whether the log has records of states that many share: their own numbers are others than its. */
  readonly isShared: boolean
  /** By day, ascending. */
  readonly days: ReadonlyMap<number, KeptDay>
}

export interface KeptDay {
  readonly firstRecord: number
  /** Of `encodeDays`, of this day alone. */
  readonly bytes: Uint8Array
}

/** Of a log of which nothing was counted yet: what comes after this record will be. */
export const nothingKept = (after: number, isShared: boolean): KeptDays => ({
  after,
  through: after,
  mark: undefined,
  isShared,
  segments: [],
  rows: 0,
  tooOld: 0,
  unreadable: 0,
  days: new Map(),
})

/**
 * These days and what was decided in the records after them, up to `through`. Days beyond the latest
 * `MOST_DAYS` are dropped.
 */
export const withDecided = (
  kept: KeptDays,
  decided: DecidedDays,
  { through, mark }: Pick<KeptDays, 'through' | 'mark'>,
  model: WatchedModel,
): KeptDays => {
  const segments = namesOf(kept.segments, decided.segments)
  const known = new Set(segments)
  const days = new Map(kept.days)
  for (const added of decided.days) {
    const before = days.get(added.day)
    const day = merged(before && decodedDay(before.bytes, model), added, known)
    const firstRecord = Math.min(before?.firstRecord ?? Number.POSITIVE_INFINITY, added.firstRecord)
    days.set(added.day, { firstRecord, bytes: encodeDays([day]) })
  }
  return {
    after: kept.after,
    through,
    mark,
    isShared: kept.isShared,
    segments,
    rows: kept.rows + decided.rows,
    tooOld: kept.tooOld + decided.tooOld,
    unreadable: kept.unreadable + decided.unreadable,
    days: new Map([...days].sort(([a], [b]) => a - b).slice(-MOST_DAYS)),
  }
}

/** The days as they were counted. @throws DRIFT_PROFILE_REFUSED when they are in other bins */
export const decidedOf = (kept: KeptDays, model: WatchedModel): DecidedDays => ({
  days: [...kept.days.values()].map(({ firstRecord, bytes }) => ({
    ...decodedDay(bytes, model),
    firstRecord,
  })),
  segments: kept.segments,
  rows: kept.rows,
  tooOld: kept.tooOld,
  unreadable: kept.unreadable,
})

/** The names of segments of both, in the order in which they came, as a book bounds them. */
const namesOf = (first: readonly string[], then: readonly string[]): readonly string[] =>
  [...new Set([...first, ...then])].slice(0, MOST_SEGMENTS)

const decodedDay = (bytes: Uint8Array, { layout, scoreLayout }: WatchedModel): DayProfile =>
  decodeDays(bytes, layout, scoreLayout)[0]!

const merged = (
  before: DayProfile | undefined,
  added: DecidedDay,
  known: ReadonlySet<string>,
): DayProfile => {
  const segments = new Map<string, WindowProfile>(before?.segments ?? [])
  for (const [name, scores] of added.segments ?? []) {
    const under = known.has(name) ? name : OTHER_SEGMENTS
    const other = segments.get(under)
    segments.set(under, mergeProfiles(other === undefined ? [scores] : [other, scores])!)
  }
  const profile = mergeProfiles(before === undefined ? [added.profile] : [before.profile, added.profile])!
  return { day: added.day, profile, segments }
}
