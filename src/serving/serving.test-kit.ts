import { type BranchControl, createBranchControl } from '../branches/branch-control.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import type { ControlSampler } from '../decisions/control-sample.ts'
import { decidedOf, predictionOf } from '../decisions/decided.ts'
import type {
  Feedback,
  FeedbackOutcome,
  InferenceObserver,
  InferencePipeline,
  LoggedPrediction,
  Prediction,
  ServedModel,
} from '../decisions/inference-pipeline.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { VigiaError } from '../errors.ts'
import type { Scorer } from '../model/scorer.ts'
import { NO_SHAPE } from '../transaction/shape.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { HttpSettings, ServerDependencies } from './dependencies.ts'
import { createServingMetrics } from './metrics/serving-metrics.ts'
import type { AuditEntry } from './safety/audit.ts'
import { createServer } from './server.ts'

/**
 * A pipeline that decides by the amount and remembers everything in memory; it keeps every promise of the
 * interface.
 */
export interface TestPipeline extends InferencePipeline {
  /** Decisions wait until it resolves. */
  hold(until: Promise<void>): void
  /** What `status()` says. */
  reason: string
  /** Thrown by the next decision. */
  failure: Error | undefined
  /** Draws the control sample; none at first. */
  controlSample: ControlSampler | undefined
  readonly isClosed: boolean
  models: ServedModel[]
}

export const MODEL: ServedModel = {
  name: 'fraud-detector',
  version: '3',
  role: 'champion',
  title: 'XGBoost',
  threshold: 0.5,
  riskLevels: { medium: 0.1, high: 0.5, critical: 0.9 },
  featureNames: ['amount', 'user_count_1h'],
  sha256: 'ab'.repeat(32),
  loadedAtMs: Date.parse('2026-01-01T00:00:00Z'),
  source: 'models:/fraud-detector@production',
}

/** Decides as `MODEL` says; of features, by the first one alone, the amount. */
const SCORER: Scorer = {
  featureNames: MODEL.featureNames,
  riskLevels: MODEL.riskLevels,
  marginOne: (vector, at = 0) => vector[at]!,
  scoreOne: (vector, at = 0) => vector[at]! / (vector[at]! + 100),
  scoreMany: ({ columns, rowCount }, out) => {
    for (let row = 0; row < rowCount; row++) out[row] = columns[0]![row]! / (columns[0]![row]! + 100)
  },
  threshold: MODEL.threshold,
  isFlagged: (probability) => probability >= MODEL.threshold,
  riskLevel: (probability) =>
    probability >= 0.9 ? 'critical' : probability >= 0.5 ? 'high' : probability >= 0.1 ? 'medium' : 'low',
}

export const createTestPipeline = (observer: InferenceObserver): TestPipeline => {
  const byTransaction = new Map<string, LoggedPrediction>()
  const byPrediction = new Map<string, LoggedPrediction>()
  let held = Promise.resolve()
  const decide = (transaction: Transaction): LoggedPrediction => {
    const probability = transaction.amountMinor / (transaction.amountMinor + 10_000)
    const sequence = byTransaction.size + 1
    const decidedAtMs = Date.parse('2026-02-01T00:00:00Z') + sequence
    const sample = pipeline.controlSample?.draw(transaction, SCORER.isFlagged(probability))
    const decided = decidedOf(SCORER, 'champion', probability, decidedAtMs, 'in_order', sample)
    const { name, version } = pipeline.models[0]!
    const logged: LoggedPrediction = {
      ...predictionOf(
        decided,
        { name, version },
        transaction.transactionId,
        predictionNames({ logName: 'log' }),
        sequence,
        false,
      ),
      transaction,
      latencyMs: 0.25,
      features: new Map([
        ['amount', transaction.amountMinor / 100],
        ['user_count_1h', Number.NaN],
      ]),
    }
    byTransaction.set(transaction.transactionId, logged)
    byPrediction.set(logged.predictionId, logged)
    observer.predicted(logged, logged.latencyMs)
    observer.shadowed({ name: 'challenger', version: '4' }, 0.2, false, logged.isFlagged)
    return logged
  }
  const reasonsOf = (prediction: LoggedPrediction, top: number) =>
    [
      {
        feature: 'amount',
        value: prediction.features.get('amount')!,
        contribution: 1.5,
        direction: 'raises' as const,
        text: 'amount is large',
      },
      {
        feature: 'user_count_1h',
        value: null,
        contribution: -0.5,
        direction: 'lowers' as const,
        text: 'the user is new',
      },
    ].slice(0, top)
  const pipeline: TestPipeline = {
    models: [MODEL],
    scorer: SCORER,
    shape: NO_SHAPE,
    mapping: { refusal: new VigiaError('SERVING_MAPPING_MISSING', { model: 'fraud-detector 3' }) },
    reason: '',
    failure: undefined,
    controlSample: undefined,
    isClosed: false,
    hold: (until) => {
      held = until
    },
    assertTimely: () => undefined,
    predict: async (sent, reasons) => {
      const transaction = typeof sent === 'function' ? await sent() : sent
      if (pipeline.failure !== undefined) throw pipeline.failure
      await held
      const known = byTransaction.get(transaction.transactionId)
      if (known !== undefined && JSON.stringify(known.transaction) !== JSON.stringify(transaction))
        throw new VigiaError('SERVING_TRANSACTION_DIFFERS', { transactionId: transaction.transactionId })
      const logged = known ?? decide(transaction)
      const { transaction: _t, latencyMs: _l, features: _f, ...prediction } = logged
      const answer: Prediction = { ...prediction, isRepeated: known !== undefined }
      return reasons > 0 ? { ...answer, reasons: reasonsOf(logged, reasons) } : answer
    },
    applyFeedback: async (sent): Promise<FeedbackOutcome> => {
      const feedback: Feedback = typeof sent === 'function' ? await sent() : sent
      const logged = byTransaction.get(feedback.transactionId)
      const outcome =
        logged === undefined
          ? feedback.userId === undefined
            ? 'waiting'
            : 'applied'
          : logged.label?.isFraud === feedback.isFraud
            ? 'unchanged'
            : 'applied'
      if (logged !== undefined && outcome === 'applied') {
        const labelled = {
          ...logged,
          label: {
            isFraud: feedback.isFraud,
            receivedAtMs: logged.decidedAtMs + 1,
            origin: feedback.origin,
          },
        }
        byTransaction.set(logged.transactionId, labelled)
        byPrediction.set(logged.predictionId, labelled)
      }
      observer.labelled(outcome, feedback.isFraud)
      return outcome
    },
    find: async (id) => byPrediction.get(id) ?? byTransaction.get(id),
    explain: reasonsOf,
    saveLogs: async () => ({
      folder: 'logs',
      files: ['date=2026-02-01/1.parquet'],
      records: byTransaction.size,
    }),
    refreshTable: async () => 'unchanged',
    status: () => ({
      isReady: pipeline.reason === '',
      reason: pipeline.reason,
      store: {
        kind: 'memory',
        cachedStates: byTransaction.size,
        cachedBytes: 0,
        unsavedStates: 0,
        expiredStates: 0,
        isHistoryLost: false,
      },
      log: {
        lastSequence: byTransaction.size,
        bytes: 0,
        waiting: 0,
        waitingLabels: 0,
        firstSequence: 1,
        snapshots: 0,
        lastSnapshotAtMs: undefined,
        removedRecords: 0,
      },
      branches: [],
      tables: [],
      searches: { waiting: 0, done: 0, refused: 0 },
    }),
    close: async () => {
      ;(pipeline as { isClosed: boolean }).isClosed = true
    },
  }
  return pipeline
}

