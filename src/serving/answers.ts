import type {
  FeedbackOutcome,
  InferenceStatus,
  LoggedPrediction,
  Prediction,
  SavedLogs,
  ServedModel,
} from '../decisions/inference-pipeline.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import { writeRequest } from '../transaction/write-request.ts'

/** What the API says of the pipeline's objects: plain JSON, names in snake_case, instants as ISO text. */

export const predictionAnswer = (prediction: Prediction, latencyMs: number) => ({
  prediction_id: prediction.predictionId,
  transaction_id: prediction.transactionId,
  probability: prediction.probability,
  decision: prediction.isFlagged ? 'flag' : 'allow',
  is_flagged: prediction.isFlagged,
  // The name of earlier versions, for one release.
  is_fraud: prediction.isFlagged,
  risk_level: prediction.riskLevel,
  threshold: prediction.threshold,
  model: prediction.model,
  role: prediction.role,
  reasons: prediction.reasons,
  repeated: prediction.isRepeated,
  late: prediction.timing !== undefined,
  timing: prediction.timing ?? 'in_order',
  control_sample: drawnOf(prediction),
  sequence: prediction.sequence,
  decided_at: new Date(prediction.decidedAtMs).toISOString(),
  latency_ms: Math.round(latencyMs * 1000) / 1000,
})

/** Left out where nothing was drawn. */
const drawnOf = ({ controlSample }: Prediction) =>
  controlSample === undefined || controlSample.drawn === 'not_drawn' ? undefined : controlSample

export const loggedAnswer = (
  logged: LoggedPrediction,
  reasons: Prediction['reasons'],
  { amounts }: TransactionShape,
) => ({
  ...predictionAnswer(logged, logged.latencyMs),
  reasons,
  transaction: writeRequest(logged.transaction, amounts),
  looked_up: logged.transaction.lookedUp ?? [],
  features: Object.fromEntries(
    [...logged.features].map(([name, value]) => [name, Number.isNaN(value) ? null : value]),
  ),
  shadow: logged.shadow && {
    model: logged.shadow.model,
    probability: logged.shadow.probability,
    is_flagged: logged.shadow.isFlagged,
    is_fraud: logged.shadow.isFlagged,
  },
  shadow_unavailable: logged.isShadowUnreadable,
  label: logged.label
    ? {
        is_fraud: logged.label.isFraud,
        received_at: new Date(logged.label.receivedAtMs).toISOString(),
        origin: logged.label.origin,
      }
    : null,
})

/** @param layoutPauseMs undefined: no states of another layout took over */
export const modelsAnswer = (models: readonly ServedModel[], layoutPauseMs?: number) => ({
  models: models.map(modelAnswer),
  ...(layoutPauseMs !== undefined && { layout_pause_ms: layoutPauseMs }),
})

const modelAnswer = (model: ServedModel) => ({
  name: model.name,
  version: model.version,
  role: model.role,
  title: model.title,
  threshold: model.threshold,
  risk_levels: model.riskLevels,
  features: model.featureNames,
  sha256: model.sha256,
  loaded_at: new Date(model.loadedAtMs).toISOString(),
  source: model.source,
  unscored: model.unscored,
})

export const statusAnswer = ({ store, log }: InferenceStatus) => ({
  store: {
    kind: store.kind,
    cached_states: store.cachedStates,
    cached_bytes: store.cachedBytes,
    unsaved_states: store.unsavedStates,
  },
  log: { last_sequence: log.lastSequence, bytes: log.bytes, waiting: log.waiting },
})

export const savedLogsAnswer = ({ folder, files, records }: SavedLogs) => ({ folder, files, records })

export const labelAnswer = (transactionId: string, outcome: FeedbackOutcome) => ({
  transaction_id: transactionId,
  outcome,
})
