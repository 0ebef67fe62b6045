import type { RetrainingSettings } from '../config/sections/retraining.ts'
import type { RetrainingFinding } from '../retraining/finding.ts'
import type { ScheduledJob } from '../scheduling/scheduled-job.ts'

export interface RetrainingJobsOptions {
  readonly settings: Pick<RetrainingSettings, 'steps' | 'schedule'>
  /** Registered name. */
  readonly model: string
  /** Does all steps that are due. @returns what came of it, in a sentence */
  readonly advance: (signal: AbortSignal) => Promise<string>
  /** Takes in what was found, under the id of a look. */
  readonly call: (found: { readonly id: string; readonly finding: RetrainingFinding }) => Promise<void>
}

/** What is killed is begun again, by whichever process is there: each step may be done twice. */
const ATTEMPTS = 3
/** What has failed for want of memory finds as little a moment later. */
const PAUSE_MS = 60_000
const TIME_ZONE = 'UTC'

/** The job that does the steps of a model's retraining. */
export const stepsJob = (model: string): string => `retraining of ${model}`

/**
 * The jobs of a server that trains again by itself: at the times of `steps` all that is due, and at those of
 * `schedule` one more trigger. Its id is the time, so of two servers that tell it one begins.
 */
export const retrainingJobs = ({
  settings,
  model,
  advance,
  call,
}: RetrainingJobsOptions): readonly ScheduledJob[] => {
  const steps: ScheduledJob = {
    name: stepsJob(model),
    cron: settings.steps,
    timeZone: TIME_ZONE,
    attempts: ATTEMPTS,
    pauseMs: () => PAUSE_MS,
    run: async (_, signal) => ({ detail: await advance(signal) }),
  }
  if (settings.schedule === '') return [steps]
  const trigger: ScheduledJob = {
    name: `scheduled retraining of ${model}`,
    cron: settings.schedule,
    timeZone: TIME_ZONE,
    attempts: ATTEMPTS,
    pauseMs: () => PAUSE_MS,
    run: async (dueMs) => {
      const due = new Date(dueMs).toISOString()
      await call({ id: `schedule ${due}`, finding: { kind: 'schedule', dueMs } })
      return { detail: `it was due at ${due}` }
    },
  }
  return [steps, trigger]
}