/** A service whose states are of one layout. */
export const noBranches: BranchControl = createBranchControl(
  undefined,
  () => Promise.reject(new Error('no model')),
  'memory',
)

/** Changes the models that the pipeline names; knows the folders `good` and, refused, everything else. */
export const createTestControl = (pipeline: TestPipeline): ModelControl => {
  const earlier: ServedModel[] = []
  const load = (source: string): ServedModel => {
    if (source !== 'good')
      throw new VigiaError('MODEL_ARTIFACT_REFUSED', {
        where: source,
        file: 'manifest.json',
        reason: 'it is not there',
      })
    return { ...MODEL, version: '4', source, sha256: 'cd'.repeat(32) }
  }
  const withRole = (role: ServedModel['role'], source: string | null) => {
    const others = pipeline.models.filter((model) => model.role !== role)
    pipeline.models = source === null ? others : [...others, { ...load(source), role }]
    return pipeline.models
  }
  return {
    list: () => pipeline.models,
    reload: async () => pipeline.models,
    switchTo: async (source) => {
      const model = load(source)
      earlier.push(pipeline.models[0]!)
      pipeline.models = [model, ...pipeline.models.slice(1)]
      return pipeline.models
    },
    rollBack: async () => {
      const model = earlier.pop()
      if (model === undefined) throw new VigiaError('SERVING_NO_EARLIER_MODEL', {})
      pipeline.models = [model, ...pipeline.models.slice(1)]
      return pipeline.models
    },
    setShadow: async (source) => withRole('shadow', source),
    setCanary: async (source) => withRole('canary', source),
  }
}

type Changes = { readonly [K in keyof HttpSettings]?: Partial<HttpSettings[K]> }

export interface TestServerOptions extends Partial<Omit<ServerDependencies, 'settings'>> {
  readonly settings?: Changes
}

const DEFAULTS = loadServingConfig({ environment: {}, assignments: [], workingDirectory: '/' }).settings

export const testSettings = (changes: Changes = {}): HttpSettings => {
  return {
    api: { ...DEFAULTS.api, ...changes.api },
    security: { ...DEFAULTS.security, ...changes.security },
    limits: { ...DEFAULTS.limits, ...changes.limits },
    log: { ...DEFAULTS.log, ...changes.log },
  }
}

/** A server over the pipeline above; `lines` are what it logged, `audited` the acts that it told of. */
export const createTestServer = async ({ settings = {}, ...given }: TestServerOptions = {}) => {
  const metrics = createServingMetrics('0.0.0')
  const pipeline = createTestPipeline(metrics.observer)
  const lines: string[] = []
  const audited: AuditEntry[] = []
  let names = 0
  const app = await createServer({
    branches: noBranches,
    pipeline,
    control: createTestControl(pipeline),
    settings: testSettings(settings),
    metrics,
    keys: [],
    version: '0.0.0',
    world: { now: Date.now, monotonicMs: () => 0, newId: () => `id-${++names}` },
    logStream: { write: (line) => lines.push(line) },
    audit: (entry) => audited.push(entry),
    ...given,
  })
  return { app, pipeline, metrics, lines, audited }
}
