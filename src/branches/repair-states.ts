import { type StartOfLog, startOfLog } from '../decisions/log/features-of-log.ts'
import { type DecisionEntry, encodeRepair } from '../decisions/log/log-record.ts'
import { logIncomplete, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { Repaired } from '../decisions/log/repaired-state.ts'
import { withApplied } from '../decisions/states/stored-state.ts'
import { isUntrue } from '../decisions/states/untrue-time.ts'
import type { Work } from '../disk/work.ts'
import { encodeState } from '../features/state/encoding.ts'
import { HEADER } from '../features/state/layout.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { EntityKey, SharedStateStore } from '../ports/state-store.ts'
import type { EventTimeBounds } from '../transaction/event-time.ts'
import { type ReplayedLayouts, type ReplayedStates, replayLayouts } from './replayed-layouts.ts'

export interface RepairStatesOptions extends StartOfLog {
  /** What times are taken as true. */
  readonly eventTime: EventTimeBounds
  /** Whether a store still has states of a layout; left out: all of them are there. */
  readonly isKept?: (layoutKey: string) => boolean
  readonly work: Work
}

/** The state of an entity whose history holds an untrue time, and what it should be. */
export interface RepairedState extends EntityKey {
  /** `layoutKey` of the states that it is one of; absent: those that the log began with. */
  readonly layout?: string
  /** Latest untrue time in it, epoch milliseconds. */
  readonly untrueTimeMs: number
  /** Latest time without the untrue ones, epoch milliseconds; null when nothing else is in it. */
  readonly lastEventTimeMs: number | null
  /** The state as it would be if the untrue had never come, as `encodeState` writes it. */
  readonly words: Float64Array
}

/** What a repair can do for the states of one layout. */
export interface RepairedLayout {
  /** Undefined: that of models of versions that knew no layouts. */
  readonly layoutKey: string | undefined
  /** Whether a model of it decided last. */
  readonly isDeciding: boolean
  /** Records after this number were looked at. */
  readonly after: number
  /** Its states that need repair. */
  readonly states: number
  /**
   * Why nothing is repaired: no store has states of it any more; no file has those that a replay could begin
   * with; or labels of earlier transactions came that do not say whose they are among its entities.
   */
  readonly leftOut?: 'ended' | 'unknown' | 'uncertain'
}

/** What a log says of untrue times. */
export interface UntrueTimes {
  /** Transactions with one, by id, in the order logged. */
  readonly transactionIds: readonly string[]
  /** States that hold one and have not been repaired since. */
  readonly states: readonly RepairedState[]
  /** Each layout that has states on this log; none for an empty log. */
  readonly layouts: readonly RepairedLayout[]
  /** Number of the last record that was read, inclusive; 0 for an empty log. */
  readonly lastSequence: number
}

/**
 * Finds the states that a transaction of an untrue time has blinded, and computes what they would be without
 * it: the whole log again, from the states that it began with, without the untrue transactions. What came too
 * late for a blinded state, and entered it nowhere, enters it here. States of several layouts on one log are
 * each computed from where they began.
 *
 * All states that the log touches are in memory meanwhile.
 *
 * @throws SERVING_LOG_INCOMPLETE when a record of the log is missing; SERVING_SNAPSHOT_UNUSABLE; INTERRUPTED
 */
export const findUntrueTimes = async (options: RepairStatesOptions): Promise<UntrueTimes> => {
  const { folders, work, eventTime } = options
  const start = await startOfLog(options)
  return withLoggedEntries({ ...options, after: start.after }, async (logged) => {
    const transactionIds: string[] = []
    const seen = new Set<string>()
    let replay: ReplayedLayouts | undefined
    const blinded = new BlindedStates()
    let last = start.after
    let decidedBy: string | undefined
    for await (const entry of logged.entries) {
      work.signal.throwIfAborted()
      replay ??= await replayLayouts(entry, logged, options, start)
      if (entry.sequence > last + 1)
        throw logIncomplete(folders, `record ${last + 1} is missing; the next is ${entry.sequence}`)
      last = entry.sequence
      if (last % 1000 === 0)
        work.reportProgress({ activity: 'replaying the log', done: last, unit: 'records' })
      if (entry.kind === 'repair') {
        blinded.repaired(replay.ownersOf(entry), entry)
        continue
      }
      blinded.moved(last)
      if (entry.kind === 'label') replay.take(entry)
      else {
        const model = await logged.modelOf(entry.decision.model)
        decidedBy = model.layoutKey
        const { transactionId } = entry.decision.transaction
        if (seen.has(transactionId)) continue
        seen.add(transactionId)
        if (isUntrue(entry.decision, eventTime)) {
          transactionIds.push(transactionId)
          blinded.blind(replay.current(last), entry.decision)
        } else replay.decide(last, model, entry.decision, false)
      }
    }
    const found = replay === undefined ? NOTHING_FOUND : foundIn(replay, last, blinded, decidedBy, options)
    return { transactionIds, ...found, lastSequence: last }
  })
}

interface Blinded extends EntityKey {
  untrueTimeMs: number
}

/** Which states hold an untrue time, of each layout. */
class BlindedStates {
  private readonly byStates = new Map<ReplayedStates, Map<string, Blinded>>()
  private lastMove = 0

  of(states: ReplayedStates): Map<string, Blinded> {
    const found = this.byStates.get(states) ?? new Map<string, Blinded>()
    this.byStates.set(states, found)
    return found
  }

  /** A decision or a label came. */
  moved(sequence: number): void {
    this.lastMove = sequence
  }

  blind(all: readonly ReplayedStates[], { transaction }: Pick<DecisionEntry, 'transaction'>): void {
    for (const states of all) {
      const blinded = this.of(states)
      for (const key of states.features.keysOf(transaction)) {
        const untrueTimeMs = Math.max(blinded.get(nameOf(key))?.untrueTimeMs ?? 0, transaction.eventTimeMs)
        blinded.set(nameOf(key), { ...key, untrueTimeMs })
      }
    }
  }

  repaired(owners: readonly ReplayedStates[], { repair, words }: Repaired): void {
    // One that was computed before the latest event would take that event away again.
    // One that has expired is of no other basis: nothing came between.
    if (words.length > 0 && repair.basis < this.lastMove) return
    for (const states of owners) this.of(states).delete(nameOf(repair))
  }
}

const nameOf = ({ kind, token }: EntityKey): string => `${kind} ${token}`

const NOTHING_FOUND: Pick<UntrueTimes, 'states' | 'layouts'> = { states: [], layouts: [] }

const foundIn = (
  replay: ReplayedLayouts,
  last: number,
  blinded: BlindedStates,
  decidedBy: string | undefined,
  { isKept = () => true }: RepairStatesOptions,
): Pick<UntrueTimes, 'states' | 'layouts'> => {
  const states: RepairedState[] = []
  const layouts: RepairedLayout[] = []
  for (const replayed of replay.current(last + 1)) {
    const { layoutKey, after, isUncertain } = replayed
    const isEnded = layoutKey !== undefined && !isKept(layoutKey)
    const leftOut = isEnded
      ? ({ leftOut: 'ended' } as const)
      : isUncertain && ({ leftOut: 'uncertain' } as const)
    const found = leftOut === false ? [...blinded.of(replayed).values()].map(repairedBy(replayed)) : []
    states.push(...found)
    const isDeciding = decidedBy === undefined ? replayed.isFirst : decidedBy === layoutKey
    layouts.push({ layoutKey, isDeciding, after, states: found.length, ...leftOut })
  }
  for (const layoutKey of replay.unknown) {
    const leftOut = isKept(layoutKey) ? 'unknown' : 'ended'
    layouts.push({ layoutKey, isDeciding: decidedBy === layoutKey, after: last, states: 0, leftOut })
  }
  return { states, layouts }
}

const repairedBy =
  ({ features, isFirst, layoutKey }: ReplayedStates) =>
  (key: Blinded): RepairedState => {
    const layout = features.layoutOf(key.kind)
    const state = features.stateOf(key)
    const bytes = encodeState(layout, state)
    const watermark = state.data[state.base + HEADER.watermark]!
    return {
      ...key,
      ...(!isFirst && layoutKey !== undefined && { layout: layoutKey }),
      lastEventTimeMs: Number.isFinite(watermark) ? watermark : null,
      words: new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8),
    }
  }

