import type { RetrainingSettings } from '../config/sections/retraining.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { Journaled } from '../ports/journaled.ts'
import { type Advanced, cancelRetraining } from '../retraining/advance-retraining.ts'
import type { RetrainingFinding, RetrainingLook } from '../retraining/finding.ts'
import { type RetrainingBook, type RetrainingEntry, runningEpisode } from '../retraining/retraining-book.ts'
import type { ServingControl } from '../retraining/retraining-works.ts'
import { rulesOfSettings } from '../retraining/rules-of-settings.ts'
import { takeRetrainingLook } from '../retraining/take-look.ts'
import type { ScheduledJob } from '../scheduling/scheduled-job.ts'
import { controlOfService } from './control-of-service.ts'
import { keyOf } from './look-of-report.ts'
import { retrainingJobs } from './retraining-jobs.ts'
import type { RetrainedServer, ScheduledRetraining } from './served-retraining.ts'

/** What retraining within a server works with. */
export interface ServeRetrainingParts {
  readonly settings: RetrainingSettings
  /** Registered name. */
  readonly model: string
  readonly change: Journaled<RetrainingEntry, RetrainingBook>
  readonly world: Pick<World, 'now' | 'newId'>
  /**
   * Does all steps that are due, beside this process, which is asked to serve other models.
   *
   * @throws PIPELINE_LOCKED while another process is at it
   */
  readonly advance: (control: ServingControl, signal: AbortSignal) => Promise<readonly Advanced[]>
  /** Tells what stands of retraining to the alerts. */
  readonly tellAlerts: (book: RetrainingBook) => Promise<void>
  /** Runs jobs at their times from now on. @returns when the first is due next, and what ends them */
  readonly runJobs: (
    jobs: readonly ScheduledJob[],
    onFailed: (error: unknown) => void,
  ) => { readonly nextMs: () => number | undefined; readonly stop: () => Promise<void> }
}

/** Who does what nobody asked for. */
const VIGIA = 'vigia'
/** What is known of the journal is read anew after so long, where somebody wants to know. */
const FRESH_MS = 60_000

/**
 * Retraining within a server: what looks find and people ask for is written down at once, and steps are done
 * at their times, after a look or a request, and at the start, where a process before this one may have been
 * cut off. One step at a time, over all processes; while nothing runs, nothing is read but the journal.
 */
export const serveRetraining = (parts: ServeRetrainingParts): ScheduledRetraining => {
  const { settings, model, change, world } = parts
  const rules = rulesOfSettings(settings)
  const steps = openSteps(parts)
  let jobs: ReturnType<ServeRetrainingParts['runJobs']> | undefined
  let readMs = Number.NEGATIVE_INFINITY

  const take = async (look: RetrainingLook, by: string): Promise<void> => {
    await change((known) => {
      const entry = takeRetrainingLook(known, look, { rules, by, nowMs: world.now() })
      return { entry, result: undefined }
    })
    steps.doNow()
  }
  const call = async (id: string, finding: RetrainingFinding, by: string): Promise<void> =>
    take({ id, model, champion: championOf(await steps.started), findings: [finding] }, by)

  return {
    model,
    book: () => bookOf(change),
    known: () => {
      if (world.now() - readMs > FRESH_MS) {
        readMs = world.now()
        void bookOf(change).catch(() => undefined)
      }
      return change.latest()
    },
    nextMs: () => jobs?.nextMs(),
    failures: steps.failures,
    request: (why, by, sinceMs) => {
      const id = world.newId()
      return call(`asked by ${id}`, { kind: 'request', id, by, why, sinceMs }, by)
    },
    cancel: async (why, by) => {
      await cancelRetraining({ model, change, now: world.now, by }, why)
      steps.doNow()
    },
    take: (found) => take({ ...found, model }, VIGIA),
    start: (server) => {
      steps.begin(server)
      const called = ({ id, finding }: { readonly id: string; readonly finding: RetrainingFinding }) =>
        call(id, finding, VIGIA)
      const mine = retrainingJobs({ settings, model, advance: steps.advance, call: called })
      const running = parts.runJobs(mine, steps.onFailed)
      jobs = running
      steps.doNow()
      return async () => {
        steps.close()
        await running.stop()
        await steps.ended()
      }
    },
  }
}

/** Steps of retraining, one run of them after the other. */
interface Steps {
  /** The server that they are done in, once it has started. */
  readonly started: Promise<RetrainedServer>
  readonly begin: (server: RetrainedServer) => void
  /** Does what is due, after what is under way. @returns what came of it */
  readonly advance: (signal: AbortSignal) => Promise<string>
  /** The same, and nobody waits for it: it may take hours. */
  readonly doNow: () => void
  readonly onFailed: (error: unknown) => void
  readonly failures: () => number
  /** What is under way is aborted, and is no failure. */
  readonly close: () => void
  readonly ended: () => Promise<unknown>
}

const openSteps = (parts: ServeRetrainingParts): Steps => {
  let server: RetrainedServer | undefined
  let begin: (server: RetrainedServer) => void = () => undefined
  const started = new Promise<RetrainedServer>((resolve) => {
    begin = resolve
  })
  const closing = new AbortController()
  let last: Promise<unknown> = Promise.resolve()
  let failures = 0
  const advance = (signal: AbortSignal): Promise<string> => {
    const mine = last.then(async () => advanceOnce(parts, await started, signal))
    last = mine.catch(() => undefined)
    return mine
  }
  const onFailed = (error: unknown): void => {
    if (closing.signal.aborted) return
    failures++
    server?.warn('RETRAINING_STEP_FAILED', {
      model: parts.model,
      reason: error instanceof Error ? error.message : 'its process gave no sign of life any more',
      next: error instanceof VigiaError ? error.fix : null,
    })
  }
  return {
    started,
    begin: (running) => {
      server = running
      begin(running)
    },
    advance,
    doNow: () => {
      if (server !== undefined) advance(closing.signal).catch(onFailed)
    },
    onFailed,
    failures: () => failures,
    close: () => closing.abort(new Error('the server closes')),
    ended: () => last,
  }
}

const bookOf = (change: ServeRetrainingParts['change']): Promise<RetrainingBook> =>
  change((book) => ({ result: book }))

const championOf = ({ models }: RetrainedServer): string =>
  keyOf(models().find(({ role }) => role === 'champion')!.sha256)

/** Steps of the episode that runs, if one does. @returns what came of it */
const advanceOnce = async (
  { model, change, advance, tellAlerts }: ServeRetrainingParts,
  server: RetrainedServer,
  signal: AbortSignal,
): Promise<string> => {
  signal.throwIfAborted()
  const tell = async (): Promise<void> => {
    // Nobody is told of a step that was done, and it stays done.
    await tellAlerts(await bookOf(change)).catch((error: unknown) =>
      server.warn(error instanceof VigiaError ? error.code : 'ALERT_JOURNAL_FAILED', {
        reason: error instanceof Error ? error.message : String(error),
      }),
    )
  }
  if (runningEpisode(await bookOf(change), model) === undefined) {
    await tell()
    return 'no retraining is under way'
  }
  try {
    const steps = await advance(controlOfService(server.control), signal)
    await tell()
    return steps.map(told).join('; ')
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'PIPELINE_LOCKED')
      return `another process is at it: ${error.message}`
    throw error
  }
}

const told = (step: Advanced): string => {
  switch (step.kind) {
    case 'idle':
      return 'it has ended'
    case 'overtaken':
      return 'another process did the step'
    case 'would':
    case 'waits':
      return `${step.episode.status}: ${step.why}`
    default:
      return `${step.record.to}: ${step.record.why}`
  }
}
