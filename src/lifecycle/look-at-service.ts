import type { MonitoringSettings } from '../config/sections/monitoring.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { assertFolders } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { driftSettingsOf } from '../monitoring/look-settings.ts'
import { monitorLog } from '../monitoring/monitor-log.ts'
import { monitoredModel } from '../monitoring/monitored-model.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { RetrainingLook } from '../retraining/finding.ts'
import { lookOfReport } from './look-of-report.ts'

export interface LookAtServiceOptions {
  /** Registered name. */
  readonly model: string
  /** The model that decides. */
  readonly champion: LoadedModel
  readonly logs: readonly string[]
  /** Of the server's own looks: what they find, this finds. */
  readonly monitoring: MonitoringSettings
  readonly openLog: (folder: string) => LogReader
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
  readonly nowMs: number
}

/**
 * Looks at the log of a service as its server does, for what asks for a retraining.
 *
 * @returns undefined where no day is over yet
 * @throws what `monitorLog` throws otherwise
 */
export const lookAtService = async (options: LookAtServiceOptions): Promise<RetrainingLook | undefined> => {
  const { model, champion, logs: folders, monitoring, openLog, workFolder, work, nowMs } = options
  await assertFolders(folders)
  const report = await monitorLog({
    model: monitoredModel(champion),
    folders,
    openLog,
    workFolder,
    work,
    looks: monitoring.days,
    settings: driftSettingsOf(monitoring),
    flagged: monitoring.flagged,
    nowMs,
  }).catch((error: unknown) => {
    if (error instanceof VigiaError && error.code === 'MONITORING_NOTHING_TO_LOOK_AT') return undefined
    throw error
  })
  return report && { ...lookOfReport(report), model }
}
