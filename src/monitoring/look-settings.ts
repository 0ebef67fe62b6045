import type { MonitoringSettings } from '../config/sections/monitoring.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { DriftSettings } from '../drift/drift-settings.ts'
import { cronSchedule, longestPauseMs } from '../foundation/cron-schedule.ts'

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

/** After how long without a look one is missing, milliseconds: the longest pause of the schedule. */
export const everyMsOf = ({ schedule, time_zone }: MonitoringSettings, nowMs: number): number =>
  longestPauseMs(cronSchedule(schedule, time_zone), nowMs)
