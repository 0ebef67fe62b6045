import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStore } from '../../src/adapters/files/file-store.ts'
import { checkMlflowFolder } from '../../src/cli/doctor-checks.ts'

const python = process.env['MLFLOW_PYTHON']
const folder = mkdtempSync(join(tmpdir(), 'vigia-migration-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/**
 * What we write without a server is MLflow's own layout: `mlflow migrate-filestore` imports it without a
 * warning, and Python's client then finds the same, as it does in the folder itself. Skipped where MLflow is
 * missing.
 */
describe.skipIf(python === undefined)('the embedded store in Python', () => {
  const source = join(folder, 'mlruns')
  let written: Awaited<ReturnType<typeof writeStore>>
  beforeAll(async () => {
    written = await writeStore(source)
  })

  test('is imported by mlflow migrate-filestore without a warning, and everything is found again', () => {
    const target = `sqlite:///${join(folder, 'mlflow.db')}`
    const imported = spawnSync(
      join(dirname(python ?? ''), 'mlflow'),
      ['migrate-filestore', '--source', source, '--target', target],
      { encoding: 'utf8' },
    )
    expect(imported.status, imported.stderr).toBe(0)
    expect(`${imported.stdout}${imported.stderr}`).not.toMatch(/warn|skip|malformed|fail/i)
    expect(foundBy(target)).toEqual(written)
  })

  test('is read by Python as it lies there', () => {
    expect(foundBy(source)).toEqual(written)
  })

  test('beside it, Python that asks for nothing raises, as vigia doctor tells', async () => {
    const { MLFLOW_ALLOW_FILE_STORE: _, MLFLOW_TRACKING_URI: __, ...plain } = process.env
    const asked = (environment: NodeJS.ProcessEnv) =>
      spawnSync(python ?? '', ['-c', 'import mlflow; print(len(mlflow.search_experiments()))'], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...plain, ...environment },
      })
    const { found, nextStep } = await checkMlflowFolder(source, {})
    const [, quoted = 'nothing'] = /raises "(.*)"/.exec(found) ?? []
    const { status, stderr } = asked({})
    expect(status).not.toBe(0)
    // The word that begins the sentence is ours or theirs.
    expect(stderr).toContain(quoted.slice(4))
    const [allowed = ''] = /MLFLOW_ALLOW_FILE_STORE=true/.exec(nextStep ?? '') ?? []
    expect(asked(Object.fromEntries([allowed.split('=')])).stdout.trim()).toMatch(/^[12]$/)
  })

  test('one that Python wrote is read by us, down to the history of a metric', async () => {
    const theirs = join(folder, 'theirs', 'mlruns')
    mkdirSync(theirs, { recursive: true })
    execFileSync(python ?? '', ['-c', WRITTEN_BY_PYTHON, theirs], { cwd: folder, env: PYTHON_ENV })
    const { tracker, registry } = open(theirs)
    const experiment = await tracker.findExperiment('yes: größe')
    const { items } = await tracker.searchRuns({ experimentIds: [experiment?.id ?? ''] })
    expect(items).toHaveLength(1)
    const [run] = items
    expect(run).toMatchObject({ name: 'null', status: 'FINISHED', params: { 'a/b': '007', empty: '' } })
    const history = await tracker.metricHistory(run?.id ?? '', 'm')
    expect(history.map(({ value, step }) => [value, step])).toEqual([
      [Number.NaN, 1],
      [1e-7, 2],
      [Number.POSITIVE_INFINITY, 3],
    ])
    expect((await registry.findModel('detector'))?.aliases).toEqual({ production: 1 })
    expect((await registry.findVersion('detector', 1))?.runId).toBe(run?.id)
  })
})

const PYTHON_ENV = { ...process.env, MLFLOW_ALLOW_FILE_STORE: 'true' }

interface Found {
  readonly experiments: Readonly<Record<string, unknown>>
  readonly models: Readonly<Record<string, unknown>>
}

/** All but `Default`, the empty experiment that Python makes wherever it looks. */
const foundBy = (uri: string): Found => {
  const text = execFileSync(python ?? '', [resolve('test/integration/read_mlflow_store.py'), uri], {
    encoding: 'utf8',
    // Python makes an empty database where it stands.
    cwd: folder,
    env: PYTHON_ENV,
    maxBuffer: 1e9,
  })
  const { experiments, models } = JSON.parse(text) as Found
  const { Default: _, ...named } = experiments
  return { experiments: named, models }
}

const open = (path: string) =>
  createFileStore({
    folder: path,
    now: () => Date.now(),
    owner: { processId: process.pid, host: 'here', isAlive: () => true },
  })

