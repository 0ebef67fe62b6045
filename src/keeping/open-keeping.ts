import type { Decider } from '../decisions/decider.ts'
import type { DecisionSettings, OpenStates } from '../decisions/decisions.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LogKeeper } from '../decisions/log-keeper.ts'
import type { DecidingStates } from '../decisions/open-pipeline.ts'
import { VigiaError } from '../errors.ts'
import { formatDuration } from '../foundation/duration.ts'
import type { World } from '../foundation/world.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { type KeepingSettings, LogKeeping } from './log-keeping.ts'

export interface OpenKeepingOptions {
  readonly states: OpenStates
  readonly log: PredictionLog
  /** Of log and archive. */
  readonly archive: string
  readonly settings: DecisionSettings
  readonly keeping: KeepingSettings
  readonly observer: InferenceObserver
  readonly world: Pick<World, 'now'>
}

/**
 * Opens what keeps snapshots and ends old days for a store of one process; nothing where many share it:
 * nobody can look at a shared store as it is at one moment, so its logs are needed from the first record on.
 *
 * The opener throws what `assertKeepable` does.
 */
export const keepingOpener =
  (options: OpenKeepingOptions) =>
  async (current: () => DecidingStates): Promise<LogKeeper | undefined> => {
    const { states, log, archive: folder, settings, keeping: kept, observer, world } = options
    assertKeepable({
      keeping: kept,
      settings,
      sharedStore: states.kind === 'shared' ? states.name : undefined,
      decider: () => current().decider,
    })
    if (states.kind === 'shared') return undefined
    const { now } = world
    const keeping = new LogKeeping({ current, log, folder, observer, settings: kept, now })
    await keeping.open()
    return keeping
  }

export interface KeepableOptions {
  readonly keeping: KeepingSettings
  readonly settings: Pick<DecisionSettings, 'receiptLifeMs' | 'waitingLifeMs'>
  /** Name of the store that servers share; undefined where one process has its states. */
  readonly sharedStore: string | undefined
  /** Asked only where days go. */
  readonly decider: () => Pick<Decider, 'engineer'>
}

/**
 * Makes sure that the log is kept as long as something needs it. It opens nothing, so that a start can be
 * refused before there is anything to undo.
 *
 * @throws SERVING_KEEP_SHARED, SERVING_KEEP_WITHOUT_SNAPSHOTS, SERVING_KEEP_SHORT
 */
export const assertKeepable = ({ keeping, settings, sharedStore, decider }: KeepableOptions): void => {
  if (keeping.keepMs === Number.POSITIVE_INFINITY) return
  if (sharedStore !== undefined) throw new VigiaError('SERVING_KEEP_SHARED', { store: sharedStore })
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
