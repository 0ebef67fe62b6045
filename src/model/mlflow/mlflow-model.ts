import { stringify } from 'yaml'
import { VigiaError } from '../../errors.ts'
import { sha256 } from '../../foundation/hash.ts'
import { ARTIFACT_FILES, type Artifact, type ArtifactFiles, decodeArtifact } from '../artifact.ts'
import { PYFUNC_MODULE, PYFUNC_SOURCE } from './pyfunc-module.ts'

/** Files of a folder by their paths in it, with slashes. */
export type FolderFiles = ReadonlyMap<string, Uint8Array>

/** The file that both find: MLflow looks for it beside `MLmodel`, so our artifact leaves it there. */
const SHARED = 'model.onnx'

/** Folder of our artifact in a model folder. */
export const ARTIFACT_FOLDER = 'vigia'

/** Folder of the Python that loads a model folder. */
const CODE = 'code'

/**
 * What Python needs to run the model. onnxruntime below 1.26 does not open all trees, or mistakes them;
 * MLflow below 2.10 fails on `required` in a signature.
 */
const REQUIREMENTS = ['mlflow>=2.10', 'numpy', 'onnx>=1.17', 'onnxruntime>=1.26', 'pandas']

/** MLflow warns under another one. The graph itself has no Python in it. */
const PYTHON = '3.11'

/** MLflow whose layout this is. */
const MLFLOW_VERSION = '3.17.2'

/**
 * A model folder as MLflow has them, of the flavors `onnx` and `python_function`:
 * `mlflow.pyfunc.load_model(folder).predict(frame)` gives the final probability of each row of a frame with
 * the model's features as columns, in any order, of any type that holds numbers; NaN is a missing value. Our
 * own artifact lies in `vigia/`, without `model.onnx`, which is there once for both (`artifactOfMlflowModel`
 * puts them together).
 *
 * The signature has no inputs: with those, MLflow refuses what is no double before our Python sees it. The
 * names of the features stand in `metadata`.
 *
 * The same artifact and example give the same bytes.
 *
 * @param artifact the files of an artifact, which are verified
 * @param example rows of values in the order of the features, for people who ask what the model takes
 * @throws MODEL_ARTIFACT_REFUSED
 */
export const encodeMlflowModel = (
  artifact: ArtifactFiles,
  example: readonly (readonly number[])[],
): FolderFiles => {
  const decoded = decodeArtifact(artifact, 'package')
  const { names } = decoded.manifest.features
  const frame = { columns: names, data: example.map((row) => row.map(orNull)) }
  const files = new Map<string, Uint8Array>([
    ['MLmodel', yaml(mlmodelOf(artifact, decoded))],
    ['requirements.txt', utf8(`${REQUIREMENTS.join('\n')}\n`)],
    [
      'conda.yaml',
      yaml({
        channels: ['conda-forge'],
        dependencies: [`python=${PYTHON}`, 'pip', { pip: REQUIREMENTS }],
        name: 'mlflow-env',
      }),
    ],
    [
      'python_env.yaml',
      yaml({
        python: PYTHON,
        build_dependencies: ['pip', 'setuptools', 'wheel'],
        dependencies: ['-r requirements.txt'],
      }),
    ],
    ['input_example.json', utf8(JSON.stringify(frame))],
    ['serving_input_example.json', utf8(JSON.stringify({ dataframe_split: frame }))],
    [`${CODE}/${PYFUNC_MODULE}.py`, utf8(PYFUNC_SOURCE)],
    [SHARED, artifact.get(SHARED)!],
  ])
  for (const [name, bytes] of artifact) if (name !== SHARED) files.set(`${ARTIFACT_FOLDER}/${name}`, bytes)
  return files
}

/**
 * The artifact in a model folder, verified.
 *
 * @param read gives the bytes of a file by its path in the folder, undefined where there is none
 * @param where the folder, for errors
 * @throws MODEL_ARTIFACT_REFUSED
 */
export const artifactOfMlflowModel = async (
  read: (path: string) => Promise<Uint8Array | undefined>,
  where: string,
): Promise<{ readonly files: ArtifactFiles; readonly artifact: Artifact }> => {
  const files = new Map<string, Uint8Array>()
  for (const name of ARTIFACT_FILES) {
    const bytes = await read(name === SHARED ? name : `${ARTIFACT_FOLDER}/${name}`)
    if (bytes !== undefined) files.set(name, bytes)
  }
  if (files.size === 0)
    throw new VigiaError('MODEL_ARTIFACT_REFUSED', {
      where,
      file: `${ARTIFACT_FOLDER}/manifest.json`,
      reason: 'it is missing: the model was not made by Vigía',
    })
  return { files, artifact: decodeArtifact(files, where) }
}

const mlmodelOf = (artifact: ArtifactFiles, { manifest }: Pick<Artifact, 'manifest'>): object => {
  const { features, threshold } = manifest
  return {
    flavors: {
      onnx: {
        code: null,
        data: SHARED,
        onnx_session_options: null,
        onnx_version: '1.17.0',
        providers: ['CPUExecutionProvider'],
      },
      python_function: {
        code: CODE,
        config: { answer: 'probability' },
        env: { conda: 'conda.yaml', virtualenv: 'python_env.yaml' },
        loader_module: PYFUNC_MODULE,
        python_version: `${PYTHON}.0`,
      },
    },
    metadata: { features: features.names, categorical: features.categorical, threshold },
    mlflow_version: MLFLOW_VERSION,
    model_size_bytes: [...artifact.values()].reduce((sum, bytes) => sum + bytes.length, 0),
    model_uuid: sha256(artifact.get('checksums.json')!).slice(0, 32),
    saved_input_example_info: {
      artifact_path: 'input_example.json',
      pandas_orient: 'split',
      serving_input_path: 'serving_input_example.json',
      type: 'dataframe',
    },
    signature: {
      inputs: null,
      outputs: JSON.stringify([{ type: 'double', name: 'probability', required: true }]),
      params: null,
    },
  }
}

/** JSON has no NaN; MLflow reads null as one. */
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** Every text is quoted: readers of YAML 1.1 and 1.2 agree on it. */
const yaml = (value: object): Uint8Array =>
  utf8(stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 }))

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
