import type { ServingSettings } from '../config/serving-config.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { KeepingSettings } from './log-keeping.ts'

/** What a configuration says of snapshots and of what the log keeps. */
export const keepingSettingsOf = ({
  prediction_log: { keep, snapshot_every, snapshots_kept },
}: Pick<ServingSettings, 'prediction_log'>): KeepingSettings => ({
  snapshotEveryMs: parseDuration(snapshot_every),
  snapshotsKept: snapshots_kept,
  keepMs: keep === 'forever' ? Number.POSITIVE_INFINITY : parseDuration(keep),
})
