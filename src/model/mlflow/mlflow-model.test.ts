import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { contentsOf, TREES } from '../artifact.test-kit.ts'
import { encodeArtifact } from '../artifact.ts'
import { artifactOfMlflowModel, encodeMlflowModel } from './mlflow-model.ts'

const ARTIFACT = encodeArtifact(contentsOf(TREES))
const EXAMPLE = [
  [12.5, 0],
  [Number.NaN, 2],
]

test('a model folder has what MLflow looks for, and our artifact beside it, model.onnx once', () => {
  expect([...encodeMlflowModel(ARTIFACT, EXAMPLE).keys()].sort()).toEqual([
    'MLmodel',
    'code/vigia_pyfunc.py',
    'conda.yaml',
    'input_example.json',
    'model.onnx',
    'python_env.yaml',
    'requirements.txt',
    'serving_input_example.json',
    'vigia/checksums.json',
    'vigia/manifest.json',
    'vigia/model.json',
    'vigia/reference.json',
  ])
})

test('its signature has one probability and no inputs, whose names stand in the metadata in order', () => {
  const { signature, flavors, metadata } = parse(textOf('MLmodel'))
  expect(signature.inputs).toBeNull()
  expect(JSON.parse(signature.outputs)).toEqual([{ type: 'double', name: 'probability', required: true }])
  expect(metadata).toEqual({
    features: ['amount', 'category'],
    categorical: ['category'],
    threshold: 0.1 + 0.2,
  })
  expect([flavors.onnx.data, flavors.python_function.loader_module]).toEqual(['model.onnx', 'vigia_pyfunc'])
})

test('a missing value of the example is null, as JSON has no NaN', () => {
  expect(JSON.parse(textOf('input_example.json'))).toEqual({
    columns: ['amount', 'category'],
    data: [
      [12.5, 0],
      [null, 2],
    ],
  })
})

test('law: the same artifact gives the same bytes, and comes back as it was', async () => {
  const files = encodeMlflowModel(ARTIFACT, EXAMPLE)
  expect(encodeMlflowModel(ARTIFACT, EXAMPLE)).toEqual(files)
  const back = await artifactOfMlflowModel(async (path) => files.get(path), 'here')
  expect(back.files).toEqual(ARTIFACT)
  expect(back.artifact.manifest.features.names).toEqual(['amount', 'category'])
})

test('law: another model has another identity', () => {
  const contents = contentsOf(TREES)
  const other = encodeArtifact({ ...contents, model: { ...TREES, base: TREES.base + 1 } })
  const uuidOf = (artifact: typeof ARTIFACT): string =>
    parse(new TextDecoder().decode(encodeMlflowModel(artifact, EXAMPLE).get('MLmodel'))).model_uuid
  expect(uuidOf(ARTIFACT)).toMatch(/^[0-9a-f]{32}$/)
  expect(uuidOf(other)).not.toBe(uuidOf(ARTIFACT))
})

test('every environment asks for an onnxruntime that opens the trees', () => {
  expect(textOf('requirements.txt').split('\n')).toEqual(
    expect.arrayContaining(['mlflow>=2.10', 'onnxruntime>=1.26']),
  )
  const pip = parse(textOf('conda.yaml')).dependencies.at(-1).pip
  expect(pip).toEqual(textOf('requirements.txt').trim().split('\n'))
  expect(parse(textOf('python_env.yaml')).dependencies).toEqual(['-r requirements.txt'])
})

test('a folder of another maker, and one whose ONNX is another model, are refused', async () => {
  const files = encodeMlflowModel(ARTIFACT, EXAMPLE)
  await expect(artifactOfMlflowModel(async () => undefined, 'here')).rejects.toThrow(
    'The model in here is refused: vigia/manifest.json: it is missing: the model was not made by Vigía',
  )
  const altered = new Map([...files, ['model.onnx', Uint8Array.of(1)]])
  await expect(artifactOfMlflowModel(async (path) => altered.get(path), 'here')).rejects.toMatchObject({
    code: 'MODEL_ARTIFACT_REFUSED',
  })
})

const textOf = (path: string): string =>
  new TextDecoder().decode(encodeMlflowModel(ARTIFACT, EXAMPLE).get(path))
