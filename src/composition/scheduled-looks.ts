import type { ServingSettings } from '../config/serving-config.ts'
import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { ScheduledRetraining } from '../lifecycle/served-retraining.ts'
import type { LookFigures } from '../monitoring/look-figures.ts'
import { logsOf, looksName, reportsIn } from '../monitoring/look-settings.ts'
import { savedReports } from '../monitoring/saved-reports.ts'
import type { LookedAtServer, LookRun, ScheduledLooks } from '../monitoring/served-looks.ts'
import { againAtMs } from '../scheduling/claim-due.ts'
import { EMPTY_RUNS, type RunBook, type RunRecord } from '../scheduling/run-book.ts'
import type { ScheduledJob } from '../scheduling/scheduled-job.ts'
import { latestMeasured, type Scheduler } from '../scheduling/scheduler.ts'
import { runInProcess } from '../threads/run-in-process.ts'
import { type LookJobParts, lookJob } from './look-job.ts'
import type { LookParts } from './look-parts.ts'
import type { LookAnswer, LookRequest } from './look-process.ts'
import { lookMemoryBeside, lookRoomNow } from './look-room.ts'
import { openScheduler } from './open-scheduler.ts'
import { servingTrackingStore } from './serving-model-loader.ts'

/** What the start of a server says of its looks. */
export interface LooksOfServer {
  readonly settings: ServingSettings
  readonly environment: LookJobParts['environment']
  readonly workingDirectory: string
  /** Hears of what looks find; absent: nobody trains again here. */
  readonly retraining?: Pick<ScheduledRetraining, 'take'>
}

/** The looks of a server: none is taken before it has started. */
export const scheduledLooks = (request: LooksOfServer, parts: LookParts): ScheduledLooks => {
  const { monitoring } = request.settings
  const { world } = parts
  const times = cronSchedule(monitoring.schedule, monitoring.time_zone)
  const job = looksName(logsOf(request.settings))
  let looks: ScheduledJob | undefined
  let scheduler: Scheduler | undefined
  let failures = 0
  const known = (): RunBook => scheduler?.known() ?? EMPTY_RUNS
  const nextMs = () => times.next(world.now())
  const reports = savedReports(reportsIn(monitoring.path, logsOf(request.settings)), () =>
    whyNone(known(), job, nextMs()),
  )
  return {
    status: () => ({ ...latestOf(known(), job), failures, nextMs: nextMs() }),
    readReport: reports.readLatest,
    runs: async () => runsOf((await scheduler?.book()) ?? EMPTY_RUNS, job, looks),
    start: (server) => {
      tellShortMemory(server, request.settings)
      const own = lookJob({
        ...request,
        world,
        server,
        openAlerts: openAlertsLate(parts),
        takeLook: lookInProcess(request),
        roomNow: () => lookRoomNow(request.settings),
        ...(request.retraining !== undefined && { tellRetraining: request.retraining.take }),
        track: trackLate(request, parts),
      })
      looks = own
      const opened = openScheduler({
        jobs: [own],
        folder: monitoring.path,
        owner: parts.owner,
        world,
        onEnded: (run, error) => {
          if (run.outcome !== 'failed' && run.outcome !== 'lost') return
          failures++
          warnOf(server, error, run, againAtMs(own, run))
        },
        onMissed: ({ count, firstMs, lastMs, reason }) =>
          server.warn('MONITORING_LOOKS_MISSED', {
            count,
            from: new Date(firstMs).toISOString(),
            to: new Date(lastMs).toISOString(),
            reason,
          }),
        onTrouble: (error) => warnOf(server, error),
      })
      scheduler = opened.scheduler
      return opened.stop
    },
  }
}

/** How a look is taken: in a process of its own, so that no decision waits for it. */
const lookInProcess =
  ({ environment }: LooksOfServer): LookJobParts['takeLook'] =>
  (request: LookRequest, signal) =>
    runInProcess<LookAnswer>({
      module: new URL('./look-process.ts', import.meta.url),
      request,
      environment,
      heapMiB: request.room.heapMiB,
      signal,
    })

/** Channels are loaded when there is something to tell. */
const openAlertsLate =
  (parts: LookParts): LookJobParts['openAlerts'] =>
  async (settings, environment) => {
    const { alertsOpener } = await import('./open-alerts.ts')
    return alertsOpener(parts)(settings, environment)
  }

const trackLate =
  ({ settings, environment, workingDirectory }: LooksOfServer, { openTrackingStore, world }: LookParts) =>
  async (experiment: string, figures: LookFigures): Promise<void> => {
    const { trackLook } = await import('../monitoring/track-look.ts')
    const open = servingTrackingStore(openTrackingStore)
    const { tracker } = open(settings.model, environment, workingDirectory)
    try {
      await trackLook(tracker, experiment, figures, world.now())
    } finally {
      await tracker.close()
    }
  }

/** At the start, and not in the night in which the first look fails for it. */
const tellShortMemory = (server: LookedAtServer, settings: ServingSettings): void => {
  try {
    lookMemoryBeside(settings)
  } catch (error) {
    warnOf(server, error)
  }
}

const warnOf = (server: LookedAtServer, error: unknown, run?: RunRecord, againMs?: number): void => {
  const isKnown = error instanceof VigiaError
  const code = isKnown && error.code === 'MONITORING_LOOK_UNTOLD' ? error.code : 'MONITORING_LOOK_FAILED'
  server.warn(code, {
    reason: error instanceof Error ? error.message : 'its process gave no sign of life any more',
    scheduled_for: run === undefined ? null : new Date(run.scheduledForMs).toISOString(),
    by: run?.by ?? null,
    again_at: againMs === undefined ? null : new Date(againMs).toISOString(),
    next: isKnown ? error.fix : null,
  })
}

const latestOf = (book: RunBook, job: string) => {
  const run = latestMeasured(book, job)
  if (run === undefined) return {}
  return {
    latest: {
      // What `lookJob` has written.
      figures: run.figures as unknown as LookFigures,
      endedMs: run.endedMs,
      durationMs: run.endedMs - run.startedMs,
    },
  }
}

const whyNone = (book: RunBook, job: string, nextMs: number | undefined): string => {
  const last = [...book.runs.values()].findLast((run) => run.job === job)
  const next = nextMs === undefined ? '' : `; the next look is due at ${new Date(nextMs).toISOString()}`
  if (last === undefined) return `none has been taken yet${next}`
  return `the last look (${last.outcome ?? 'under way'}) says: ${last.detail ?? 'nothing yet'}${next}`
}

/** @param looks as this server takes them: it says when the last run is tried again */
const runsOf = (book: RunBook, job: string, looks: ScheduledJob | undefined): readonly LookRun[] =>
  [...book.runs.values()]
    .filter((run) => run.job === job)
    .reverse()
    .map((run, index) => ({ run, againMs: index === 0 && looks ? againAtMs(looks, run) : undefined }))
    .map(({ run: { scheduledForMs, attempt, by, startedMs, endedMs, outcome, detail }, againMs }) => ({
      scheduledForMs,
      attempt,
      by,
      startedMs,
      endedMs: endedMs ?? null,
      outcome: outcome ?? 'under way',
      detail: detail ?? '',
      againMs: againMs ?? null,
    }))
