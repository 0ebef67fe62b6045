import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readArtifact, writeArtifact } from '../artifacts/artifact-folder.ts'
import { publishStates, readStates, statesIdentity } from '../artifacts/states-manifest.ts'
import type { FittedCleaning } from '../dataset/cleaning.ts'
import { withDatabase } from '../disk/database.ts'
import { readJson } from '../disk/json-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { categoricalNames, readFeatureRows } from '../fitting/feature-rows.ts'
import { sha256 } from '../foundation/hash.ts'
import type { TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'
import { importXgboostModel } from '../learning/xgboost/import-model.ts'
import { type Artifact, decodeArtifact, encodeArtifact } from '../model/artifact.ts'
import { encodeOnnx } from '../model/onnx/encode-onnx.ts'
import { createModelScorer } from '../model/scorer.ts'
import { codeVersionOf } from '../steps/code-version.ts'
import { stateKindsOf } from '../transaction/entity-kind.ts'
import { whyOtherFeatures } from './training/production-model.ts'
import { referenceOfRows } from './training/reference-of-rows.ts'

export interface ImportModelOptions {
  /** Model that XGBoost saved as JSON. */
  readonly file: string
  /**
   * Folder of the finished run whose features, cleaning, risk levels and states the model gets. It is only
   * read.
   */
  readonly run: string
  /** Folder to make, with `package/` and, where the run has states, `states/`. */
  readonly out: string
  /** From which probability a transaction is flagged, in [0, 1]; the one of the run's model when absent. */
  readonly threshold?: number
  /** Whether an imported model in `out` may be replaced. */
  readonly replace: boolean
  readonly work: Pick<Work, 'signal' | 'database'>
}

export interface ImportModelResult {
  readonly out: string
  readonly file: string
  /** Of the file. */
  readonly sha256: string
  readonly trees: number
  readonly features: number
  /** Where the names of the features are from: the file, or the run's model, whose order they then have. */
  readonly namesFrom: 'file' | 'run'
  readonly threshold: number
  readonly thresholdChoice: string
  /** Whether the run had states to go on from. */
  readonly hasStates: boolean
}

/** A longer text would not fit into a string of the runtime. */
const MAX_FILE_BYTES = 450_000_000

/**
 * A model that XGBoost trained elsewhere, as a folder that `predict` scores with.
 *
 * 1. The model is read; it may have any features that the run computes, in any order.
 * 2. What it is fed comes from the run: feature settings, fitted parameters, cleaning, risk levels, states.
 * 3. What was measured on the run's own model is left out: figures, candidates, calibration. The reference of
 *    the scores is made anew from the run's rows, so that drift is measured against this model.
 * 4. The folder is made beside `out` and renamed into place: never half a model is visible.
 *
 * @throws MODEL_IMPORT_UNREADABLE, LEARNING_IMPORT_REFUSED, MODEL_FEATURES_DIFFER,
 * MODEL_FEATURE_COUNT_DIFFERS, MODEL_ARTIFACT_REFUSED, MODEL_STATES_REFUSED, PIPELINE_RUN_INCOMPLETE,
 * DATASET_OUTPUT_EXISTS, MODEL_FOLDER_FOREIGN
 */
export const importModel = async (options: ImportModelOptions): Promise<ImportModelResult> => {
  const { file, run, out, work } = options
  await requireFree(options)
  const bytes = await readModelFile(file)
  const artifact = await readArtifact(join(run, 'package'))
  const { model, namesFrom } = named(importXgboostModel(bytes), artifact, options)
  const source = { file: basename(file), sha256: sha256(bytes) }
  const { files, threshold, thresholdChoice } = await packageOf(model, artifact, source, options)
  work.signal.throwIfAborted()
  await mkdir(dirname(out), { recursive: true })
  const temporary = await mkdtemp(join(dirname(out), '.import-'))
  try {
    // In a folder of its own, because nobody else may read a temporary one.
    const made = join(temporary, 'made')
    await writeArtifact(join(made, 'package'), files)
    const hasStates = await takeStates(artifact, run, join(made, 'states'))
    await putInPlace(made, join(temporary, 'replaced'), options)
    return {
      out,
      ...source,
      trees: model.trees.length,
      features: model.featureNames.length,
      namesFrom,
      threshold,
      thresholdChoice,
      hasStates,
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

const readModelFile = async (path: string): Promise<Uint8Array> => {
  const refuse = (reason: string) => new VigiaError('MODEL_IMPORT_UNREADABLE', { path, reason })
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw refuse('there is no such file')
  if (!found.isFile()) throw refuse('it is no file')
  if (found.size > MAX_FILE_BYTES) throw refuse(`it has ${found.size} bytes; at most ${MAX_FILE_BYTES}`)
  return readFile(path).catch((error: unknown) => {
    throw refuse((error as Error).message)
  })
}

/**
 * The model under the run's names. A file of a model without names has none, or those that XGBoost invents:
 * f0, f1, ...
 */
const named = (
  model: TreeEnsembleModel,
  { manifest }: Artifact,
  { file, run }: ImportModelOptions,
): { readonly model: TreeEnsembleModel; readonly namesFrom: 'file' | 'run' } => {
  const { featureNames } = model
  if (featureNames.every((name, index) => name === `f${index}`)) {
    const { names } = manifest.features
    if (names.length === featureNames.length)
      return { model: { ...model, featureNames: names }, namesFrom: 'run' }
    throw new VigiaError('MODEL_FEATURE_COUNT_DIFFERS', {
      path: file,
      got: featureNames.length,
      folder: run,
      allowed: names.length,
    })
  }
  const computed = new Set(planFeatures(settingsOf(manifest)).features.map(({ feature }) => feature.name))
  const strangers = featureNames.filter((name) => !computed.has(name))
  if (strangers.length > 0)
    throw new VigiaError('MODEL_FEATURES_DIFFER', { path: file, folder: run, got: strangers.join(', ') })
  return { model, namesFrom: 'file' }
}

const settingsOf = ({ featureSettings, fitted }: Artifact['manifest']) =>
  featureSettingsOfModel(featureSettings, fitted.features as FittedFeatures)

const packageOf = async (
  model: TreeEnsembleModel,
  { manifest }: Artifact,
  source: { readonly file: string; readonly sha256: string },
  options: ImportModelOptions,
) => {
  const calibration = { method: 'none' } as const
  const categorical = categoricalNames(settingsOf(manifest)).filter((name) =>
    model.featureNames.includes(name),
  )
  const [training, validation] = await rowsOfRun(model.featureNames, categorical, manifest, options)
  const threshold = options.threshold ?? manifest.threshold
  const thresholdChoice =
    options.threshold === undefined
      ? 'kept from the model of the run, which it was chosen for'
      : 'set on import'
  // What says how features were made and from what; all else would speak of the model that is replaced.
  const { project, featureSettings, fitted, riskLevels, data, split, seed } = manifest
  const files = encodeArtifact({
    manifest: {
      project,
      featureSettings,
      fitted,
      riskLevels,
      data,
      split,
      seed,
      model: { title: 'XGBoost (imported)', settings: {}, library: null, importedFrom: source },
      selection: {
        methods: ['what the imported model has'],
        dropped: manifest.features.names
          .filter((name) => !model.featureNames.includes(name))
          .map((feature) => ({ feature, reason: 'no feature of the imported model' })),
      },
      calibration,
      calibrationChoice: 'none: probabilities are those of the imported model',
      threshold,
      thresholdChoice,
      candidates: [],
      chosenBy: `imported from ${source.file}, compared with no other`,
      codeVersion: await codeVersionOf(import.meta.url, ''),
      metrics: {},
    },
    model,
    categorical,
    onnx: encodeOnnx(model, calibration),
    reference: referenceOfRows(createModelScorer(model, calibration), training, validation),
  })
  decodeArtifact(files, options.out)
  return { files, threshold, thresholdChoice }
}

/** Training and validation rows with the model's features, as the run computed them. */
const rowsOfRun = async (
  names: readonly string[],
  categorical: readonly string[],
  manifest: Artifact['manifest'],
  { run, work }: ImportModelOptions,
) => {
  const at = async (...path: string[]): Promise<string> => {
    const found = await stat(join(run, ...path)).catch(() => undefined)
    if (found !== undefined) return join(run, ...path)
    throw new VigiaError('PIPELINE_RUN_INCOMPLETE', { folder: run, reason: `it has no ${path.join('/')}` })
  }
  const files = {
    features: await at('features', 'features.parquet'),
    split: await at('split', 'split.parquet'),
    prepared: await at('read', 'prepared.parquet'),
  }
  // A run that a gate has stopped has newer features than its package.
  const different = whyOtherFeatures(
    { manifest },
    {
      names: manifest.features.names,
      settings: manifest.featureSettings,
      fitted: {
        features: await readJson<FittedFeatures>(await at('features', 'fitted.json')),
        cleaning: await readJson<FittedCleaning>(await at('clean', 'cleaning.json')),
      },
    },
  )
  if (different !== undefined)
    throw new VigiaError('PIPELINE_RUN_INCOMPLETE', {
      folder: run,
      reason: `its package/ is older than its features/: ${different}`,
    })
  return withDatabase(
    work.database,
    async (connection) =>
      [
        await readFeatureRows(connection, files, 'train', names, categorical),
        await readFeatureRows(connection, files, 'validation', names, categorical),
      ] as const,
  )
}

/** The states belong to the features, not to the model: those of the run serve any model on its features. */
const takeStates = async ({ manifest }: Artifact, run: string, to: string): Promise<boolean> => {
  const settings = settingsOf(manifest)
  const identity = statesIdentity(settings, manifest.fitted.features as FittedFeatures)
  const from = join(run, 'states')
  const states = await readStates(from, identity)
  if (states === undefined) return false
  await mkdir(to)
  await publishStates(from, to, identity, states.lastEventTimeMs, stateKindsOf(settings.options.entities))
  return true
}

const IMPORTED = ['package', 'states']

/** @throws DATASET_OUTPUT_EXISTS, MODEL_FOLDER_FOREIGN when `out` holds what no import has made */
const requireFree = async ({ out, replace }: ImportModelOptions): Promise<void> => {
  const found = await stat(out).catch(() => undefined)
  if (found === undefined) return
  if (!replace) throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: out })
  const foreign = (reason: string) => new VigiaError('MODEL_FOLDER_FOREIGN', { path: out, reason })
  if (!found.isDirectory()) throw foreign('is no folder')
  const strangers = (await readdir(out)).filter((name) => !IMPORTED.includes(name))
  if (strangers.length > 0) throw foreign(`holds ${strangers.join(', ')}`)
}

/**
 * A folder that is not empty cannot be renamed over. What was there is put back when the new one cannot take
 * its place.
 */
const putInPlace = async (
  made: string,
  replaced: string,
  { out, replace }: ImportModelOptions,
): Promise<void> => {
  if (replace) await rename(out, replaced).catch(() => undefined)
  try {
    await rename(made, out)
  } catch (error) {
    await rename(replaced, out).catch(() => undefined)
    throw error
  }
}
