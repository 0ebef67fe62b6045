import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { RunClaimant, TimedJob } from './claim-due.ts'
import type { RunChanges, RunRecord } from './run-book.ts'
import { AlmostDone, type RunResult } from './scheduled-job.ts'

export interface RunnerParts {
  readonly change: RunChanges
  readonly world: Pick<World, 'now'>
  readonly claimant: RunClaimant
  /** Told of each run that has ended. */
  readonly onEnded: (run: RunRecord, error?: unknown) => void
}

/** The runs that this process has under way: one of each job at most. */
export interface Runner {
  /** Begins a run that was claimed; it goes on after this. */
  begin(job: TimedJob, run: RunRecord): void
  /** Keeps the claim of a job's run, or aborts it where another process has it. @returns whether it runs */
  keep(job: string): Promise<boolean>
  /** Aborts all, and resolves when they have ended. */
  stop(): Promise<void>
}

interface UnderWay {
  run: RunRecord
  readonly ending: AbortController
  done: Promise<void>
}

export const createRunner = ({ change, world, claimant, onEnded }: RunnerParts): Runner => {
  const underWay = new Map<string, UnderWay>()

  const record = (run: RunRecord, ended: Ended): Promise<RunRecord> =>
    change((book) => {
      const result = endedRecord(book.runs.get(run.id) ?? run, ended, world.now())
      return { entry: { version: 1, runs: [result] }, result }
    })
  const work = async (job: TimedJob, run: RunRecord, signal: AbortSignal): Promise<void> => {
    const ended = await runSafely(job, run, signal)
    const told = await record(run, ended).then(
      (ofAll) => ({ run: ofAll, error: ended.error }),
      // Its claim ends by itself, and others take it for lost then.
      (error: unknown) => ({ run: endedRecord(run, ended, world.now()), error }),
    )
    underWay.delete(job.name)
    onEnded(told.run, told.error)
  }

  return {
    begin(job, run) {
      const ending = new AbortController()
      const mine: UnderWay = { run, ending, done: Promise.resolve() }
      underWay.set(job.name, mine)
      mine.done = work(job, run, ending.signal)
    },
    async keep(job) {
      const mine = underWay.get(job)
      if (mine === undefined) return false
      const nowMs = world.now()
      const { claimMs } = claimant
      // A third of it has passed: two are left for a disk that is slow and turns that come late.
      if (nowMs < mine.run.claimedUntilMs - (2 * claimMs) / 3) return true
      const kept = await change((book) => {
        if (book.runs.get(mine.run.id)?.outcome !== undefined) return { result: undefined }
        const run = { ...mine.run, claimedUntilMs: nowMs + claimMs }
        return { entry: { version: 1, runs: [run] }, result: run }
      })
      // It may have ended by itself meanwhile.
      if (underWay.get(job) !== mine) return true
      if (kept !== undefined) mine.run = kept
      else mine.ending.abort(lostError(mine.run))
      return true
    },
    async stop() {
      const all = [...underWay.values()]
      for (const { run, ending } of all) ending.abort(closingError(run))
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

interface Ended {
  readonly outcome: 'done' | 'failed' | 'stopped'
  readonly result: RunResult & Pick<RunRecord, 'isAlmostDone'>
  readonly error?: unknown
}

const runSafely = async (job: TimedJob, run: RunRecord, signal: AbortSignal): Promise<Ended> => {
  try {
    return { outcome: 'done', result: (await job.run(run.scheduledForMs, signal)) ?? {} }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    if (error instanceof AlmostDone) {
      const { figures, cause } = error
      const measured = figures === undefined ? {} : { figures }
      return { outcome: 'failed', result: { detail, isAlmostDone: true, ...measured }, error: cause }
    }
    return { outcome: signal.aborted ? 'stopped' : 'failed', result: { detail }, error }
  }
}

/** What others took for lost stays so, and it is told how it ended after all. */
const endedRecord = (known: RunRecord, { outcome, result }: Ended, nowMs: number): RunRecord => {
  if (known.outcome === undefined) return { ...known, ...result, outcome, endedMs: nowMs }
  const { detail = 'without a word' } = result
  return { ...known, detail: `ended all the same, ${outcome}: ${detail}` }
}

const named = ({ job, scheduledForMs }: RunRecord) => ({
  job,
  scheduledFor: new Date(scheduledForMs).toISOString(),
})

const lostError = (run: RunRecord): VigiaError =>
  new VigiaError('SCHEDULE_RUN_LOST', {
    ...named(run),
    reason: 'it gave no sign of life for as long as its claim held, and another process took it for dead',
  })

const closingError = (run: RunRecord): VigiaError => new VigiaError('SCHEDULE_RUN_ENDED', named(run))
