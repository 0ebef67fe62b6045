import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'
import { VigiaError } from '../../src/errors.ts'
import { noProgress } from '../../src/foundation/progress.ts'
import { runTrainingPipeline } from '../../src/pipelines/training-pipeline.ts'
import {
  createMemoryTrackingStore,
  type MemoryTrackingStore,
} from '../../src/tracking/memory-tracking-store.test-kit.ts'
import type { TrackedTraining } from '../../src/tracking/tracking-options.ts'
import { SMALL_BANK, temporaryFolder } from './vigia-in-process.ts'

describe('a tracked training run', { timeout: 300_000 }, () => {
  const { path: work, remove } = temporaryFolder()
  const store = createMemoryTrackingStore()
  let tracked: TrackedTraining | undefined
  beforeAll(async () => {
    tracked = await train('whole', store)
  }, 300_000)
  afterAll(remove)

  it('is delivered when the run is done', () => {
    expect(tracked).toMatchObject({
      status: 'FINISHED',
      location: 'memory',
      experiment: 'vigia',
      waiting: 0,
      refused: [],
      version: { model: 'fraud-detector', version: 1 },
    })
    expect(tracked?.problem).toBeUndefined()
  })

  it('holds settings, data sets, figures, curves and files', async () => {
    const [run] = await runsOf(store)
    expect(run?.params['split.method']).toBe('"temporal"')
    expect(run?.params['generate.rows']).toBe('3000')
    expect(JSON.parse(run?.params['selected_features'] ?? '')).toContain('amount')
    expect(run?.inputs.map((input) => input.replace(/ \w{32} /, ' '))).toEqual(
      expect.arrayContaining(['generated training', 'generated validation', 'generated test']),
    )
    expect(keysOf(run)).toEqual(
      expect.arrayContaining([
        'test.roc_auc',
        'test.roc_auc.low',
        'validation.average_precision',
        'train.log_loss',
        'test.false_positive',
        'threshold',
        'selection.kept',
        'duration.features.seconds',
        'search.logistic_regression.roc_auc',
        'system/cpu_utilization_percentage',
      ]),
    )
    expect(Object.keys(run?.artifacts ?? {})).toEqual(
      expect.arrayContaining([
        'configuration.json',
        'environment.json',
        'reports/evaluation.html',
        'reports/validation.html',
        'plots/roc.svg',
        'validation.json',
        'split.json',
        'selection.json',
        'search.json',
        'training.json',
        'choice.json',
        'evaluation.json',
        'run.json',
        'model/MLmodel',
        'model/model.onnx',
        'model/vigia/model.json',
      ]),
    )
    expect(run?.tags).toMatchObject({ 'mlflow.user': 'somebody', 'vigia.run_key': 'key-1' })
  })

  it('has a run within it for each candidate, and for each tried setting one within that', async () => {
    const runs = await runsOf(store)
    expect(runs.map(({ name, parent, status }) => [name, parent, status])).toEqual([
      [expect.stringContaining('vigia 2020'), null, 'FINISHED'],
      ['gradient_boosting', 'key-1', 'FINISHED'],
      ['logistic_regression', 'key-1', 'FINISHED'],
      ['logistic_regression tried 001', 'key-1/model/logistic_regression', 'FINISHED'],
      ['logistic_regression tried 002', 'key-1/model/logistic_regression', 'FINISHED'],
    ])
    expect(keysOf(runs[1])).toEqual(
      expect.arrayContaining(['test.roc_auc', 'validation.roc_auc', 'threshold']),
    )
    expect(runs[1]?.params['trees']).toBe('20')
    expect(runs[1]?.metrics.filter((metric) => metric.startsWith('curve.validation.log_loss '))).toHaveLength(
      20,
    )
    expect(runs[3]?.params['c']).toMatch(/^0\.1|1$/)
    expect(runs[3]?.metrics.filter((metric) => metric.startsWith('roc_auc ')).length).toBeGreaterThan(1)
  })

  it('records nothing when everything is up to date', async () => {
    copyOfWhole('again')
    const other = createMemoryTrackingStore()
    expect(await train('again', other)).toBeUndefined()
    expect(other.calls).toEqual([])
  })

  it('stopped after each step and gone on with, is one run with every figure once', async () => {
    const stopped = createMemoryTrackingStore()
    for (const step of ['split', 'search', 'evaluate'])
      await expect(train('stopped', stopped, [], step)).rejects.toThrow(VigiaError)
    const before = await runsOf(stopped)
    expect(before.map(({ status }) => status)).toEqual([
      'KILLED',
      'FINISHED',
      'FINISHED',
      'FINISHED',
      'FINISHED',
    ])
    expect(await train('stopped', stopped)).toMatchObject({
      status: 'FINISHED',
      version: { version: 1 },
      refused: [],
    })
    expect(comparable(await runsOf(stopped))).toEqual(comparable(await runsOf(store)))
  })

  it('is another run when a step then makes something else', async () => {
    const changed = createMemoryTrackingStore()
    await expect(train('changed', changed, [], 'train')).rejects.toThrow(VigiaError)
    await train('changed', changed, ['models.gradient_boosting.trees=10'])
    const runs = (await runsOf(changed)).filter(({ parent }) => parent === null)
    expect(runs.map(({ status, params }) => [status, params['models.gradient_boosting.trees']])).toEqual([
      ['KILLED', '20'],
      ['FINISHED', '10'],
    ])
  })

  it('that fails a gate is FAILED, tells why, and registers nothing', async () => {
    const failed = createMemoryTrackingStore()
    copyOfWhole('failed')
    await expect(train('failed', failed, ['evaluation.gates.roc_auc=1'])).rejects.toThrow(/quality gate/)
    const [run] = await runsOf(failed)
    expect(run?.status).toBe('FAILED')
    expect(run?.tags['vigia.error']).toContain('PIPELINE_GATES_FAILED')
    expect(Object.keys(run?.artifacts ?? {})).toContain('reports/evaluation.html')
    expect(await failed.content()).toMatchObject({ models: [] })
  })

  it('loses nothing when the tracker is away: what waits is in the folder', async () => {
    copyOfWhole('away')
    const away = createMemoryTrackingStore(() => 'before')
    const result = await train('away', away, [], undefined, 'train')
    expect(result).toMatchObject({ status: 'FINISHED', stoppedBy: { code: 'TRACKING_UNREACHABLE' } })
    expect(result?.waiting).toBeGreaterThan(30)
    expect(readdirSync(join(work, 'away', 'tracking', result?.runKey ?? ''))).toContain('journal.jsonl')
  })

  let keys = 0
  const train = async (
    name: string,
    into: MemoryTrackingStore,
    settings: readonly string[] = [],
    stopAfter?: string,
    force?: string,
  ): Promise<TrackedTraining | undefined> => {
    const interruption = new AbortController()
    const config = loadTrainingConfig({
      environment: {},
      assignments: [...SETTINGS, ...settings],
      workingDirectory: work,
    })
    const result = await runTrainingPipeline(
      {
        config,
        workingDirectory: work,
        folder: join(work, name),
        environment: {},
        workers: 1,
        readLog: openLogReader,
      },
      {
        world: { now: () => 1_600_000_000_000 },
        work: {
          signal: interruption.signal,
          reportProgress: noProgress,
          database: { threads: 1, memoryLimit: '1GB', tempDirectory: '' },
        },
        owner: { processId: process.pid, host: 'here', isAlive: () => false },
        runtime: 'test',
        renderers: {
          validation: () => '<html></html>',
          evaluation: () => '<html></html>',
          plots: async () => ({ 'roc.svg': '<svg></svg>' }),
        },
        ...(force !== undefined && { force }),
        onOutcome: ({ step }) => {
          if (step === stopAfter) interruption.abort()
        },
        tracking: {
          store: into,
          newRunKey: () => `key-${++keys}`,
          tags: { 'mlflow.user': 'somebody' },
          environment: { node: 'v0' },
          sampleResources: () => ({ 'system/cpu_utilization_percentage': 50 }),
        },
      },
    )
    return result.tracked
  }

  const copyOfWhole = (name: string): void =>
    cpSync(join(work, 'whole'), join(work, name), { recursive: true })
})

