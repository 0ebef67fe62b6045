import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readArtifact, writeArtifact } from '../artifacts/artifact-folder.ts'
import { putInPlace, requireFree } from '../artifacts/model-folder.ts'
import { publishStates, readStates, statesIdentity } from '../artifacts/states-manifest.ts'
import type { FittedCleaning } from '../dataset/cleaning.ts'
import { withDatabase } from '../disk/database.ts'
import { readJson } from '../disk/json-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { type CheckedImport, type CheckOfImport, checkImport } from '../fitting/check-import.ts'
import { categoricalNames, readFeatureRows } from '../fitting/feature-rows.ts'
import { referenceOfRows } from '../fitting/reference-of-rows.ts'
import { sha256 } from '../foundation/hash.ts'
import type { ForeignModel } from '../learning/imported/foreign-model.ts'
import { readForeignModel } from '../learning/imported/read-foreign-model.ts'
import { type Artifact, decodeArtifact, encodeArtifact } from '../model/artifact.ts'
import { type AskedOfImport, type AsOurs, asOurs } from '../model/imported/as-ours.ts'
import type { FloatComparison } from '../model/onnx/onnx-contents.ts'
import { onnxFilesOf } from '../model/onnx/onnx-files.ts'
import { createModelScorer } from '../model/scorer.ts'
import { codeVersionOf } from '../steps/code-version.ts'
import { stateKindsOf } from '../transaction/entity-kind.ts'
import { whyOtherFeatures } from './training/production-model.ts'

export interface ImportModelOptions extends AskedOfImport {
  /** Model that another library saved: XGBoost, LightGBM, CatBoost, or as ONNX. */
  readonly file: string
  /**
   * Folder of the finished run whose features, cleaning, risk levels and states the model gets. It is only
   * read.
   */
  readonly run: string
  /** Folder to make, with `package/` and, where the run has states, `states/`. */
  readonly out: string
  /** Rows with the scores that they got where it was trained; absent: nothing is compared. */
  readonly check?: CheckOfImport
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
  /** What wrote the file, and what for. */
  readonly library: string
  readonly objective: string
  /** Those that count, of those in the file, and why so. */
  readonly trees: number
  readonly treesInFile: number
  readonly treesWhy: string
  /** What counts as missing beside NaN; null: nothing. */
  readonly missingValue: number | null
  /** Who told the categories that splits ask for, by the name of the feature. */
  readonly categories: AsOurs['categories']
  readonly notes: readonly string[]
  readonly features: number
  readonly namesFrom: AsOurs['namesFrom']
  /** Null: nothing was compared. */
  readonly checked: CheckedImport | null
  readonly threshold: number
  readonly thresholdChoice: string
  /** How far `model-float32.onnx` is from the model on validation rows; null: the model has none. */
  readonly inFloats: FloatComparison | null
  /** Whether the run had states to go on from. */
  readonly hasStates: boolean
}

/** A longer text would not fit into a string of the runtime. */
const MAX_FILE_BYTES = 450_000_000

/**
 * A model that another library trained elsewhere, as a folder that `predict` scores with.
 *
 * 1. The model is read; it may have any features that the run computes, in any order. Rows of its owner's are
 *    scored with it, and nothing is made where their scores differ.
 * 2. What it is fed comes from the run: feature settings, fitted parameters, cleaning, risk levels, states.
 * 3. What was measured on the run's own model is left out: figures, candidates, calibration. The reference of
 *    the scores is made anew from the run's rows, so that drift is measured against this model.
 * 4. The folder is made beside `out` and renamed into place: never half a model is visible.
 *
 * @throws MODEL_IMPORT_UNREADABLE, what `readForeignModel`, `asOurs` and `checkImport` refuse,
 * MODEL_ARTIFACT_REFUSED, MODEL_STATES_REFUSED, PIPELINE_RUN_INCOMPLETE, DATASET_OUTPUT_EXISTS,
 * MODEL_FOLDER_FOREIGN
 */
export const importModel = async (options: ImportModelOptions): Promise<ImportModelResult> => {
  const { file, run, out, work } = options
  await requireFree(options)
  const bytes = await readModelFile(file)
  const artifact = await readArtifact(join(run, 'package'))
  const foreign = readForeignModel(bytes)
  const itsRun = runOf(artifact, options)
  const ours = asOurs(foreign, file, itsRun, options)
  const { check } = options
  const checked =
    check === undefined
      ? null
      : await checkImport(foreign, ours, { path: file, run: itsRun, asked: options, check, work })
  const source = { file: basename(file), sha256: sha256(bytes) }
  const told = { ...toldOf(foreign, ours), checked }
  const { files, ...chosen } = await packageOf(ours.model, artifact, { source, told }, options)
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
      ...told,
      notes: foreign.notes,
      features: ours.model.featureNames.length,
      namesFrom: ours.namesFrom,
      ...chosen,
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

const runOf = ({ manifest }: Artifact, { run }: ImportModelOptions) => ({
  folder: run,
  names: manifest.features.names,
  features: planFeatures(settingsOf(manifest)).features.map(({ feature }) => feature),
  fitted: manifest.fitted.features as FittedFeatures,
})

/** What the folder and whoever imports are told of the model. */
const toldOf = ({ library, objective, trees }: ForeignModel, { model, treesWhy, categories }: AsOurs) => ({
  library,
  objective,
  trees: model.trees.length,
  treesInFile: trees.count,
  treesWhy,
  missingValue: model.missingValue ?? null,
  categories,
})

const settingsOf = ({ featureSettings, fitted }: Artifact['manifest']) =>
  featureSettingsOfModel(featureSettings, fitted.features as FittedFeatures)

const packageOf = async (
  model: AsOurs['model'],
  { manifest }: Artifact,
  {
    source,
    told,
  }: {
    readonly source: { readonly file: string; readonly sha256: string }
    readonly told: ReturnType<typeof toldOf> & Pick<ImportModelResult, 'checked'>
  },
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
  const onnx = onnxFilesOf(model, calibration, threshold, validation.table)
  const files = encodeArtifact({
    manifest: {
      project,
      featureSettings,
      fitted,
      riskLevels,
      data,
      split,
      seed,
      model: {
        title: `${told.library.split(' ')[0]} (imported)`,
        settings: { ...told },
        library: null,
        importedFrom: source,
      },
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
    ...onnx,
    reference: referenceOfRows(createModelScorer(model, calibration), training, validation),
  })
  decodeArtifact(files, options.out)
  return { files, threshold, thresholdChoice, inFloats: onnx.onnxInFloats?.comparison ?? null }
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
