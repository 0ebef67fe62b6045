import { VigiaError } from '../errors.ts'
import type { BookChange } from '../ports/journaled.ts'
import { type Episode, type EpisodeRecord, type EpisodeStatus, isAdjusted, isEnded } from './episode.ts'
import type { RetrainingLook } from './finding.ts'
import { nextStep } from './next-step.ts'
import {
  type RetrainingBook,
  type RetrainingEntry,
  runningEpisode,
  withRetraining,
} from './retraining-book.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { RetrainingWorks, ServingControl } from './retraining-works.ts'
import type { NextStep, StepOutcome } from './step.ts'
import { takeRetrainingLook } from './take-look.ts'

/** Changes the book of a journal (`openJournaled`). */
export type ChangeRetraining = <Result>(
  change: BookChange<RetrainingEntry, RetrainingBook, Result>,
) => Promise<Result>

/** What a step of retraining works with. */
export interface AdvanceOptions {
  /** Registered name of the model. */
  readonly model: string
  readonly change: ChangeRetraining
  readonly works: RetrainingWorks
  readonly control: ServingControl
  readonly rules: RetrainingRules
  readonly now: () => number
  /** Who does it: a person, or `vigia`. */
  readonly by: string
  readonly signal: AbortSignal
  /** What a look has found since; taken in first, once. */
  readonly look?: RetrainingLook
  /** Tells what would be done after the look, and neither does nor writes anything. */
  readonly dryRun?: boolean
}

/** What a step came to. */
export type Advanced =
  /** No episode runs. */
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'waits'
      readonly episode: Episode
      readonly why: string
      readonly untilMs: number | null
    }
  /** After a dry run: `what` would be done. */
  | { readonly kind: 'would'; readonly episode: Episode; readonly what: string; readonly why: string }
  | { readonly kind: 'moved'; readonly episode: Episode; readonly record: EpisodeRecord }
  /**
   * The act failed, and is written down; it is tried again at the next step, unless the episode has ended.
   */
  | { readonly kind: 'failed'; readonly episode: Episode; readonly record: EpisodeRecord }
  /** Another process did it meanwhile. */
  | { readonly kind: 'overtaken' }

/**
 * Takes a look in and does the next due step of the running episode: at most one act, which is written down
 * when it is done. Killed in between, the next call does the act again or finds it done
 * (`RetrainingWorks`, `wantedService`), so an episode goes on wherever it was cut off.
 *
 * One process at a time should call it, since two would train the same twice; that only one of two writes its
 * step down is held by the journal.
 *
 * @throws what the journal throws; INTERRUPTED and the signal's reason, with nothing written down
 */
export const advanceRetraining = async (options: AdvanceOptions): Promise<Advanced> => {
  const { model, change, dryRun = false } = options
  const book = await takenIn(options, dryRun)
  const episode = runningEpisode(book, model)
  if (episode === undefined) return { kind: 'idle' }
  const { works, control, rules } = options
  let step: NextStep
  try {
    step = await nextStep(episode, { book, works, control, rules, nowMs: options.now() })
  } catch (error) {
    if (dryRun || isInterruption(error, options.signal)) throw error
    return failed(episode, error, options)
  }
  if (step.kind === 'wait') return { kind: 'waits', episode, why: step.why, untilMs: step.untilMs }
  if (dryRun) return { kind: 'would', episode, what: step.what, why: step.why }
  let outcome: StepOutcome
  try {
    options.signal.throwIfAborted()
    outcome = await step.carryOut(options.signal)
  } catch (error) {
    if (isInterruption(error, options.signal)) throw error
    return failed(episode, error, options)
  }
  const written = await write(episode, outcome, 0, options, change)
  return written === undefined ? { kind: 'overtaken' } : { kind: 'moved', ...written }
}

