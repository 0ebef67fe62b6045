import { join, relative, resolve } from 'node:path'
import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { MonitoringSettings } from './sections/monitoring.ts'
import type { RetrainingSettings } from './sections/retraining.ts'

/** As `KEPT_FOLDER` of src/monitoring, which configuration knows nothing of. */
const KEPT_BESIDE_LOG = 'monitoring'

/** What settings of scheduled looks may not be: a sentence for each. */
export const monitoringProblems = (
  {
    monitoring: { schedule, time_zone, drift, path, logs },
    prediction_log,
  }: { readonly monitoring: MonitoringSettings; readonly prediction_log: { readonly path: string } },
  originOf: (name: string) => string,
): readonly string[] => [
  ...scheduleProblems('monitoring.schedule', schedule, time_zone, originOf),
  ...keptInLog(path, { 'prediction_log.path': [prediction_log.path], 'monitoring.logs': logs }, originOf),
  ...(['shift', 'stability', 'ratio'] as const).flatMap((effect) => {
    const [moderate, severe, critical] = [drift.moderate, drift.severe, drift.critical].map(
      (limits) => limits[effect],
    ) as [number, number, number]
    return moderate <= severe && severe <= critical
      ? []
      : [
          `${originOf(`monitoring.drift.severe.${effect}`)} monitoring.drift: allowed: ${effect} that does not fall from moderate over severe to critical; got ${moderate}, ${severe} and ${critical}.`,
        ]
  }),
]

/** Beside each log its server keeps what days were like, which goes whenever the log is set back. */
const keptInLog = (
  path: string,
  logs: Readonly<Record<string, readonly string[]>>,
  originOf: (name: string) => string,
): readonly string[] =>
  Object.entries(logs).flatMap(([setting, folders]) => {
    const log = folders.find((folder) => isWithin(path, join(folder, KEPT_BESIDE_LOG)))
    return log === undefined
      ? []
      : [
          `${originOf('monitoring.path')} monitoring.path: allowed: a folder that is not "${join(log, KEPT_BESIDE_LOG)}", nor in it, since a server keeps there what days of its log were like (${setting}, ${originOf(setting)}); got "${path}". Give reports and the journal of looks a folder of their own, such as "${join(log, '..', 'looks')}".`,
        ]
  })

const isWithin = (path: string, folder: string): boolean =>
  !/^\.\.(?:[\\/]|$)/.test(relative(resolve(folder), resolve(path)))

/** What times of retraining may not be. */
export const retrainingProblems = (
  { schedule, steps }: Pick<RetrainingSettings, 'schedule' | 'steps'>,
  originOf: (name: string) => string,
): readonly string[] => [
  ...(schedule === '' ? [] : scheduleProblems('retraining.schedule', schedule, 'UTC', originOf)),
  ...scheduleProblems('retraining.steps', steps, 'UTC', originOf),
]

const scheduleProblems = (
  name: string,
  schedule: string,
  timeZone: string,
  originOf: (name: string) => string,
): readonly string[] => {
  try {
    cronSchedule(schedule, timeZone)
    return []
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    return [
      `${originOf(name)} ${name}: ${error.details['reason']}; got "${schedule}" in the time zone "${timeZone}". ${error.fix}`,
    ]
  }
}
