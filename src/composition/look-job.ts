import { rm } from 'node:fs/promises'
import type { OpenAlerts } from '../alerts/open-alerts.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import { pinnedSource } from '../decisions/loaded-model.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { World } from '../foundation/world.ts'
import type { LookFigures } from '../monitoring/look-figures.ts'
import {
  driftSettingsOf,
  everyMsOf,
  logsOf,
  looksName,
  reportsIn,
  workIn,
} from '../monitoring/look-settings.ts'
import type { LookedAtServer } from '../monitoring/served-looks.ts'
import type { RunResult, ScheduledJob } from '../scheduling/scheduled-job.ts'
import { ProcessEnded } from '../threads/run-in-process.ts'
import type { LookAnswer, LookRequest } from './look-process.ts'

/** A look that is cut short is taken again: it changes nothing but its report, and alerts hear it once. */
const ATTEMPTS = 3

/** What the job of looks works with. */
export interface LookJobParts {
  readonly settings: ServingSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly world: Pick<World, 'now'>
  readonly openAlerts: OpenAlerts
  readonly server: LookedAtServer
  /** Takes a look in a process of its own. */
  readonly takeLook: (request: LookRequest, signal: AbortSignal) => Promise<LookAnswer>
  /** Writes figures into an experiment. */
  readonly track: (experiment: string, figures: LookFigures) => Promise<void>
}

/** A look at what the server decided, at the times of `monitoring.schedule`. */
export const lookJob = (parts: LookJobParts): ScheduledJob => {
  const { monitoring } = parts.settings
  const { schedule, time_zone, missed, path, timeout } = monitoring
  // Some fifty milliseconds in which nothing is decided: once, and not at each look.
  let everyMs: number | undefined
  return {
    name: looksName(logsOf(parts.settings)),
    cron: schedule,
    timeZone: time_zone,
    missed,
    attempts: ATTEMPTS,
    run: async (scheduledForMs, signal) => {
      // What a look that was killed has left: the claim on this one is ours.
      const workFolder = workIn(path, logsOf(parts.settings))
      await rm(workFolder, { recursive: true, force: true })
      const late = AbortSignal.timeout(parseDuration(timeout))
      try {
        signal.throwIfAborted()
        everyMs ??= everyMsOf(monitoring, parts.world.now())
        const request = requestOf(parts, { scheduledForMs, workFolder, everyMs })
        const answer = await parts.takeLook(request, AbortSignal.any([signal, late]))
        await tell(parts, answer)
        await track(parts, answer)
        return resultOf(answer)
      } catch (error) {
        // A server of its first day is no failure.
        if (error instanceof VigiaError && error.code === 'MONITORING_NOTHING_TO_LOOK_AT')
          return { detail: error.message }
        if (late.aborted && !signal.aborted)
          throw new VigiaError('MONITORING_LOOK_FAILED', {
            reason: `it took longer than monitoring.timeout, which is ${timeout}`,
          })
        if (error instanceof ProcessEnded)
          throw new VigiaError('MONITORING_LOOK_FAILED', { reason: error.message }, { cause: error })
        throw error
      } finally {
        await rm(workFolder, { recursive: true, force: true })
      }
    },
  }
}

const requestOf = (
  { settings, workingDirectory, server }: LookJobParts,
  {
    scheduledForMs,
    workFolder,
    everyMs,
  }: Pick<LookRequest, 'workFolder' | 'everyMs'> & { readonly scheduledForMs: number },
): LookRequest => {
  const { monitoring, model } = settings
  const champion = server.models().find(({ role }) => role === 'champion')!
  return {
    model,
    // What an alias names may be another version by now.
    served: { source: pinnedSource({ description: champion }), sha256: champion.sha256 },
    workingDirectory,
    folders: logsOf(settings),
    looks: monitoring.days,
    drift: driftSettingsOf(monitoring),
    workFolder,
    memoryMiB: monitoring.memory,
    reports: { folder: reportsIn(monitoring.path, logsOf(settings)), most: monitoring.reports_kept },
    atMs: scheduledForMs,
    everyMs,
  }
}

const tell = async ({ settings, environment, openAlerts }: LookJobParts, { look }: LookAnswer) => {
  const { center } = await openAlerts(settings.alerts, environment)
  try {
    await center.look(look)
  } finally {
    await center.close()
  }
}

/** A tracker that cannot be reached is no reason to look again. */
const track = async ({ settings, server, track: write }: LookJobParts, { figures }: LookAnswer) => {
  const { experiment } = settings.monitoring
  if (experiment === '') return
  await write(experiment, figures).catch((error: unknown) => {
    const code = error instanceof VigiaError ? error.code : 'TRACKING_UNREACHABLE'
    server.warn(code, { experiment, reason: error instanceof Error ? error.message : String(error) })
  })
}

const resultOf = ({ figures }: LookAnswer): RunResult => {
  const { date, severity, changedFeatures, rows } = figures
  return {
    detail: `${date}: ${severity}, ${changedFeatures} features beyond the limit, ${rows} rows`,
    figures: { ...figures },
  }
}
