import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMlflowStore } from '../../src/adapters/mlflow/mlflow-store.ts'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { createScorer } from '../../src/model/scorer.ts'
import type { Promotion } from '../../src/pipelines/promotion/promotion.ts'
import { openPromotionLog } from '../../src/pipelines/promotion/promotion-log.ts'
import { MLFLOW_PYTHON, type MlflowServer, startMlflowServer } from './mlflow-server.ts'

const ROWS = 10_000

/**
 * The whole way: `vigia run` records on a real server and registers, `vigia models promote` makes it
 * production, and Python's `mlflow.pyfunc.load_model("models:/fraud-detector@production")` scores 10,000 rows
 * as we do. Skipped where MLflow is missing.
 */
describe.skipIf(MLFLOW_PYTHON === undefined)('a promoted model in Python', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-production-'))
  let server: MlflowServer
  beforeAll(async () => {
    server = await startMlflowServer()
    vigia('run', ...BANK)
    vigia('models', 'promote', 'latest', '--by', 'ada', '--reason', 'the first', ...LENIENT, ...BANK)
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const vigia = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [resolve('bin/vigia.mjs'), ...args, '--set', 'tracking.enabled=true'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, MLFLOW_TRACKING_URI: server.uri } },
    )
    expect(status, stderr).toBe(0)
    return stdout
  }

  test('gives our probabilities on 10,000 rows', async () => {
    const features = join(folder, 'runs', 'vigia', 'features', 'features.parquet')
    const theirs = JSON.parse(
      execFileSync(
        MLFLOW_PYTHON ?? '',
        [resolve('test/integration/predict_production.py'), server.uri, features, String(ROWS)],
        { cwd: folder, encoding: 'utf8', maxBuffer: 1e9 },
      ),
    ) as number[]
    const ours = await scoresOf(features)
    expect([theirs.length, ours.length]).toEqual([ROWS, ROWS])
    const largest = ours.reduce((most, value, row) => Math.max(most, Math.abs(value - theirs[row]!)), 0)
    expect(largest).toBeLessThan(1e-12)
    // Scores that are all alike would agree as well.
    expect(new Set(theirs).size).toBeGreaterThan(10)
  })

  test('comes back whole, and predicts as the run does', () => {
    vigia('models', 'export', '@production', '--out', 'production', ...BANK)
    const exported = join(folder, 'production', 'package')
    return expect(readArtifact(exported)).resolves.toEqual(
      expect.objectContaining({ manifest: expect.objectContaining({ project: 'vigia' }) }),
    )
  })

  test('is found by its version, its run and as a logged model, and predicts alike', () => {
    const { runId } = JSON.parse(vigia('models', 'show', '@production', '--json', ...BANK)) as {
      runId: string
    }
    const shown = JSON.parse(vigia('runs', 'show', runId, '--json', ...BANK)) as {
      loggedModels: { id: string; name: string }[]
    }
    expect(shown.loggedModels.map(({ name }) => name)).toEqual(['model'])
    const logged = `models:/${shown.loggedModels[0]!.id}`
    const [generated = ''] = readdirSync(join(folder, 'runs/vigia/generate')).filter((name) =>
      name.startsWith('transactions.'),
    )
    const scores = (model: string, at: number): string => {
      const out = join(folder, `scores-${at}.csv`)
      const input = join('runs/vigia/generate', generated)
      vigia('predict', input, '--model', model, '--history', 'none', '--out', out, ...BANK)
      return readFileSync(out, 'utf8')
    }
    const ofRun = scores('runs/vigia', 0)
    const sources = ['models:/fraud-detector@production', `runs:/${runId}/model`, logged]
    sources.forEach((source, at) => {
      expect(scores(source, at + 1), source).toBe(ofRun)
    })
    expect(readByPython(server.uri, runId)).toEqual({ logged: [logged], outputs: [logged], rows: 3 })
  })

  test('is one of many that decide at the same time: on the server too, exactly one wins', async () => {
    for (let round = 0; round < 2; round++) {
      const attempts = await Promise.allSettled(
        Array.from({ length: 6 }, async (_, i) => {
          const { tracker } = createMlflowStore({
            uri: server.uri,
            environment: {},
            timeoutMs: 60_000,
            retries: 3,
          })
          const log = await openPromotionLog({
            tracker,
            model: 'contested',
            world: { newId: randomUUID, now: () => 1_790_000_000_000 + i },
          })
          return log.append({ ...DECISION, id: `${round}-${i}`, to: i + 1 }, round)
        }),
      )
      const codes = attempts.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
      expect(codes).toEqual(Array(5).fill('REGISTRY_DECISION_LOST'))
    }
  })

  const scoresOf = async (features: string): Promise<Float64Array> => {
    const scorer = createScorer(await readArtifact(join(folder, 'runs', 'vigia', 'package')))
    const database = { threads: 1, memoryLimit: '1GB', tempDirectory: folder }
    const rows = await withDatabase(database, (connection) =>
      connection.runAndReadAll(
        `SELECT ${scorer.featureNames.map(sqlIdentifier).join()} FROM read_parquet(${sqlLiteral(features)}) LIMIT ${ROWS}`,
      ),
    )
    return Float64Array.from(rows.getRows() as number[][], (vector) => scorer.scoreOne(vector))
  }
})

/** The logged models of a run as Python's client lists them, and how many rows of its example one scores. */
const readByPython = (uri: string, runId: string): unknown =>
  JSON.parse(
    execFileSync(MLFLOW_PYTHON ?? '', ['-c', READ_LOGGED, uri, runId], { cwd: tmpdir(), encoding: 'utf8' }),
  )

const READ_LOGGED = `
import json, sys
import mlflow
uri, run_id = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
run = client.get_run(run_id)
models = client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id = '{run_id}'")
model = mlflow.pyfunc.load_model(models[0].model_uri)
example = model.metadata.load_input_example(mlflow.artifacts.download_artifacts(models[0].model_uri))
print(json.dumps({
    "logged": [model.model_uri for model in models],
    "outputs": [f"models:/{output.model_id}" for output in run.outputs.model_outputs],
    "rows": len(model.predict(example.head(3))),
}))
`

const DECISION: Omit<Promotion, 'id' | 'to'> = {
  action: 'promote',
  alias: 'production',
  from: null,
  by: 'ada',
  at: '2026-11-23T00:00:00.000Z',
  reason: 'a test',
  skipped: [],
  evidence: null,
}

const setting = (text: string): string[] => ['--set', text]
const BANK = [
  'source.path=generated',
  'generate.rows=12000',
  'generate.users=240',
  'generate.merchants=60',
  'generate.days=60',
  'generate.fraud_rate=0.03',
  'models.random_forest.trees=20',
  'models.gradient_boosting.trees=40',
  'models.xgboost.enabled=false',
].flatMap(setting)
/** A busy machine is slow; how fast decisions are is for the benchmark. */
const LENIENT = ['promotion.latency.p50=null', 'promotion.latency.p99=null'].flatMap(setting)
