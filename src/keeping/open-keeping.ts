import type { Decider } from '../decisions/decider.ts'
import type { DecisionSettings, OpenStates } from '../decisions/decisions.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LogKeeper } from '../decisions/log-keeper.ts'
import type { DecidingStates } from '../decisions/open-pipeline.ts'
import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { formatDuration } from '../foundation/duration.ts'
import type { World } from '../foundation/world.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { type KeepingSettings, LogKeeping } from './log-keeping.ts'
import { SharedLogKeeping } from './shared-log-keeping.ts'

export interface OpenKeepingOptions {
  readonly states: OpenStates
  readonly log: PredictionLog
  /** Of log and archive. */
  readonly archive: string
  /** Reads the archive. */
  readonly database: DatabaseSettings
  readonly settings: DecisionSettings
  readonly keeping: KeepingSettings
  readonly observer: InferenceObserver
  readonly world: Pick<World, 'now'>
}

/**
 * Opens what keeps snapshots and ends old days. A store that many share takes none by itself: nobody can look
 * at it as it is at one moment, so they are made from the logs of all (`snapshotSharedStates`).
 *
 * The opener throws what `assertKeepable` does.
 */
export const keepingOpener =
  (options: OpenKeepingOptions) =>
  async (current: () => DecidingStates): Promise<LogKeeper | undefined> => {
    const { states, log, archive: folder, database, settings, keeping: kept, observer, world } = options
    assertKeepable({ keeping: kept, settings, decider: () => current().decider })
    const parts = { current, log, folder, observer, settings: kept, now: world.now }
    const keeping =
      states.kind === 'shared' ? new SharedLogKeeping({ ...parts, database }) : new LogKeeping(parts)
    await keeping.open()
    return keeping
  }

export interface KeepableOptions {
  readonly keeping: KeepingSettings
  readonly settings: Pick<DecisionSettings, 'receiptLifeMs' | 'waitingLifeMs'>
  /** Asked only where days go. */
  readonly decider: () => Pick<Decider, 'engineer'>
}

/**
 * Makes sure that the log is kept as long as something needs it. It opens nothing, so that a start can be
 * refused before there is anything to undo.
 *
 * @throws SERVING_KEEP_WITHOUT_SNAPSHOTS, SERVING_KEEP_SHORT
 */
export const assertKeepable = ({ keeping, settings, decider }: KeepableOptions): void => {
  if (keeping.keepMs === Number.POSITIVE_INFINITY) return
  assertLongEnough(keeping, settings, decider())
}

/** @throws SERVING_KEEP_WITHOUT_SNAPSHOTS, SERVING_KEEP_SHORT */
const assertLongEnough = (
  { keepMs, snapshotEveryMs }: KeepingSettings,
  { receiptLifeMs, waitingLifeMs }: KeepableOptions['settings'],
  { engineer }: Pick<Decider, 'engineer'>,
): void => {
  const short = (needed: string, leastMs: number) =>
    new VigiaError('SERVING_KEEP_SHORT', {
      got: formatDuration(keepMs),
      allowed: formatDuration(leastMs),
      needed,
    })
  if (snapshotEveryMs === 0)
    throw new VigiaError('SERVING_KEEP_WITHOUT_SNAPSHOTS', { got: formatDuration(keepMs) })
  const windowMs = Math.max(0, ...engineer.kinds.map((kind) => engineer.keeperOf(kind)!.layout.retentionMs))
  const needs: readonly (readonly [string, number])[] = [
    ['state_store.repetition_window', receiptLifeMs],
    ['feedback.waiting_time', waitingLifeMs],
    ['the longest window of the model with the delay of labels', windowMs],
    ['two intervals of prediction_log.snapshot_every', 2 * snapshotEveryMs],
  ]
  for (const [needed, leastMs] of needs) if (keepMs < leastMs) throw short(needed, leastMs)
}
