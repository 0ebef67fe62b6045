import { join } from 'node:path'
import type { MonitoringSettings } from '../config/sections/monitoring.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { DriftSettings } from '../drift/drift-settings.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { cronSchedule, longestPauseMs } from '../foundation/cron-schedule.ts'
import { sha256 } from '../foundation/hash.ts'

/** What the settings say to the detector. */
export const driftSettingsOf = ({
  drift: { false_alarms, moderate, severe, critical },
}: MonitoringSettings): Partial<DriftSettings> => ({ falseAlarms: false_alarms, moderate, severe, critical })

/** Logs that are looked at: those of the settings, otherwise the one that the server writes. */
export const logsOf = ({
  monitoring,
  prediction_log,
}: Pick<ServingSettings, 'monitoring' | 'prediction_log'>): readonly string[] =>
  monitoring.logs.length > 0 ? monitoring.logs : [prediction_log.path]

/**
 * Looks by the logs that they are at: servers with logs of their own do not take each other's looks, nor
 * answer each other's reports, whatever folder they share.
 */
export const looksName = (logs: readonly string[]): string =>
  `looks-${sha256(canonicalJson(logs)).slice(0, 8)}`

/** Folder of the reports on these logs, in that of monitoring. */
export const reportsIn = (path: string, logs: readonly string[]): string =>
  join(path, looksName(logs), 'reports')

/** Folder of what a look at these logs writes on its way. */
export const workIn = (path: string, logs: readonly string[]): string => join(path, looksName(logs), 'work')

/** Folder of looks that were taken and not told to the alerts yet. */
export const untoldIn = (path: string, logs: readonly string[]): string =>
  join(path, looksName(logs), 'untold')

/** After how long without a look one is missing, milliseconds: the longest pause of the schedule. */
export const everyMsOf = ({ schedule, time_zone }: MonitoringSettings, nowMs: number): number =>
  longestPauseMs(cronSchedule(schedule, time_zone), nowMs)
