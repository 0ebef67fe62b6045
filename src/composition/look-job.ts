import { rm } from 'node:fs/promises'
import type { OpenAlerts } from '../alerts/open-alerts.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import { pinnedSource } from '../decisions/loaded-model.ts'
import { type ErrorCode, VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { powerOfTwo } from '../foundation/elementary/whole-powers.ts'
import type { World } from '../foundation/world.ts'
import type { FoundByLook } from '../lifecycle/look-of-report.ts'
import type { LookFigures } from '../monitoring/look-figures.ts'
import {
  driftSettingsOf,
  everyMsOf,
  logsOf,
  looksName,
  reportsIn,
  untoldIn,
  workIn,
} from '../monitoring/look-settings.ts'
import type { LookedAtServer } from '../monitoring/served-looks.ts'
import { type UntoldLook, type UntoldLooks, untoldLooks } from '../monitoring/untold-looks.ts'
import { AlmostDone, type RunResult, type ScheduledJob } from '../scheduling/scheduled-job.ts'
import { ProcessEnded } from '../threads/run-in-process.ts'
import type { LookAnswer, LookRequest } from './look-process.ts'
import type { LookRoom } from './look-room.ts'

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
  /** @throws MONITORING_MEMORY_SHORT, MONITORING_DISK_SHORT where a look has no room */
  readonly roomNow: () => Promise<LookRoom>
  /** Hands on what asks for a retraining; absent: nobody trains again here. */
  readonly tellRetraining?: (found: FoundByLook) => Promise<void>
  /** Writes figures into an experiment. */
  readonly track: (experiment: string, figures: LookFigures) => Promise<void>
}

/** A look at what the server decided, at the times of `monitoring.schedule`. */
export const lookJob = (parts: LookJobParts): ScheduledJob => {
  const { monitoring } = parts.settings
  const { schedule, time_zone, missed, retry } = monitoring
  const [firstMs, longestMs] = [parseDuration(retry.first), parseDuration(retry.longest)]
  // Some fifty milliseconds in which nothing is decided: once, and not at each look.
  let everyMs: number | undefined
  return {
    name: looksName(logsOf(parts.settings)),
    cron: schedule,
    timeZone: time_zone,
    missed,
    attempts: retry.attempts,
    pauseMs: (attempt) => Math.min(longestMs, firstMs * powerOfTwo(Math.min(attempt - 1, 20))),
    run: async (scheduledForMs, signal) => {
      const untold = untoldLooks(untoldIn(monitoring.path, logsOf(parts.settings)))
      const kept = await untold.list()
      // They come before this one, and hearing of them does not wait for it; what fails is tried again below.
      const older = kept.filter(({ atMs }) => atMs !== scheduledForMs)
      await tell(parts, untold, older).catch(() => undefined)
      try {
        everyMs ??= everyMsOf(monitoring, parts.world.now())
        const known = kept.find(({ atMs }) => atMs === scheduledForMs)
        const { look, figures } = known ?? (await takeAndHandOver(parts, { scheduledForMs, everyMs, signal }))
        await tellOrFail(parts, untold, { look, figures, atMs: scheduledForMs })
        await track(parts, figures)
        return resultOf(figures)
      } catch (error) {
        // A server of its first day is no failure.
        if (error instanceof VigiaError && error.code === 'MONITORING_NOTHING_TO_LOOK_AT')
          return { detail: error.message }
        throw error
      }
    },
  }
}

/** Of one look. */
interface AskedLook {
  readonly scheduledForMs: number
  readonly everyMs: number
  readonly signal: AbortSignal
}

/**
 * Takes the look, and hands on what asks for a retraining before anybody hears of the rest: no alert that
 * fails keeps it back. Where it fails itself, the next look finds the same: no reason to take this one again.
 */
const takeAndHandOver = async (parts: LookJobParts, asked: AskedLook): Promise<LookAnswer> => {
  const answer = await takeLook(parts, asked)
  await parts.tellRetraining?.(answer.found).catch(warnIn(parts.server, 'RETRAINING_JOURNAL_FAILED'))
  return answer
}

