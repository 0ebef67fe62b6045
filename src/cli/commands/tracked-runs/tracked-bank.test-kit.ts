import type { ExperimentTracker, TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { TrackingStore } from '../../../ports/tracking-store.ts'

/** 2026-11-23 04:41 UTC. */
export const NOON_MS = Date.UTC(2026, 10, 23, 4, 41)

/**
 * Three runs of the experiment `vigia` and what they hold, the earliest first, and a version of the second.
 */
export interface TrackedBank {
  readonly first: TrackedRun
  /** Has two candidates within it and a learning curve of 300 trees. */
  readonly second: TrackedRun
  readonly failed: TrackedRun
}

/**
 * Records runs such as `vigia run` does.
 *
 * @param artifact local file that the second run has as `reports/evaluation.html`
 */
export const trackBank = async (
  { tracker, registry }: TrackingStore,
  artifact: string,
): Promise<TrackedBank> => {
  const { id } = await tracker.createExperiment('vigia')
  const start = (minutes: number, tags: Record<string, string> = {}, parentRunId?: string, name = 'vigia') =>
    tracker.createRun({
      experimentId: id,
      name,
      startTimeMs: NOON_MS + minutes * 60_000,
      tags,
      ...(parentRunId !== undefined && { parentRunId }),
    })
  const first = await start(0, { 'vigia.kind': 'training', 'vigia.model': 'logistic_regression' })
  await logFigures(tracker, first.id, { 'test.roc_auc': 0.894, 'test.average_precision': 0.521 })
  await logFigures(tracker, first.id, { 'test.log_loss': 0.0512, 'test.frauds': 120 })
  await tracker.logEntries(first.id, { params: { 'project.seed': '42', 'features.time_zone': '"UTC"' } })
  await tracker.logInputs(first.id, [input('aaa111')])
  await tracker.setRunStatus(first.id, 'FINISHED', NOON_MS + 4200)

  const second = await start(60, {
    'vigia.kind': 'training',
    'vigia.model': 'gradient_boosting',
    'vigia.chosen_by': 'ROC-AUC',
    'vigia.warnings': 'few frauds\n\u001b[31mred',
  })
  await logFigures(tracker, second.id, { 'test.roc_auc': 0.961, 'test.average_precision': 0.728 })
  await logFigures(tracker, second.id, { 'test.roc_auc.low': 0.944, 'test.roc_auc.high': 0.978 })
  await logFigures(tracker, second.id, { 'validation.roc_auc': 0.968, 'test.log_loss': 0.0398 })
  await logFigures(tracker, second.id, { 'test.frauds': 131, 'system/memory': 512 })
  await tracker.logEntries(second.id, {
    params: { 'project.seed': '7', 'features.time_zone': '"Europe/Madrid"', selected_features: '["amount"]' },
    metrics: Array.from({ length: 300 }, (_, tree) => ({
      key: 'gradient_boosting.validation.log_loss',
      value: 0.04 + 0.3 * Math.exp(-tree / 40),
      timestampMs: NOON_MS,
      step: tree + 1,
    })),
  })
  await tracker.logInputs(second.id, [input('bbb222')])
  await tracker.logArtifact(second.id, artifact, 'reports/evaluation.html')
  for (const [name, rocAuc] of [
    ['random_forest', 0.95],
    ['gradient_boosting', 0.961],
  ] as const) {
    const child = await start(61, { 'vigia.kind': 'candidate', 'vigia.model': name }, second.id, name)
    await logFigures(tracker, child.id, { 'test.roc_auc': rocAuc })
    await tracker.setRunStatus(child.id, 'FINISHED', NOON_MS + 62 * 60_000)
  }
  await tracker.setRunStatus(second.id, 'FINISHED', NOON_MS + 64 * 60_000 + 12_000)
  await registry.ensureModel('fraud-detector', 'Fraud detection')
  await registry.createVersion({ name: 'fraud-detector', runId: second.id, artifactPath: 'reports' })
  await registry.setAlias('fraud-detector', 'production', 1)

  const failed = await start(120, { 'vigia.kind': 'training' }, undefined, 'nightly')
  await tracker.setRunStatus(failed.id, 'FAILED', NOON_MS + 120 * 60_000 + 900)
  return { first, second, failed }
}

const logFigures = (
  tracker: ExperimentTracker,
  runId: string,
  figures: Readonly<Record<string, number>>,
): Promise<void> =>
  tracker.logEntries(runId, {
    metrics: Object.entries(figures).map(([key, value]) => ({
      key,
      value,
      timestampMs: NOON_MS,
      step: 0,
    })),
  })

const input = (digest: string) => ({
  name: 'transactions.csv',
  digest,
  sourceType: 'local',
  source: '{}',
  profile: '{"num_rows":12000}',
  context: 'test',
})
