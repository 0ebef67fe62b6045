import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../foundation/hash.ts'
import { contentsOf, TREES } from '../model/artifact.test-kit.ts'
import { encodeArtifact } from '../model/artifact.ts'
import { encodeMlflowModel } from '../model/mlflow/mlflow-model.ts'
import { createMemoryTrackingStore } from '../testing/memory/memory-tracking-store.ts'
import { findModel, isRegistered } from './model-source.ts'
import { runFolderOf } from './run-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-source-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const artifact = encodeArtifact(contentsOf(TREES))
const hash = sha256(artifact.get('checksums.json')!)
const store = createMemoryTrackingStore({ location: 'memory' })
let runId: string

beforeAll(async () => {
  write('run/package', artifact)
  write('mlflow', encodeMlflowModel(artifact, [[1, 2]]))
  write('strange', new Map([['MLmodel', new TextEncoder().encode('flavors: {}')]]))
  const { id: experimentId } = await store.tracker.createExperiment('bank')
  runId = (await store.tracker.createRun({ experimentId, name: 'a run', startTimeMs: 1 })).id
  await store.tracker.logArtifact(runId, join(root, 'mlflow'), 'model')
  await store.registry.ensureModel('detector', 'Fraud')
  await store.registry.createVersion({ name: 'detector', runId, artifactPath: 'model' })
  await store.registry.setAlias('detector', 'production', 1)
})

describe('a model is found by', () => {
  test.each(['run', 'run/package', 'mlflow'])('its folder: %s', async (source) => {
    expect(await found(source)).toMatchObject({
      name: 'test',
      version: hash.slice(0, 12),
      source: join(root, source),
      sha256: hash,
    })
  })

  test.each(['models:/detector@production', 'models:/detector/1', 'models:/detector/latest'])(
    'its version in the registry: %s',
    async (source) => {
      expect(await found(source)).toMatchObject({ name: 'detector', version: '1', source, sha256: hash })
    },
  )

  test('the run that made it, and its place among the artifacts', async () => {
    const source = `runs:/${runId}/model`
    expect(await found(source)).toMatchObject({ name: 'test', source, sha256: hash })
  })

  test('its name as a logged model, which MLflow 3 may keep apart from the run', async () => {
    await store.tracker.logArtifact(runId, join(root, 'mlflow'), 'elsewhere/champion')
    expect(await found(`runs:/${runId}/champion`)).toMatchObject({ sha256: hash })
  })

  test('its id as a logged model', async () => {
    const [logged] = await store.tracker.listLoggedModels(runId)
    // Ids of this store are digits, as hexadecimal ones may be.
    const source = `models:/${logged!.id}`
    expect(await found(source)).toMatchObject({ name: 'test', source, sha256: hash })
    expect([isRegistered(source), isRegistered('models:/detector/1')]).toEqual([false, true])
  })
})

describe('a source is refused', () => {
  test.each(['models:/detector', 'models:/', 'runs:/', 'runs:/abc', 'models:/m-12'])(
    'where it names nothing, with what is allowed: %s',
    async (source) => {
      await expect(found(source)).rejects.toThrow('Allowed: models:/name@alias, models:/name/3')
    },
  )

  test('where there is no such model', async () => {
    await expect(found('nowhere')).rejects.toMatchObject({ code: 'SERVING_MODEL_MISSING' })
    await expect(found(`models:/m-${'f'.repeat(32)}`)).rejects.toMatchObject({ code: 'TRACKING_NOT_FOUND' })
    await expect(found(`runs:/${runId}/other`)).rejects.toMatchObject({ code: 'TRACKING_NOT_FOUND' })
    await expect(found('models:/detector/9')).rejects.toMatchObject({ code: 'REGISTRY_VERSION_UNKNOWN' })
  })

  test('where a model folder was not made by Vigía', async () => {
    await expect(found('strange')).rejects.toThrow('the model was not made by Vigía')
  })
})

test('a run folder is known where the source is one, and only there', async () => {
  expect(await runFolderOf('run', root)).toBe(join(root, 'run'))
  expect(await runFolderOf('run/package', root)).toBe(join(root, 'run'))
  for (const source of ['models:/detector/1', `runs:/${runId}/model`])
    expect(await runFolderOf(source, root)).toBeUndefined()
})

const found = (source: string) =>
  findModel(source, { workingDirectory: root, openRegistry: async () => store })

function write(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(root, folder, path)), { recursive: true })
    writeFileSync(join(root, folder, path), bytes)
  }
}
