import type { ServingSettings } from '../config/serving-config.ts'
import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { LookFigures } from '../monitoring/look-figures.ts'
import { logsOf, looksName, reportsIn } from '../monitoring/look-settings.ts'
import { savedReports } from '../monitoring/saved-reports.ts'
import type { LookedAtServer, LookRun, ScheduledLooks } from '../monitoring/served-looks.ts'
import { EMPTY_RUNS, type RunBook, type RunRecord } from '../scheduling/run-book.ts'
import { latestDone, type Scheduler } from '../scheduling/scheduler.ts'
import { runInProcess } from '../threads/run-in-process.ts'
import { type LookJobParts, lookJob } from './look-job.ts'
import type { LookParts } from './look-parts.ts'
import type { LookAnswer, LookRequest } from './look-process.ts'
import { openScheduler } from './open-scheduler.ts'
import { servingTrackingStore } from './serving-model-loader.ts'

/** What the start of a server says of its looks. */
export interface LooksOfServer {
  readonly settings: ServingSettings
  readonly environment: LookJobParts['environment']
  readonly workingDirectory: string
}

/** The looks of a server: none is taken before it has started. */
export const scheduledLooks = (request: LooksOfServer, parts: LookParts): ScheduledLooks => {
  const { monitoring } = request.settings
  const { world } = parts
  const times = cronSchedule(monitoring.schedule, monitoring.time_zone)
  const job = looksName(logsOf(request.settings))
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
    runs: async () => runsOf((await scheduler?.book()) ?? EMPTY_RUNS, job),
    start: (server) => {
      const opened = openScheduler({
        jobs: [
          lookJob({
            ...request,
            world,
            server,
            openAlerts: openAlertsLate(parts),
            takeLook: lookInProcess(request),
            track: trackLate(request, parts),
          }),
        ],
        folder: monitoring.path,
        owner: parts.owner,
        world,
        onEnded: (run, error) => {
          if (run.outcome !== 'failed' && run.outcome !== 'lost') return
          failures++
          warnOf(server, run, error)
        },
        onMissed: ({ count, firstMs, lastMs, reason }) =>
          server.warn('MONITORING_LOOKS_MISSED', {
            count,
            from: new Date(firstMs).toISOString(),
            to: new Date(lastMs).toISOString(),
            reason,
          }),
        onTrouble: (error) => warnOf(server, undefined, error),
      })
      scheduler = opened.scheduler
      return opened.stop
    },
  }
}

/** Heap for profiles of a hundred days and the pictures of a page; DuckDB sorts beside it. */
const HEAP_MIB = 512

/** How a look is taken: in a process of its own, so that no decision waits for it. */
const lookInProcess =
  ({ environment }: LooksOfServer): LookJobParts['takeLook'] =>
  (request: LookRequest, signal) =>
    runInProcess<LookAnswer>({
      module: new URL('./look-process.ts', import.meta.url),
      request,
      environment,
      heapMiB: HEAP_MIB,
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

const warnOf = (server: LookedAtServer, run: RunRecord | undefined, error: unknown): void =>
  server.warn('MONITORING_LOOK_FAILED', {
    reason: error instanceof Error ? error.message : 'its process gave no sign of life any more',
    scheduled_for: run === undefined ? null : new Date(run.scheduledForMs).toISOString(),
    by: run?.by ?? null,
    next: error instanceof VigiaError ? error.fix : null,
  })

const latestOf = (book: RunBook, job: string) => {
  const run = latestDone(book, job, ({ figures }) => figures !== undefined)
  if (run === undefined) return {}
  return {
    latest: {
      // What `lookJob` has written.
      figures: run.figures as unknown as LookFigures,
      endedMs: run.endedMs!,
      durationMs: run.endedMs! - run.startedMs,
    },
  }
}

const whyNone = (book: RunBook, job: string, nextMs: number | undefined): string => {
  const last = [...book.runs.values()].findLast((run) => run.job === job)
  const next = nextMs === undefined ? '' : `; the next look is due at ${new Date(nextMs).toISOString()}`
  if (last === undefined) return `none has been taken yet${next}`
  return `the last look (${last.outcome ?? 'under way'}) says: ${last.detail ?? 'nothing yet'}${next}`
}

const runsOf = (book: RunBook, job: string): readonly LookRun[] =>
  [...book.runs.values()]
    .filter((run) => run.job === job)
    .reverse()
    .map(({ scheduledForMs, attempt, by, startedMs, endedMs, outcome, detail }) => ({
      scheduledForMs,
      attempt,
      by,
      startedMs,
      endedMs: endedMs ?? null,
      outcome: outcome ?? 'under way',
      detail: detail ?? '',
    }))
