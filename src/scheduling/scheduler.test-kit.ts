import { createMemoryJournalPlace } from '../adapters/memory/memory-journal.ts'
import type { MissedTimes, RunRecord, ScheduleEntry } from './run-book.ts'
import type { ScheduledJob } from './scheduled-job.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const CLAIM_MS = 2 * MINUTE_MS

/** One process with a scheduler; what it was told, in the order in which it was. */
export interface SimulatedProcess {
  readonly scheduler: Scheduler
  /** Times that it has begun to run. */
  readonly begun: string[]
  readonly ended: RunRecord[]
  readonly missed: MissedTimes[]
  /** Lets the run under way end. */
  release(error?: Error): Promise<void>
  /** It turns no more, as after `kill -9`: what it had under way is never heard of again. */
  kill(): void
  /** It turns no more, and goes on later, as after SIGSTOP. */
  freeze(): void
  thaw(): void
  /** Whether the run under way was aborted. */
  readonly isAborted: () => boolean
}

export interface ProcessOptions {
  readonly job?: Partial<ScheduledJob>
  /** Runs go on until `release`. Otherwise they end at once. */
  readonly isSlow?: boolean
  /** Milliseconds that its clock is ahead of the others'. */
  readonly aheadMs?: number
}

/** Some processes on one journal, and the clock that they go by. */
export const openSite = (start: string, step = MINUTE_MS) => {
  const place = createMemoryJournalPlace<ScheduleEntry>()
  const processes: { process: SimulatedProcess; isTurning: boolean; name: string }[] = []
  const gone = new Set<string>()
  let nowMs = Date.parse(start)
  let knowsTheDead = false
  const iso = (ms: number) => new Date(ms).toISOString().replace(':00.000Z', 'Z')

  const settle = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve()
  }
  const turn = async () => {
    for (const { process, isTurning } of processes) if (isTurning) await process.scheduler.turn()
    await settle()
  }

  return {
    place,
    now: () => nowMs,
    /** Processes of one machine know which of the others have ended. */
    tellTheDead: () => {
      knowsTheDead = true
    },
    start: (options: ProcessOptions = {}): SimulatedProcess => {
      const name = `process ${processes.length + 1}`
      const begun: string[] = []
      const ended: RunRecord[] = []
      const missed: MissedTimes[] = []
      let release: ((error?: Error) => void) | undefined
      let signal: AbortSignal | undefined
      const job: ScheduledJob = {
        name: 'looks',
        cron: '20 0 * * *',
        timeZone: 'UTC',
        run: (scheduledForMs, ofRun) => {
          begun.push(iso(scheduledForMs))
          signal = ofRun
          if (options.isSlow !== true) return Promise.resolve({ detail: 'looked' })
          return new Promise((resolve, reject) => {
            release = (error) => (error === undefined ? resolve({ detail: 'looked' }) : reject(error))
            ofRun.addEventListener('abort', () => reject(ofRun.reason))
          })
        },
        ...options.job,
      }
      const scheduler = createScheduler({
        jobs: [job],
        journal: place.open(),
        world: { now: () => nowMs + (options.aheadMs ?? 0) },
        claimant: { by: name, claimMs: CLAIM_MS, isGone: (by) => knowsTheDead && gone.has(by) },
        onEnded: (run) => ended.push(run),
        onMissed: (times) => missed.push(times),
      })
      const me = { isTurning: true, name } as (typeof processes)[number]
      me.process = {
        scheduler,
        begun,
        ended,
        missed,
        release: async (error) => {
          release?.(error)
          await settle()
        },
        kill: () => {
          me.isTurning = false
          gone.add(name)
        },
        freeze: () => {
          me.isTurning = false
        },
        thaw: () => {
          me.isTurning = true
        },
        isAborted: () => signal?.aborted === true,
      }
      processes.push(me)
      return me.process
    },
    turn,
    /** Time passes, a turn of every process each step. */
    pass: async (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs = Math.min(endMs, nowMs + step)
        await turn()
      }
    },
    /** Nobody turns meanwhile; or the clock is put back. */
    jump: (ms: number) => {
      nowMs += ms
    },
    /** The audit: each run as `scheduled for, attempt, by, outcome`. */
    audit: async (): Promise<readonly string[]> => {
      const { scheduler } = processes.at(-1)!.process
      const { runs } = await scheduler.book()
      return [...runs.values()].map(
        ({ scheduledForMs, attempt, by, outcome = 'under way' }) =>
          `${iso(scheduledForMs)} #${attempt} ${by} ${outcome}`,
      )
    },
  }
}
