import type { VigiaError } from '../errors.ts'
import type { Archiver } from './archiver.ts'
import type { ServingModels } from './decider.ts'
import type { DecisionsStatus } from './decisions.ts'
import type { InferenceStatus, ServedModel } from './inference-pipeline.ts'

/** Figures of a pipeline, for health and metrics. */
export const statusOf = (
  kind: string,
  status: DecisionsStatus,
  archiver: Pick<Archiver, 'logBytes' | 'kept'>,
  beside: Pick<InferenceStatus, 'tables' | 'searches'>,
): InferenceStatus => {
  const {
    failure,
    waiting,
    waitingLabels,
    lastSequence,
    cachedStates,
    cachedBytes,
    unsavedStates,
    expiredStates = 0,
    isHistoryLost,
    branches = [],
    layoutPauses,
  } = status
  return {
    isReady: failure === '',
    reason: failure,
    store: { kind, cachedStates, cachedBytes, unsavedStates, expiredStates, isHistoryLost },
    log: { lastSequence, bytes: archiver.logBytes, waiting, waitingLabels, ...archiver.kept },
    branches,
    layoutPauses,
    ...beside,
  }
}

/**
 * The models in service, the champion first.
 *
 * @param unscored why the shadow says nothing; undefined: it does
 */
export const describeModels = (
  { champion, canary, shadow }: ServingModels,
  unscored: VigiaError<'SERVING_SHADOW_WITHOUT_STATES'> | undefined,
): readonly ServedModel[] => [
  { ...champion.description, role: 'champion' },
  ...(canary === undefined ? [] : [{ ...canary.model.description, role: 'canary' as const }]),
  ...(shadow === undefined
    ? []
    : [
        {
          ...shadow.description,
          role: 'shadow' as const,
          ...(unscored !== undefined && { unscored: String(unscored.details['reason']) }),
        },
      ]),
]