/** Lets a process take the look, within what this machine has room for and the time that it may take. */
const takeLook = async (parts: LookJobParts, asked: AskedLook): Promise<LookAnswer> => {
  const { signal } = asked
  const { path, timeout } = parts.settings.monitoring
  const workFolder = workIn(path, logsOf(parts.settings))
  // What a look that was killed has left: the claim on this one is ours.
  await rm(workFolder, { recursive: true, force: true })
  const room = await parts.roomNow()
  const late = AbortSignal.timeout(parseDuration(timeout))
  try {
    signal.throwIfAborted()
    return await parts.takeLook(requestOf(parts, asked, workFolder, room), AbortSignal.any([signal, late]))
  } catch (error) {
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
}

const requestOf = (
  { settings, workingDirectory, server }: LookJobParts,
  { scheduledForMs, everyMs }: AskedLook,
  workFolder: string,
  room: LookRoom,
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
    flagged: monitoring.flagged,
    workFolder,
    room,
    reports: { folder: reportsIn(monitoring.path, logsOf(settings)), most: monitoring.reports_kept },
    atMs: scheduledForMs,
    everyMs,
  }
}

/**
 * Tells a look, and those before it that were not told yet. What cannot be told is kept, so that it is told
 * later without another look.
 *
 * @throws AlmostDone, or MONITORING_LOOK_UNTOLD where it cannot be kept either; MONITORING_LOOK_REFUSED
 */
const tellOrFail = async (parts: LookJobParts, untold: UntoldLooks, look: UntoldLook): Promise<void> => {
  const isKept = await untold.keep(look).then(
    () => true,
    () => false,
  )
  const others = (await untold.list()).filter(({ atMs }) => atMs !== look.atMs)
  let refused: VigiaError | undefined
  try {
    refused = (await tell(parts, untold, [...others, look])).get(look.atMs)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const scheduledFor = new Date(look.atMs).toISOString()
    const error = new VigiaError('MONITORING_LOOK_UNTOLD', { scheduledFor, reason }, { cause })
    throw isKept ? new AlmostDone({ ...look.figures }, error) : error
  }
  if (refused !== undefined) throw refused
}

/**
 * Each is untold no longer as soon as the alerts know of it; one that is told again says nothing new. One
 * that they refuse is set aside, so that those after it are told.
 *
 * @returns why those were refused that were, by their time
 * @throws what the alerts throw where they cannot be told of anything
 */
const tell = async (
  { settings, environment, openAlerts, server }: LookJobParts,
  untold: UntoldLooks,
  looks: readonly UntoldLook[],
): Promise<ReadonlyMap<number, VigiaError>> => {
  const refused = new Map<number, VigiaError>()
  if (looks.length === 0) return refused
  const { center } = await openAlerts(settings.alerts, environment)
  try {
    for (const untoldLook of looks) {
      const { look, atMs } = untoldLook
      try {
        await center.look(look)
      } catch (error) {
        if (isOfAlerts(error)) throw error
        const reason = error instanceof Error ? error.message : String(error)
        await untold.setAside(untoldLook, reason)
        const scheduledFor = new Date(atMs).toISOString()
        refused.set(atMs, new VigiaError('MONITORING_LOOK_REFUSED', { scheduledFor, reason }))
        server.warn('MONITORING_LOOK_REFUSED', { scheduledFor, reason })
        continue
      }
      await untold.remove(atMs)
    }
    return refused
  } finally {
    await center.close()
  }
}

/** Whether no look could be told now, whatever it found. */
const isOfAlerts = (error: unknown): boolean =>
  (error instanceof VigiaError && error.code === 'ALERT_JOURNAL_FAILED') ||
  (error instanceof Error && 'syscall' in error)

/** A tracker that cannot be reached is no reason to look again. */
const track = async ({ settings, server, track: write }: LookJobParts, figures: LookFigures) => {
  const { experiment } = settings.monitoring
  if (experiment === '') return
  await write(experiment, figures).catch(warnIn(server, 'TRACKING_UNREACHABLE', { experiment }))
}

/** @param otherwise code of an error that is not Vigía's own */
const warnIn =
  (server: LookedAtServer, otherwise: ErrorCode, details: Readonly<Record<string, unknown>> = {}) =>
  (error: unknown): void =>
    server.warn(error instanceof VigiaError ? error.code : otherwise, {
      ...details,
      reason: error instanceof Error ? error.message : String(error),
    })

const resultOf = (figures: LookFigures): RunResult => {
  const { date, severity, changedFeatures, rows } = figures
  return {
    detail: `${date}: ${severity}, ${changedFeatures} features beyond the limit, ${rows} rows`,
    figures: { ...figures },
  }
}