/** Somebody ends the running episode: what is in service goes back first. @throws RETRAINING_NOTHING_RUNS */
export const cancelRetraining = async (
  options: Pick<AdvanceOptions, 'model' | 'change' | 'now' | 'by'>,
  why: string,
): Promise<Episode> => {
  const { model, change } = options
  const running = runningEpisode(await change((book) => ({ result: book })), model)
  if (running === undefined) throw new VigiaError('RETRAINING_NOTHING_RUNS', { model })
  const written = await write(running, { why, ...wayBack(running) }, 0, options, change)
  // Another step came between: what is asked for is asked of what is there now.
  return written?.episode ?? cancelRetraining(options, why)
}

/** The way of a cancelled episode to its end: back over what it has put in service. */
const wayBack = (running: Episode): Pick<StepOutcome, 'to' | 'change'> => {
  if (running.before !== undefined) return { to: 'rolling_back' }
  return isAdjusted(running) ? { to: 'restoring', change: { returnTo: 'cancelled' } } : { to: 'cancelled' }
}

/** The book with the look taken in; after a dry run nothing of it stands in the journal. */
const takenIn = async (options: AdvanceOptions, dryRun: boolean): Promise<RetrainingBook> => {
  const { change, look, rules, by, now } = options
  return change((book) => {
    const entry = look === undefined ? undefined : takeRetrainingLook(book, look, { rules, by, nowMs: now() })
    const result = entry === undefined ? book : withRetraining(book, [entry])
    return { entry: dryRun ? undefined : entry, result }
  })
}

const isInterruption = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted || (error instanceof VigiaError && error.code === 'INTERRUPTED')

/**
 * Where an episode goes whose step has failed too often. Of any other status it is tried for ever: a server
 * that is away for a night is no reason to give a better model up.
 */
const GIVEN_UP: Partial<Record<EpisodeStatus, EpisodeStatus>> = {
  // A threshold that cannot be registered keeps nobody from training.
  adjusting: 'waiting',
  training: 'failed',
  comparing: 'failed',
}

/** A step that is tried for ever is written down so often, and then tried in silence. */
const failed = async (episode: Episode, error: unknown, options: AdvanceOptions): Promise<Advanced> => {
  const { change, rules, now, by } = options
  const failures = episode.failures + 1
  const code = error instanceof VigiaError ? { code: error.code } : {}
  const reason = error instanceof Error ? error.message : String(error)
  const givenUp = failures >= rules.mostFailures ? GIVEN_UP[episode.status] : undefined
  const to = givenUp ?? episode.status
  const why = `it failed ${failures === 1 ? 'once' : `${failures} times`}: ${reason}`
  if (givenUp === undefined && failures > rules.mostFailures) {
    const record = { atMs: now(), by, episode: episode.id, from: episode.status, to, why, ...code }
    return { kind: 'failed', episode, record }
  }
  const written = await write(episode, { to, why, ...code }, failures, options, change)
  return written === undefined ? { kind: 'overtaken' } : { kind: 'failed', ...written }
}

/** @returns undefined where the episode has gone on meanwhile: nothing is written */
const write = async (
  before: Episode,
  { to, why, change: changes, figures, code }: StepOutcome & Pick<EpisodeRecord, 'code'>,
  failures: number,
  { now, by }: Pick<AdvanceOptions, 'now' | 'by'>,
  change: ChangeRetraining,
): Promise<{ readonly episode: Episode; readonly record: EpisodeRecord } | undefined> => {
  const atMs = now()
  const isSame = to === before.status
  const episode: Episode = {
    ...before,
    ...changes,
    status: to,
    sinceMs: isSame ? before.sinceMs : atMs,
    // What an episode is about stays told while its status stays.
    why: isSame ? before.why : why,
    steps: before.steps + 1,
    failures: isSame ? failures : 0,
  }
  const run = episode.challenger?.run
  const record: EpisodeRecord = {
    atMs,
    by,
    episode: before.id,
    from: before.status,
    to,
    why,
    look: before.lastLook,
    ...(run !== undefined && { run }),
    ...(code !== undefined && { code }),
    ...(figures !== undefined && { figures }),
  }
  return change((book) => {
    const current = book.episodes.get(before.id)
    if (current === undefined || current.steps !== before.steps || isEnded(current.status))
      return { result: undefined }
    return { entry: { version: 1, episode, records: [record] }, result: { episode, record } }
  })
}
