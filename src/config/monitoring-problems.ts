import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { MonitoringSettings } from './sections/monitoring.ts'

/** What settings of scheduled looks may not be: a sentence for each. */
export const monitoringProblems = (
  { schedule, time_zone, drift }: MonitoringSettings,
  originOf: (name: string) => string,
): readonly string[] => [
  ...scheduleProblems(schedule, time_zone, originOf),
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

const scheduleProblems = (
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
      `${originOf('monitoring.schedule')} monitoring.schedule: ${error.details['reason']}; got "${schedule}" in the time zone "${timeZone}". ${error.fix}`,
    ]
  }
}