const SETTINGS = [
  ...SMALL_BANK.filter((word) => word !== '--set'),
  'models.random_forest.enabled=false',
  'models.logistic_regression.grid={c: [0.1, 1]}',
  'search.validation=stratified',
  'search.folds=2',
]

interface ContentRun {
  readonly name: string
  readonly status: string
  readonly parent: string | null
  readonly params: Record<string, string>
  readonly tags: Record<string, string>
  /** `key value time step`. */
  readonly metrics: readonly string[]
  readonly inputs: readonly string[]
  readonly artifacts: Record<string, string>
}

const runsOf = async (store: MemoryTrackingStore): Promise<readonly ContentRun[]> =>
  ((await store.content()) as { runs: ContentRun[] }).runs

const keysOf = (run: ContentRun | undefined): string[] =>
  (run?.metrics ?? []).map((metric) => metric.split(' ')[0]!)

/** Without what differs between two runs of the same thing: times and keys. */
const comparable = (runs: readonly ContentRun[]) =>
  runs.map(({ name, params, metrics, artifacts }) => ({
    name,
    params,
    metrics: metrics
      .filter((metric) => !/^(?:system|duration)/.test(metric))
      .map((metric) => metric.replace(/ \d+(?= \d+$)/, '')),
    artifacts: Object.keys(artifacts),
  }))
