import type { LogPosition } from '../../ports/prediction-log.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { ServedModelName } from '../decided.ts'
import type { Decisions, DecisionsOptions } from '../decisions.ts'
import type { LogEntry } from '../log/log-record.ts'
import type { LayoutOfStates } from '../states/layout-of-states.ts'
import type { BeforeDecision } from './log-replay.ts'

export interface OwnedDecisionsOptions extends DecisionsOptions {
  readonly store: StateStore
  /** The model of a log record's key. */
  readonly nameOf: (key: string) => Promise<ServedModelName>
  /** What of the log these states take in, and how; left out: models of one layout alone have decided. */
  readonly layout?: LayoutOfStates
  /** Share of `settings.cacheBytes` that they may use at the moment; left out: all. */
  readonly cacheShare?: () => number
  /** Who is told of decisions that others have made, before these states take them in. */
  readonly beforeDecision?: () => BeforeDecision | undefined
  /** Makes sure that nobody misses the numbers between these two, both exclusive, that the log has not. */
  readonly assertLost?: (after: number, before: number) => Promise<void>
}

/** How far states catch up at a time; all that the log has, where nothing is said. */
export interface CatchUpBounds {
  /** Records at most. */
  readonly most?: number
  /** Asked before each record: true ends it there. */
  readonly isOver?: () => boolean
  /** Nobody waits for it: decisions come first, and it takes what time they leave, or a fifth of it. */
  readonly givesWay?: boolean
}

/** States that one process owns: they decide, or they follow the log of others that do. */
export interface OwnedStates extends Decisions {
  /** Number of the last record, inclusive, that they have. */
  readonly through: number
  /** All records up to here are in their store, inclusive. */
  readonly savedThrough: number
  /** Whether their store has numbers that the log has not: those must not be given again. */
  readonly storedUpTo: number
  /** Forgets what is not saved and follows on from there. */
  follow(): Promise<void>
  /** Takes in what others have decided since, in slices. @throws SERVING_BRANCH_FAILED */
  catchUp(bounds?: CatchUpBounds): Promise<void>
  /** Takes in one record, the next after those before. */
  take(sequence: number, entry: LogEntry, position: LogPosition): Promise<void>
  /** They have all records up to this one. */
  reach(sequence: number): void
  /** They decide from now on, and give numbers after `given`: they have caught up, nobody else decides. */
  lead(given: number): Promise<void>
  /** From now on others decide. No request is under way. @returns last number that was given */
  rest(): Promise<number>
}