/**
 * Writes repaired states to the log of a service that owns its states and is stopped: its next start takes
 * them over. Resolves when they are durable.
 *
 * @throws SERVING_LOG_INCOMPLETE when the log has gone on since it was read
 */
export const logRepairs = async (
  log: PredictionLog,
  { states, lastSequence }: UntrueTimes,
  folder: string,
  repairedAtMs: number,
): Promise<void> => {
  if (log.lastSequence !== lastSequence)
    throw logIncomplete([folder], `its last record is ${log.lastSequence}, but ${lastSequence} was read last`)
  for (const [i, { kind, token, layout, words }] of states.entries()) {
    const sequence = lastSequence + 1 + i
    const repair = { kind, token, repairedAtMs, basis: lastSequence, ...(layout !== undefined && { layout }) }
    await log.append(sequence, encodeRepair(sequence, repair, words))
  }
}

/**
 * Puts repaired states into a shared store whose servers are stopped, each with its record in one
 * transaction of the store.
 *
 * @throws SERVING_LOG_INCOMPLETE when the store has gone on since the log was read: a server still runs, or a
 * log is missing. What was written by then counts as no repair: it is found again.
 */
export const commitRepairs = async (
  store: SharedStateStore,
  { states, lastSequence }: UntrueTimes,
  folders: readonly string[],
  repairedAtMs: number,
  receiptLifeMs: number,
): Promise<void> => {
  const goneOn = () =>
    logIncomplete(folders, `the store has gone on after record ${lastSequence}: stop every server`)
  // Before anything is written: what a log that was not named has is in no state that was computed.
  if ((await store.readHistory()).lastSequence !== lastSequence) throw goneOn()
  for (const [i, { kind, token, words }] of states.entries()) {
    const [stored] = await store.load([{ kind, token }])
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
    const change = { key: { kind, token }, bytes: withApplied(bytes, 0), expected: stored?.version ?? 0 }
    const entry = encodeRepair(0, { kind, token, repairedAtMs, basis: lastSequence }, words).slice()
    const id = `repair/${kind}/${token}/${repairedAtMs}`
    const committed = await store.commit([change], { id, bytes: NOTHING }, entry, receiptLifeMs)
    if (committed.outcome !== 'committed' || committed.sequence !== lastSequence + 1 + i) throw goneOn()
  }
}

const NOTHING = new Uint8Array(0)
