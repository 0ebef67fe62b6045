/**
 * The public table of contents of Vigía: every name that other packages may rely on, by subject.
 */

// State stores and the prediction log
export { openLmdbStateStore } from './adapters/lmdb/lmdb-state-store.ts'
export { createMemoryStateStore } from './adapters/memory/memory-state-store.ts'
export { openRedisStateStore } from './adapters/redis/redis-state-store.ts'
export { openLogReader } from './adapters/segments/segment-files.ts'
export { openSegmentLog } from './adapters/segments/segment-log.ts'
export { type AlertCenter, type AlertCenterOptions, createAlertCenter } from './alerts/alert-center.ts'
export type { Finding } from './alerts/alert-state.ts'
// Alerts
export { type Alerter, type AlertReport, alerterChannel } from './alerts/alerter-channel.ts'
export type { Look } from './alerts/take-look.ts'
// Command line
export type {
  Command,
  CommandArgument,
  CommandContext,
  CommandInput,
  CommandOption,
  ExitCode,
  Output,
} from './cli/command.ts'
export type { Host } from './cli/host.ts'
export { runProgram } from './cli/program.ts'
export { alertsOpener } from './composition/open-alerts.ts'
// World and work: what a process knows of outside, what a job is handed
export { systemWorld } from './composition/system-world.ts'
// Configuration
export {
  type ConfigInput,
  ConfigManager,
  type EffectiveSetting,
  loadServingConfig,
  loadTrainingConfig,
} from './config/config-manager.ts'
export { describeOrigin, type Origin } from './config/origin.ts'
export { ServingConfigSchema, type ServingSettings } from './config/serving-config.ts'
export { TrainingConfigSchema, type TrainingSettings } from './config/training-config.ts'
// Data: generate, read, validate, clean, split
export { applyCleaning, cleanTransaction, type FittedCleaning, fitCleaning } from './dataset/cleaning.ts'
export { type ReadResult, readSource } from './dataset/read-source.ts'
export { splitDataset } from './dataset/split/split-dataset.ts'
export type { SplitReport } from './dataset/split/split-report.ts'
export { validateDataset } from './dataset/validate-dataset.ts'
export type { ValidationReport } from './dataset/validation-report.ts'
// Serving
export type {
  Feedback,
  FeedbackOutcome,
  InferenceObserver,
  InferencePipeline,
  LoggedPrediction,
  Prediction,
} from './decisions/inference-pipeline.ts'
export { type LoadedModel, prepareModel } from './decisions/loaded-model.ts'
export { openInferencePipeline } from './decisions/open-pipeline.ts'
export { type DatabaseSettings, withDatabase } from './disk/database.ts'
export { unwatched, unwatchedWork, type Work } from './disk/work.ts'
// Drift
export { type DetectorOptions, DriftDetector } from './drift/drift-detector.ts'
export type { ChartVerdict, DriftLook, FeatureDrift, ScoreDrift } from './drift/drift-look.ts'
export { DRIFT_DEFAULTS, type DriftSettings, type EffectLimits } from './drift/drift-settings.ts'
export type { DriftEffect } from './drift/effects.ts'
export type { FeatureTests } from './drift/feature-tests.ts'
export { type BookOptions, type DayProfile, ProfileBook } from './drift/profile-book.ts'
export { decodeProfile, encodeProfile } from './drift/profile-encoding.ts'
export {
  type LayoutOptions,
  type ProfileLayout,
  profileLayoutOf,
  scoreLayoutOf,
} from './drift/profile-layout.ts'
export type { CategoricalBins, DriftReference, NumericBins } from './drift/reference-bins.ts'
export { RowBuffer } from './drift/row-buffer.ts'
export type { DriftSeverity } from './drift/severity.ts'
export { benjaminiHochberg } from './drift/tests/benjamini-hochberg.ts'
export { chiSquared } from './drift/tests/chi-squared.ts'
export { cramersV } from './drift/tests/cramers-v.ts'
export { jensenShannon } from './drift/tests/jensen-shannon.ts'
export { kolmogorovSmirnov, kolmogorovSmirnovTail } from './drift/tests/kolmogorov-smirnov.ts'
export { missingShare } from './drift/tests/missing-share.ts'
export { newCategory } from './drift/tests/new-category.ts'
export { populationStability } from './drift/tests/population-stability.ts'
export { wasserstein } from './drift/tests/wasserstein.ts'
export { mergeProfiles, WindowProfile } from './drift/window-profile.ts'
// Errors
export { ERRORS, type ErrorCode, type ErrorDefinition, type ErrorDetails, VigiaError } from './errors.ts'
// Evaluation
export { evaluate, type PartEvaluation } from './evaluation/evaluate.ts'
export {
  comparePaired,
  type PairedComparison,
  type PairedOptions,
  type PairedRows,
} from './evaluation/paired-comparison.ts'
// Features: one engine for training and serving
export { FEATURE_FAMILIES } from './features/families/index.ts'
export type { Feature, FeatureFamily, FeatureSources } from './features/feature.ts'
export { type EntityStates, FeatureEngineer, type Outcome } from './features/feature-engineer.ts'
export { type FeatureSettings, readFeatureSettings } from './features/feature-settings.ts'
export { type FittedFeatures, fitFeatures } from './features/fitted-features.ts'
export { decodeState, encodeState } from './features/state/encoding.ts'
export { readTransaction, TransactionEvent } from './features/transaction-event.ts'
// Pipelines
export { fitOnThreads, type ThreadedFit } from './fitting/fit-on-threads.ts'
// Foundation
export { type CronSchedule, cronSchedule } from './foundation/cron-schedule.ts'
export { formatDuration, parseDuration } from './foundation/duration.ts'
export type { ProgressUpdate, ReportProgress } from './foundation/progress.ts'
export type { World } from './foundation/world.ts'
// Learning
export type { Algorithm, TrainingData, TrainingRows } from './learning/algorithm.ts'
export { ALGORITHMS } from './learning/algorithms/index.ts'
export { type Calibration, calibrate, chooseCalibration } from './learning/calibration/calibration.ts'
export type { FeatureTable } from './learning/feature-table.ts'
export type { ForeignChoices, ForeignModel } from './learning/imported/foreign-model.ts'
export { fitLogisticRegression, type LogisticRegressionModel } from './learning/logistic-regression.ts'
export type { Model, ModelKind } from './learning/model.ts'
export type { Tree, TreeEnsembleModel } from './learning/trees/tree-ensemble.ts'
export { importXgboostModel, readXgboostModel } from './learning/xgboost/import-model.ts'
// The model: artifact, scores, reasons, ONNX
export { type Artifact, decodeArtifact, encodeArtifact } from './model/artifact.ts'
export { createExplainer, type Explainer } from './model/explain/create-explainer.ts'
export { type Reason, reasonsFor } from './model/explain/reasons.ts'
export { createScoreExplainer } from './model/explain/score-explainer.ts'
export { compareFloats } from './model/onnx/compare-floats.ts'
export { encodeFloatOnnx, encodeOnnx } from './model/onnx/encode-onnx.ts'
export type { FloatComparison } from './model/onnx/onnx-contents.ts'
export { profileCodes, profileNumbers, type ReferenceProfile } from './model/reference-profile.ts'
export {
  createModelScorer,
  createScorer,
  type ModelScorer,
  type RiskLevel,
  type Scorer,
} from './model/scorer.ts'
// Looks at what was decided
export type { FindIn, Findings } from './monitoring/find-in.ts'
export { FINDERS, findingsOf, lookOf } from './monitoring/findings.ts'
export type { MonitorReport } from './monitoring/monitor-report.ts'
// Performance under late and partial labels
export { type AuditEstimate, auditEstimate } from './performance/audit-sample.ts'
export { bettingInterval } from './performance/betting-interval.ts'
export { type Cohort, cohortsOf, type MaturityCurves, maturityCurves } from './performance/cohorts.ts'
export { type DecidedEvent, type DecidedRows, decidedRows } from './performance/decided-rows.ts'
export type { Estimate } from './performance/estimate.ts'
export { type ExpectedFigures, expectedFigures } from './performance/expected-figures.ts'
export { labelsByOrigin, type OriginLabels } from './performance/labels-by-origin.ts'
export {
  collectEvents,
  type LoggedDecision,
  type LoggedEvents,
  type LoggedEventsOptions,
  type LoggedLabel,
  type NotCovered,
} from './performance/logged-events.ts'
export {
  daysUntilKnown,
  knownShareAt,
  type MaturityCurve,
  maturityCurve,
} from './performance/maturity-curve.ts'
export { type MoneyFigures, moneyFigures } from './performance/money-figures.ts'
export {
  historyOfRates,
  lookAtPerformance,
  newPerformanceWatch,
  type PerformanceLook,
  type PerformanceWatch,
  type RateHistory,
} from './performance/performance-watch.ts'
export { type RecallFigures, recallFigures } from './performance/recall-figures.ts'
export { parityOfLog } from './pipelines/parity/parity-of-log.ts'
export { type PredictOptions, type PredictResult, predict } from './pipelines/predict.ts'
export { type LoadModel, modelLoader } from './pipelines/service/model-source.ts'
export { openService } from './pipelines/service/open-service.ts'
export { runTrainingPipeline, type TrainingResult } from './pipelines/training-pipeline.ts'
// Ports: what an adapter of your own implements
export type {
  AlertChannel,
  AlertDelivery,
  AlertNotification,
  AlertSeverity,
} from './ports/alert-channel.ts'
export type {
  ArtifactEntry,
  DatasetInput,
  Experiment,
  ExperimentTracker,
  LoggedModel,
  Metric,
  NewRun,
  Page,
  RunEntries,
  RunQuery,
  RunStatus,
  TrackedRun,
} from './ports/experiment-tracker.ts'
export type {
  ModelRegistry,
  ModelVersion,
  NewModelVersion,
  RegisteredModel,
} from './ports/model-registry.ts'
export type { LogPosition, LogReader, LogRecord, PredictionLog } from './ports/prediction-log.ts'
export type {
  CommitOutcome,
  EntityKey,
  OutboxEntry,
  Receipt,
  SharedStateStore,
  StateChange,
  StateStore,
  StoredState,
} from './ports/state-store.ts'
export { TRACKING_LIMITS } from './ports/tracking-limits.ts'
export type { TrackingStore } from './ports/tracking-store.ts'
// Faults of live data
export { blocksRetraining, checkWindow } from './quality/check-window.ts'
export { type DataFault, FAULT_KINDS, type FaultKind } from './quality/data-fault.ts'
export { summarizeWindow, type WindowRows, type WindowSummary } from './quality/window-summary.ts'
export { type ReplayOptions, type ReplayResult, replay } from './replay/replay.ts'
// Jobs at set times
export type { MissedTimes, RunBook, RunOutcome, RunRecord } from './scheduling/run-book.ts'
export { AlmostDone, type RunResult, type ScheduledJob } from './scheduling/scheduled-job.ts'
export { createScheduler, type Scheduler, type SchedulerOptions } from './scheduling/scheduler.ts'
export { createServingMetrics } from './serving/metrics/serving-metrics.ts'
export { type Reloaded, reloadServer } from './serving/reload.ts'
export { createServer } from './serving/server.ts'
export { loadStates } from './states/load-states.ts'
// The transaction
export { tokenOf } from './transaction/token.ts'
export { type Label, type Transaction, TransactionSchema } from './transaction/transaction.ts'
