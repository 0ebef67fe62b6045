import type { Work } from '../../disk/work.ts'
import { findAlgorithm, fitOnThreads } from '../../fitting/fit-on-threads.ts'
import { learningMemoryBytes } from '../../fitting/learning-memory.ts'
import { findXgboostLibrary } from '../../fitting/xgboost/find-library.ts'
import { librarySearchHere } from '../../fitting/xgboost/library-search.ts'
import type { TrainingData } from '../../learning/algorithm.ts'
import { ALGORITHMS } from '../../learning/algorithms/index.ts'
import type { Model, ModelKind } from '../../learning/model.ts'
import { algorithmSettings } from './model-settings.ts'
import type { TrainingContext } from './training-context.ts'
import type { ModelSettings } from './training-outcome.ts'

/** What one model is trained from. */
export interface TrainingTask {
  readonly data: TrainingData
  readonly settings: ModelSettings
  readonly seed: number
  readonly work: Pick<Work, 'signal'>
  readonly onProgress: (done: number, total: number) => void
}

/** How a model is trained on this machine, or why it cannot be. */
export type ModelTrainer =
  | {
      readonly title: string
      /** The native library that does it, with its version: `XGBoost 3.2.0`. */
      readonly library?: string
      /** `settings` as the algorithm takes them, for a fit on so many threads. */
      algorithmSettings(settings: ModelSettings, threads: number): Readonly<Record<string, unknown>>
      train(task: TrainingTask): Promise<Model>
    }
  | { readonly title: string; readonly unavailable: string }

/** How each model is trained with what is installed here. Looked up once for a run. */
export const modelTrainers = (context: TrainingContext): Promise<ModelTrainers> => {
  const known = lookedUp.get(context) ?? lookUp(context)
  lookedUp.set(context, known)
  return known
}

type ModelTrainers = Readonly<Record<ModelKind, ModelTrainer>>

const lookedUp = new WeakMap<TrainingContext, Promise<ModelTrainers>>()

const lookUp = async (context: TrainingContext): Promise<ModelTrainers> => {
  const names = Object.keys(ALGORITHMS) as ModelKind[]
  const trainers = names.map(async (name) => [name, await (NATIVE[name] ?? ours(name))(context)] as const)
  return Object.fromEntries(await Promise.all(trainers)) as ModelTrainers
}

const ours = (name: ModelKind) => (context: TrainingContext) => trainer(name, context)

const xgboostTrainer = async (context: TrainingContext): Promise<ModelTrainer> => {
  const { title } = await findAlgorithm('xgboost')
  const { enabled, library } = context.config.settings.models.xgboost
  if (!enabled) return { title, unavailable: 'It is not enabled.' }
  const { environment, workingDirectory } = context
  const found = await findXgboostLibrary(
    librarySearchHere({ setting: library, environment, projectDirectory: workingDirectory }),
  )
  if ('missing' in found) return { title, unavailable: `Its library was not found. ${found.advice}` }
  return trainer('xgboost', context, {
    title: `XGBoost ${found.version}`,
    settings: (threads) => ({ library: found.path, threads }),
  })
}

/** Algorithms that run in a library which must be installed; all others train everywhere. */
const NATIVE: Partial<Record<ModelKind, (context: TrainingContext) => Promise<ModelTrainer>>> = {
  xgboost: xgboostTrainer,
}

/** A native library has threads of its own, which it is told by `native`. */
const trainer = async (
  name: ModelKind,
  { config, workers }: TrainingContext,
  native?: {
    readonly title: string
    readonly settings: (threads: number) => Readonly<Record<string, unknown>>
  },
): Promise<Extract<ModelTrainer, { train: unknown }>> => {
  const forAlgorithm = (settings: ModelSettings, threads: number) => ({
    ...algorithmSettings(settings),
    ...native?.settings(threads),
  })
  return {
    title: (await findAlgorithm(name)).title,
    ...(native && { library: native.title }),
    algorithmSettings: forAlgorithm,
    train: ({ settings, ...task }) =>
      fitOnThreads({
        ...task,
        algorithm: name,
        settings: forAlgorithm(settings, workers),
        threads: workers,
        memoryLimitBytes: learningMemoryBytes(config.settings.resources.learning_memory),
      }),
  }
}

/** Native libraries that trainers use, with their versions, by model. */
export const librariesOf = (trainers: Readonly<Record<ModelKind, ModelTrainer>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(trainers).flatMap(([name, trainer]) =>
      'library' in trainer && trainer.library !== undefined ? [[name, trainer.library]] : [],
    ),
  )
