import type { Work } from '../disk/work.ts'
import type { Algorithm, TrainingData } from '../learning/algorithm.ts'
import { ALGORITHMS } from '../learning/algorithms/index.ts'
import type { Model, ModelKind } from '../learning/model.ts'
import { createSharedParts } from '../learning/shared-parts.ts'
import { checkMemory, memoryOfFit } from './fit-memory.ts'
import { withLearningThreads } from './learning-threads.ts'
import { bytesToShare, shapeOf, shareData } from './share-data.ts'
import { createCrewControl } from './thread-crew.ts'

/** What a model is fitted from, and on what. */
export interface ThreadedFit {
  readonly algorithm: ModelKind
  /** Columns that lie in shared memory are used where they are; others are copied there first. */
  readonly data: TrainingData
  /** Of the algorithm, in camel case. */
  readonly settings: unknown
  readonly seed: number
  /** At least 1. They change how long it takes, never the model. */
  readonly threads: number
  /** Memory that the fit may take beside what is in use already. */
  readonly memoryLimitBytes: number
  readonly work: Pick<Work, 'signal'>
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Address of a module that lists the algorithms as `ALGORITHMS`; the project's own when absent. */
  readonly algorithms?: string
}

/**
 * Fits one model on several threads.
 *
 * 1. What it needs is estimated, and refused when there is not as much: better no model than a machine that
 *    stands still.
 * 2. The data and the algorithm's parts are put in memory that all threads share: nothing is sent to them but
 *    addresses.
 * 3. All threads run the algorithm on their share of the loops; what they return is put together here.
 *
 * An interruption or an error of one thread ends all of them, at once.
 *
 * @throws PIPELINE_MEMORY_SHORT, INTERRUPTED, PIPELINE_THREAD_ENDED, and what the algorithm throws
 */
export const fitOnThreads = async (fit: ThreadedFit): Promise<Model> => {
  const { settings, seed } = fit
  const algorithm = await findAlgorithm(fit.algorithm, fit.algorithms)
  const size = algorithm.isParallel ? fit.threads : 1
  const shape = shapeOf(fit.data)
  const needed = bytesToShare(fit.data) + memoryOfFit({ algorithm, shape, settings, threads: size })
  checkMemory({ algorithm, shape }, needed, fit.memoryLimitBytes)
  const data = shareData(fit.data)
  const shared = createSharedParts(algorithm.memory(shape, settings, size))
  const control = createCrewControl()
  const threads = Array.from({ length: size }, (_, index) => ({
    kind: 'crew' as const,
    ...(fit.algorithms !== undefined && { algorithms: fit.algorithms }),
    algorithm: fit.algorithm,
    settings,
    seed,
    data,
    index,
    size,
    parts: shared,
    control,
  }))
  const parts = new Map<number, unknown>()
  await withLearningThreads<void>(threads, {
    activity: `training the ${algorithm.title.toLowerCase()}`,
    work: fit.work,
    onMessage: (message, index, team) => {
      if (message.kind === 'progress') fit.onProgress?.(message.done, message.total)
      else if (message.kind === 'part') parts.set(index, message.part)
      if (parts.size === size) team.finish()
    },
  })
  return algorithm.assemble(threads.map(({ index }) => parts.get(index)))
}

/** The algorithm of that name, its settings unchecked: the configuration vouches for them. */
export const findAlgorithm = async (name: ModelKind, module?: string): Promise<Algorithm<unknown>> => {
  const algorithms: typeof ALGORITHMS = module === undefined ? ALGORITHMS : (await import(module)).ALGORITHMS
  return algorithms[name] as Algorithm<unknown>
}
