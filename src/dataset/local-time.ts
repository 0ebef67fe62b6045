import type { SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral } from '../disk/database.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'

/**
 * How times without a zone are read. Where clocks go back an hour happens twice, where they go forward one
 * does not happen at all; `disambiguation` says which instant such a time is, in the words of Temporal.
 *
 * - `later`, and where absent: the later of the two instants; a skipped time is read with the offset before
 *   the change, so 02:30 is 03:30.
 * - `earlier`: the earlier of the two; a skipped time is read with the offset after the change: 01:30.
 * - `compatible`: the earlier of the two; a skipped time as `later` reads it.
 * - `reject`: neither is read.
 *
 * Source: ECMA-262 Temporal, DisambiguatePossibleEpochNanoseconds.
 */
export type LocalTimes = Pick<SourceMapping, 'timeZone' | 'disambiguation'>

/** As `source` says; what is the default travels with no model. */
export const localTimesOf = ({
  time_zone: timeZone,
  disambiguation,
}: Pick<SourceSettings, 'time_zone' | 'disambiguation'>): LocalTimes => ({
  timeZone,
  ...(timeZone !== '' && disambiguation !== 'later' && { disambiguation }),
})

/** SQL of a local time and of its two possible instants, in microseconds since 1970. */
export interface LocalParts {
  /** TIMESTAMP; NULL where the value is no local time. */
  readonly local: string
  /** With the offset of a day before. */
  readonly before: string
  /** With the offset of a day after. */
  readonly after: string
}

/** Beyond these a day more or less may be no timestamp; no clock is changed there. */
const CHANGES = "TIMESTAMP '1800-01-01' AND TIMESTAMP '9999-12-30'"
const DAY_US = 86_400_000_000

/** Whether the zone may have clocks that are changed. */
export const changesClocks = ({ timeZone }: LocalTimes): boolean => timeZone !== '' && timeZone !== 'UTC'

/** The parts as SQL over the local time alone. */
export const partsOf = (local: string, { timeZone }: LocalTimes): LocalParts => {
  const instant = (days: string, us: string): string =>
    `CASE WHEN ${local} BETWEEN ${CHANGES} THEN epoch_us(timezone(${sqlLiteral(timeZone)}, ${local} ${days} INTERVAL 1 DAY)) ${us} ${DAY_US} ELSE epoch_us(timezone(${sqlLiteral(timeZone)}, ${local})) END`
  return { local, before: `(${instant('-', '+')})`, after: `(${instant('+', '-')})` }
}

/** SQL: the instant of a local time, TIMESTAMP WITH TIME ZONE; NULL where it is rejected. */
export const instantOfLocal = (parts: LocalParts, times: LocalTimes): string => {
  const { before, after } = parts
  const chosen = {
    later: `greatest(${before}, ${after})`,
    earlier: `least(${before}, ${after})`,
    compatible: before,
    reject: 'NULL',
  }[times.disambiguation ?? 'later']
  const settled = `CASE WHEN ${isTold(before, parts, times)} THEN ${before} ELSE ${after} END`
  return `make_timestamptz(CASE WHEN ${before} = ${after} THEN ${before} WHEN ${isInDoubt(parts, times)} THEN ${chosen} ELSE ${settled} END)`
}

/** SQL: 1 where a local time happens twice, 2 where it never does, 0 otherwise. */
export const clockChangeOf = (parts: LocalParts, times: LocalTimes): string => {
  const { before, after } = parts
  return `CASE WHEN ${before} IS NULL OR ${before} = ${after} OR NOT ${isInDoubt(parts, times)} THEN 0 WHEN ${isTold(before, parts, times)} THEN 1 ELSE 2 END::UTINYINT`
}

/** Both instants are told as this time, or neither is. */
const isInDoubt = (parts: LocalParts, times: LocalTimes): string =>
  `(${isTold(parts.before, parts, times)} = ${isTold(parts.after, parts, times)})`

const isTold = (instant: string, { local }: LocalParts, { timeZone }: LocalTimes): string =>
  `(timezone(${sqlLiteral(timeZone)}, make_timestamptz(${instant})) = ${local})`
