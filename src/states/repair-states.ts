import { featuresOfLog, type StartOfLog, startOfLog } from '../decisions/log/features-of-log.ts'
import type { LogFeatures } from '../decisions/log/log-features.ts'
import { readLogLayouts } from '../decisions/log/log-layouts.ts'
import { encodeRepair } from '../decisions/log/log-record.ts'
import { logIncomplete, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { withApplied } from '../decisions/states/stored-state.ts'
import { isUntrue } from '../decisions/states/untrue-time.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { encodeState } from '../features/state/encoding.ts'
import { HEADER } from '../features/state/layout.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { EntityKey, SharedStateStore } from '../ports/state-store.ts'
import type { EventTimeBounds } from '../transaction/event-time.ts'

export interface RepairStatesOptions extends StartOfLog {
  /** What times are taken as true. */
  readonly eventTime: EventTimeBounds
  readonly work: Work
}

/** The state of an entity whose history holds an untrue time, and what it should be. */
export interface RepairedState extends EntityKey {
  /** Latest untrue time in it, epoch milliseconds. */
  readonly untrueTimeMs: number
  /** Latest time without the untrue ones, epoch milliseconds; null when nothing else is in it. */
  readonly lastEventTimeMs: number | null
  /** The state as it would be if the untrue had never come, as `encodeState` writes it. */
  readonly words: Float64Array
}

/** What a log says of untrue times. */
export interface UntrueTimes {
  /** Transactions with one, by id, in the order logged. */
  readonly transactionIds: readonly string[]
  /** States that hold one and have not been repaired since. */
  readonly states: readonly RepairedState[]
  /** Number of the last record that was read, inclusive; 0 for an empty log. */
  readonly lastSequence: number
}

/**
 * Finds the states that a transaction of an untrue time has blinded, and computes what they would be without
 * it: the whole log again, from the states that it began with, without the untrue transactions. What came too
 * late for a blinded state, and entered it nowhere, enters it here.
 *
 * All states that the log touches are in memory meanwhile.
 *
 * @throws SERVING_LOG_INCOMPLETE when a record of the log is missing; SERVING_LAYOUTS_SEVERAL; INTERRUPTED
 */
export const findUntrueTimes = async (options: RepairStatesOptions): Promise<UntrueTimes> => {
  const { folders, openLog, work, eventTime } = options
  for (const folder of folders)
    if (((await readLogLayouts(openLog(folder)))?.begun.length ?? 0) > 0)
      throw new VigiaError('SERVING_LAYOUTS_SEVERAL', { folder, act: 'vigia state repair' })
  const start = await startOfLog(options)
  return withLoggedEntries({ ...options, after: start.after }, async (logged) => {
    const blinded = new Map<string, EntityKey & { untrueTimeMs: number }>()
    const transactionIds: string[] = []
    const seen = new Set<string>()
    let features: LogFeatures | undefined
    let last = start.after
    let lastEvent = 0
    for await (const entry of logged.entries) {
      work.signal.throwIfAborted()
      features ??= await featuresOfLog(entry, logged, options, start)
      if (entry.sequence > last + 1)
        throw logIncomplete(folders, `record ${last + 1} is missing; the next is ${entry.sequence}`)
      last = entry.sequence
      if (last % 1000 === 0)
        work.reportProgress({ activity: 'replaying the log', done: last, unit: 'records' })
      if (entry.kind === 'repair') {
        // One that was computed before the latest event would take that event away again.
        // One that has expired is of no other basis: nothing came between.
        if (entry.words.length === 0 || entry.repair.basis >= lastEvent) blinded.delete(nameOf(entry.repair))
        continue
      }
      lastEvent = entry.sequence
      if (entry.kind === 'label') features.applyLabel(entry.label)
      else {
        const { transaction, timing, model } = entry.decision
        const { transactionId, eventTimeMs } = transaction
        if (seen.has(transactionId)) continue
        seen.add(transactionId)
        if (!isUntrue(entry.decision, eventTime)) {
          features.createAllFeatures(await logged.modelOf(model), transaction, timing)
          continue
        }
        transactionIds.push(transactionId)
        for (const key of features.keysOf(transaction)) {
          const untrueTimeMs = Math.max(blinded.get(nameOf(key))?.untrueTimeMs ?? 0, eventTimeMs)
          blinded.set(nameOf(key), { ...key, untrueTimeMs })
        }
      }
    }
    const states = features === undefined ? [] : [...blinded.values()].map(repairedBy(features))
    return { transactionIds, states, lastSequence: last }
  })
}

const nameOf = ({ kind, token }: EntityKey): string => `${kind} ${token}`

const repairedBy =
  (features: LogFeatures) =>
  (key: EntityKey & { readonly untrueTimeMs: number }): RepairedState => {
    const layout = features.layoutOf(key.kind)
    const state = features.stateOf(key)
    const bytes = encodeState(layout, state)
    const watermark = state.data[state.base + HEADER.watermark]!
    return {
      ...key,
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
  for (const [i, { kind, token, words }] of states.entries()) {
    const sequence = lastSequence + 1 + i
    const repair = { kind, token, repairedAtMs, basis: lastSequence }
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
