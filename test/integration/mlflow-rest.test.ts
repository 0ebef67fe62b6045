import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMlflowStore } from '../../src/adapters/mlflow/mlflow-store.ts'
import type { TrackingStore } from '../../src/ports/tracking-store.ts'
import { experimentTrackerLaws } from '../../src/testing/experiment-tracker-laws.ts'
import { modelRegistryLaws } from '../../src/testing/model-registry-laws.ts'
import { holdToLaws } from '../hold-to-laws.ts'
import { type AnswerDroppingProxy, startAnswerDroppingProxy } from './answer-dropping-proxy.ts'
import { MLFLOW_LOGIN, MLFLOW_PYTHON, type MlflowServer, startMlflowServer } from './mlflow-server.ts'

const START = 1_790_000_000_000
const folder = mkdtempSync(join(tmpdir(), 'vigia-rest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(MLFLOW_PYTHON === undefined)(
  'an MLflow server with artifact proxy that asks for a password',
  () => {
    let server: MlflowServer
    beforeAll(async () => {
      server = await startMlflowServer({ basicAuth: true })
    })
    afterAll(() => server?.stop())

    holdToLaws('MLflow over REST keeps the laws of an experiment tracker', experimentTrackerLaws, {
      open: async () => storeAt(server.uri, MLFLOW_LOGIN).tracker,
    })
    holdToLaws('MLflow over REST keeps the laws of a model registry', modelRegistryLaws, {
      open: async () => storeAt(server.uri, MLFLOW_LOGIN),
    })

    test("Python's client reads back everything that was written", async () => {
      const written = await writeEverything(storeAt(server.uri, MLFLOW_LOGIN), 'read by Python')
      expect(readByPython(server.uri, 'read by Python', 'python reads', MLFLOW_LOGIN)).toMatchObject(written)
    })

    test('awkward values arrive, or are refused with the reason', async () => {
      const { tracker } = storeAt(server.uri, MLFLOW_LOGIN)
      const { id: experimentId } = await tracker.createExperiment('awkward')
      const name = 'it\'s "quoted" % \\ 🌲'
      const run = await tracker.createRun({ experimentId, name, startTimeMs: START })
      const params = { empty: '', zero: 'a\u0000b', astral: '🙂'.repeat(3000), html: '<b>&amp;</b>' }
      await tracker.logEntries(run.id, { params })
      const read = await tracker.getRun(run.id)
      expect([read.name, read.params]).toEqual([name, params])
      const half = { fine: 'yes', half: 'a\ud83d' }
      await expect(tracker.logEntries(run.id, { tags: half })).rejects.toThrow(/Tag half .* lone surrogate/)
      const metrics = [{ key: 'auc', value: 1, timestampMs: START, step: 0.5 }]
      await expect(tracker.logEntries(run.id, { metrics })).rejects.toThrow(
        /auc .* 0.5 is not a whole number/,
      )
      expect((await tracker.getRun(run.id)).tags['fine']).toBeUndefined()
    })

    describe('behind a network that loses answers', () => {
      let proxy: AnswerDroppingProxy
      beforeAll(async () => {
        proxy = await startAnswerDroppingProxy(server.uri)
      })
      afterAll(() => proxy.close())

      test('nothing is made twice', async () => {
        const { tracker, registry } = storeAt(proxy.uri, MLFLOW_LOGIN)
        proxy.dropNextAnswer('/experiments/create')
        const experiment = await tracker.createExperiment('lost answers', { owner: 'Ada' })
        expect(experiment.tags).toEqual({ owner: 'Ada' })
        proxy.dropNextAnswer('/runs/create')
        const run = await tracker.createRun({ experimentId: experiment.id, name: 'once', startTimeMs: START })
        proxy.dropNextAnswer('/runs/log-batch')
        const metrics = [{ key: 'auc', value: 0.9, timestampMs: START, step: 0 }]
        await tracker.logEntries(run.id, { params: { depth: '6' }, metrics, tags: { team: 'fraud' } })
        proxy.dropNextAnswer('/MLmodel')
        await tracker.logArtifact(run.id, fileOf('MLmodel', 'flavors: {}'), 'model/MLmodel')
        proxy.dropNextAnswer('/registered-models/create')
        await registry.ensureModel('lost', 'A model')
        proxy.dropNextAnswer('/model-versions/create')
        const version = await registry.createVersion({ name: 'lost', runId: run.id, artifactPath: 'model' })
        proxy.dropNextAnswer('/registered-models/alias')
        await registry.setAlias('lost', 'production', version.version)
        expect(proxy.dropped).toHaveLength(7)

        const direct = storeAt(server.uri, MLFLOW_LOGIN)
        const { items } = await direct.tracker.searchRuns({ experimentIds: [experiment.id] })
        expect(items.map(({ id }) => id)).toEqual([run.id])
        expect(await direct.tracker.metricHistory(run.id, 'auc')).toEqual(metrics)
        const versions = await direct.registry.listVersions('lost')
        expect(versions.items.map((each) => [each.version, each.aliases])).toEqual([[1, ['production']]])
      })

      test('an experiment that another made meanwhile is not taken for ours', async () => {
        await storeAt(server.uri, MLFLOW_LOGIN).tracker.createExperiment('taken')
        proxy.dropNextAnswer('/experiments/create')
        await expect(
          storeAt(proxy.uri, MLFLOW_LOGIN).tracker.createExperiment('taken'),
        ).rejects.toMatchObject({
          code: 'TRACKING_EXPERIMENT_EXISTS',
        })
      })
    })

    test('the password may stand in the address, and is never shown', async () => {
      const { tracker } = storeAt(server.uri.replace('//', '//admin:only-for-tests@'))
      expect(tracker.location).toBe(server.uri)
      expect(await tracker.findExperiment('Default')).toMatchObject({ id: '0' })
    })

    test.each([
      ['none', {}],
      ['a wrong password', { ...MLFLOW_LOGIN, MLFLOW_TRACKING_PASSWORD: 'guess-1234' }],
    ])('with %s nobody gets in', async (_, environment) => {
      const failure = storeAt(server.uri, environment).tracker.findExperiment('Default')
      await expect(failure).rejects.toMatchObject({ code: 'TRACKING_UNAUTHORIZED' })
      await expect(failure).rejects.not.toThrow('guess')
    })
  },
)

describe.skipIf(MLFLOW_PYTHON === undefined)(
  'an MLflow server without a password whose artifacts lie in a local folder',
  () => {
    let server: MlflowServer
    beforeAll(async () => {
      server = await startMlflowServer({ artifacts: 'local' })
    })
    afterAll(() => server?.stop())

    holdToLaws('MLflow with a local folder keeps the laws of a model registry', modelRegistryLaws, {
      open: async () => storeAt(server.uri),
    })

    test('artifacts are written there, and Python reads them', async () => {
      const written = await writeEverything(storeAt(server.uri), 'local folder')
      expect(readByPython(server.uri, 'local folder', 'python reads')).toMatchObject(written)
    })

    test('a server that ends is unreachable', async () => {
      const { tracker } = storeAt(server.uri)
      await server.stop()
      await expect(tracker.findExperiment('Default')).rejects.toMatchObject({
        code: 'TRACKING_UNREACHABLE',
        details: { location: server.uri },
      })
    })
  },
)

function storeAt(uri: string, environment: Readonly<Record<string, string>> = {}): TrackingStore {
  return createMlflowStore({ uri, environment, timeoutMs: 30_000, retries: 3, pause: async () => {} })
}

function fileOf(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Writes one thing of each kind; what `read_mlflow.py` must print of it. */
async function writeEverything(
  { tracker, registry }: TrackingStore,
  experimentName: string,
): Promise<object> {
  const experiment = await tracker.createExperiment(experimentName, { team: 'Betrug' })
  const experimentId = experiment.id
  const parent = await tracker.createRun({ experimentId, name: 'entraînement 🌲', startTimeMs: START })
  const child = await tracker.createRun({
    experimentId,
    name: 'trial 1',
    startTimeMs: START + 1,
    parentRunId: parent.id,
  })
  const params = { 'models/depth': '6', 'größe 検出': 'línea 1\nlínea 2', long: 'ñ'.repeat(6000) }
  const values = [0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1 + 0.2]
  const metrics = values.map((value, step) => ({
    key: 'curve/log loss',
    value,
    timestampMs: START + step,
    step,
  }))
  await tracker.logEntries(parent.id, { params, metrics, tags: { 'vigia.kind': 'training' } })
  await tracker.logInputs(parent.id, [
    {
      name: 'transactions',
      digest: 'a1b2',
      sourceType: 'local',
      source: '{"uri":"data.csv"}',
      schema: '{"mlflow_colspec":[]}',
      profile: '{"rows":10}',
      context: 'training',
    },
  ])
  const model = join(folder, 'model')
  mkdirSync(join(model, 'vigia', 'más'), { recursive: true })
  writeFileSync(join(model, 'MLmodel'), 'flavors: {}')
  writeFileSync(join(model, 'vigia', 'más', 'weights 1.bin'), Buffer.alloc(3_000_000, 'weights'))
  await tracker.logArtifact(parent.id, model, 'model')
  await tracker.logArtifact(parent.id, fileOf('report.html', '<p>ñ</p>'), 'reports/evaluation.html')
  await tracker.setRunStatus(parent.id, 'FINISHED', START + 60_000)
  await registry.ensureModel('python reads', 'Scores payments')
  const { version } = await registry.createVersion({
    name: 'python reads',
    runId: parent.id,
    artifactPath: 'model',
    description: 'the first',
    tags: { 'vigia.run_key': 'k' },
  })
  await registry.setAlias('python reads', 'production', version)
  const files = {
    MLmodel: hashOf(join(model, 'MLmodel')),
    'vigia/más/weights 1.bin': hashOf(join(model, 'vigia', 'más', 'weights 1.bin')),
  }
  return {
    experiment: { name: experimentName, tags: { team: 'Betrug' } },
    runs: {
      [parent.id]: {
        name: 'entraînement 🌲',
        status: 'FINISHED',
        start: START,
        end: START + 60_000,
        params,
        tags: { 'vigia.kind': 'training' },
        metrics: {
          // MLflow's database has no infinities: it keeps the largest doubles.
          'curve/log loss': [
            [0, START, '0.5'],
            [1, START + 1, 'nan'],
            [2, START + 2, '1.7976931348623157e+308'],
            [3, START + 3, '-1.7976931348623157e+308'],
            [4, START + 4, '0.30000000000000004'],
          ],
        },
        inputs: [
          {
            name: 'transactions',
            digest: 'a1b2',
            source_type: 'local',
            source: '{"uri":"data.csv"}',
            schema: '{"mlflow_colspec":[]}',
            profile: '{"rows":10}',
            tags: { 'mlflow.data.context': 'training' },
          },
        ],
        artifacts: {
          'model/MLmodel': files.MLmodel,
          'model/vigia/más/weights 1.bin': files['vigia/más/weights 1.bin'],
          'reports/evaluation.html': hashOf(join(folder, 'report.html')),
        },
      },
      [child.id]: { name: 'trial 1', status: 'RUNNING', tags: { 'mlflow.parentRunId': parent.id } },
    },
    models: {
      'python reads': {
        description: 'Scores payments',
        aliases: { production: String(version) },
        versions: {
          [version]: {
            run: parent.id,
            description: 'the first',
            tags: { 'vigia.run_key': 'k' },
            artifacts: files,
          },
        },
      },
    },
  }
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function readByPython(
  uri: string,
  experiment: string,
  model: string,
  login: Readonly<Record<string, string>> = {},
): unknown {
  const words = ['test/integration/read_mlflow.py', uri, experiment, model]
  return JSON.parse(
    execFileSync(MLFLOW_PYTHON ?? '', words, {
      encoding: 'utf8',
      maxBuffer: 1e8,
      env: { ...process.env, ...login },
    }),
  )
}