/** Writes one of everything, awkward names and values among them. @returns what Python is to find */
const writeStore = async (path: string) => {
  const { tracker, registry } = open(path)
  const experiment = await tracker.createExperiment('Prüfung: 検出', { 'team/owner': 'Ada: "x"' })
  const start = 1_790_000_000_000
  const parent = await tracker.createRun({ experimentId: experiment.id, name: 'yes', startTimeMs: start })
  const child = await tracker.createRun({
    experimentId: experiment.id,
    name: 'child',
    startTimeMs: start + 1,
    parentRunId: parent.id,
  })
  const params = {
    'split.method': '"temporal"',
    'a/b/größe': 'línea 1\nlínea 2',
    empty: '',
    null: 'null',
    octal: '0123',
    long: 'x'.repeat(6000),
  }
  const values = [0.5, Number.NaN, 1e-7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21]
  const metrics = values.map((value, step) => ({
    key: 'curves/loss',
    value,
    step,
    timestampMs: start + step,
  }))
  await tracker.logEntries(parent.id, { params, metrics, tags: { 'vigia.note': 'on: off # no comment' } })
  const input = { name: 'bank', digest: 'abc', sourceType: 'local', source: '{}', context: 'training' }
  await tracker.logInputs(parent.id, [input])
  writeFileSync(join(folder, 'report.html'), '<html></html>')
  await tracker.logArtifact(parent.id, join(folder, 'report.html'), 'reports/évaluation 1.html')
  mkdirSync(join(folder, 'model'))
  writeFileSync(join(folder, 'model', 'MLmodel'), 'flavors: {}')
  await tracker.logArtifact(parent.id, join(folder, 'model'), 'model')
  await tracker.setRunStatus(parent.id, 'FINISHED', start + 60_000)
  await tracker.setRunStatus(child.id, 'FAILED', start + 50_000)
  await registry.ensureModel('fraud-detector', 'finds: fraud')
  const version = { name: 'fraud-detector', runId: parent.id, artifactPath: 'reports' }
  const tags = { 'vigia.run_key': 'key' }
  const first = await registry.createVersion({ ...version, description: 'first', tags })
  const second = await registry.createVersion({ ...version, description: 'second' })
  await registry.setAlias('fraud-detector', 'production', 2)
  await registry.setAlias('fraud-detector', 'previous', 1)
  return {
    experiments: {
      'Prüfung: 検出': {
        tags: { 'team/owner': 'Ada: "x"' },
        runs: {
          [parent.id]: {
            name: 'yes',
            status: 'FINISHED',
            start,
            end: start + 60_000,
            params,
            tags: { 'mlflow.runName': 'yes', 'vigia.note': 'on: off # no comment' },
            metrics: {
              'curves/loss': values.map((value, step) => [
                start + step,
                Number.isFinite(value) ? value : String(value),
                step,
              ]),
            },
            inputs: [['bank', 'abc', { 'mlflow.data.context': 'training' }]],
            artifacts: [
              ['model/MLmodel', 11],
              ['reports/évaluation 1.html', 13],
            ],
            logged: [['model', 'READY', ['MLmodel']]],
          },
          [child.id]: {
            name: 'child',
            status: 'FAILED',
            start: start + 1,
            end: start + 50_000,
            params: {},
            tags: { 'mlflow.runName': 'child', 'mlflow.parentRunId': parent.id },
            metrics: {},
            inputs: [],
            artifacts: [],
            logged: [],
          },
        },
      },
    },
    models: {
      'fraud-detector': {
        description: 'finds: fraud',
        aliases: { production: 2, previous: 1 },
        versions: {
          '1': { run: parent.id, source: first.source, tags, description: 'first' },
          '2': { run: parent.id, source: second.source, tags: {}, description: 'second' },
        },
      },
    },
  }
}

const WRITTEN_BY_PYTHON = `
import sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1], sys.argv[1])
experiment = client.create_experiment("yes: größe")
run = client.create_run(experiment, run_name="null").info
client.log_param(run.run_id, "a/b", "007")
client.log_param(run.run_id, "empty", "")
client.log_metric(run.run_id, "m", float("nan"), 5, 1)
client.log_metric(run.run_id, "m", float("inf"), 7, 3)
client.log_metric(run.run_id, "m", 1e-7, 6, 2)
client.set_terminated(run.run_id)
client.create_registered_model("detector")
client.create_model_version("detector", f"{run.artifact_uri}/model", run.run_id)
client.set_registered_model_alias("detector", "production", "1")
`
