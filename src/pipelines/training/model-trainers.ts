import type { TrainingData } from '../../learning/algorithm.ts'
import type { Model, ModelKind } from '../../learning/model.ts'
import { findAlgorithm, fitOnThreads } from '../learning/fit-on-threads.ts'
import { learningMemoryBytes } from '../learning/learning-memory.ts'
import { algorithmSettings } from './model-settings.ts'
import type { TrainingContext } from './training-context.ts'
import type { ModelSettings } from './training-outcome.ts'

/** What one model is trained from. */
export interface TrainingTask {
  readonly data: TrainingData
  readonly settings: ModelSettings
  readonly seed: number
  readonly signal: AbortSignal
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

/** How each model is trained with what is installed here. */
export const modelTrainers = async (
  context: TrainingContext,
): Promise<Readonly<Record<ModelKind, ModelTrainer>>> => ({
  logistic_regression: await trainer('logistic_regression', context),
  random_forest: await trainer('random_forest', context),
  gradient_boosting: await trainer('gradient_boosting', context),
  xgboost: { title: 'XGBoost', unavailable: 'XGBoost is not installed: pip install xgboost' },
})

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
