import { VigiaError } from '../errors.ts'
import { cronSchedule } from '../foundation/cron-schedule.ts'
import type { MonitoringSettings } from './sections/monitoring.ts'
import type { RetrainingSettings } from './sections/retraining.ts'

/** What settings of scheduled looks may not be: a sentence for each. */
export const monitoringProblems = (
  { schedule, time_zone, drift }: MonitoringSettings,
  originOf: (name: string) => string,
): readonly string[] => [
  ...scheduleProblems('monitoring.schedule', schedule, time_zone, originOf),
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
