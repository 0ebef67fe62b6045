import { join } from 'node:path'
import { retrainedModel } from '../cli/commands/service-retraining.ts'
import type { ConfigPlace } from '../cli/config-option.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import { VigiaError } from '../errors.ts'
import { cronSchedule, longestPauseMs } from '../foundation/cron-schedule.ts'
import { DAY_MS } from '../foundation/days.ts'
import { alertsOfRetraining } from '../lifecycle/alerts-of-retraining.ts'
import { answerControl, type ControlQuestion } from '../lifecycle/control-of-service.ts'
import { stepsJob } from '../lifecycle/retraining-jobs.ts'
import { type ServeRetrainingParts, serveRetraining } from '../lifecycle/serve-retraining.ts'
import type { ScheduledRetraining } from '../lifecycle/served-retraining.ts'
import { ProcessEnded, runInProcess } from '../threads/run-in-process.ts'
import type { AlertParts } from './open-alerts.ts'
import { retrainingOpener } from './open-retraining.ts'
import { openScheduler } from './open-scheduler.ts'
import type { RetrainingAnswer, RetrainingRequest } from './retraining-process.ts'

/** What retraining needs of the process. */
export interface RetrainingParts extends AlertParts {
  /** Of Vigía. */
  readonly version: string
}

/** What the start of a server says of its retraining. */
export interface RetrainingOfServer extends ConfigPlace {
  readonly settings: ServingSettings
}

/** Retraining of a server: nothing is done before it has started. @throws CONFIG_INVALID and others */
export const openScheduledRetraining = async (
  request: RetrainingOfServer,
  parts: RetrainingParts,
): Promise<ScheduledRetraining> => {
  const { retraining } = request.settings
  const { world, owner } = parts
  const model = await retrainedModel(request, request.settings)
  return serveRetraining({
    settings: retraining,
    model,
    change: retrainingOpener({ world, owner })(retraining),
    world,
    advance: advanceInProcess(request, parts, model),
    tellAlerts: alertsTeller(request, parts, model),
    runJobs: jobsRunner(request, parts, model),
  })
}

/** Steps in a process of its own, so that no decision waits for them. */
const advanceInProcess =
  (
    { settings, workingDirectory, environment }: RetrainingOfServer,
    { version }: RetrainingParts,
    model: string,
  ): ServeRetrainingParts['advance'] =>
  async (control, signal) => {
    try {
      const { steps } = await runInProcess<RetrainingAnswer>({
        module: new URL('./retraining-process.ts', import.meta.url),
        request: { settings, workingDirectory, version } satisfies RetrainingRequest,
        environment,
        heapMiB: settings.retraining.memory,
        signal,
        answer: (question) => answerControl(control, question as ControlQuestion),
      })
      return steps
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error
      throw new VigiaError('RETRAINING_STEP_FAILED', { model, reason: error.message }, { cause: error })
    }
  }

const alertsTeller = (
  { settings: { alerts, retraining }, environment }: RetrainingOfServer,
  parts: RetrainingParts,
  model: string,
): ServeRetrainingParts['tellAlerts'] => {
  let everyMs: number | undefined
  return async (book) => {
    const nowMs = parts.world.now()
    // While a training goes on nobody looks.
    everyMs ??= Math.max(DAY_MS, longestPauseMs(cronSchedule(retraining.steps, 'UTC'), nowMs))
    const { alertsOpener } = await import('./open-alerts.ts')
    const { center } = await alertsOpener(parts)(alerts, environment)
    try {
      await center.look(alertsOfRetraining(book, model, { nowMs, everyMs }))
    } finally {
      await center.close()
    }
  }
}

const jobsRunner =
  (
    { settings: { retraining } }: RetrainingOfServer,
    { owner, world }: RetrainingParts,
    model: string,
  ): ServeRetrainingParts['runJobs'] =>
  (jobs, onFailed) => {
    const { scheduler, stop } = openScheduler({
      jobs,
      // Of its own: servers may share their retraining and not their looks.
      folder: join(retraining.path, 'schedule'),
      owner,
      world,
      onEnded: ({ outcome }, error) => {
        if (outcome === 'failed' || outcome === 'lost') onFailed(error)
      },
      onTrouble: onFailed,
    })
    return { nextMs: () => scheduler.next().get(stepsJob(model)), stop }
  }
