import { VigiaError } from '../errors.ts'
import type { Algorithm, DataShape } from '../learning/algorithm.ts'

/** What is to be fitted, for the estimate and for its error. */
export interface FitPlan {
  readonly algorithm: Pick<Algorithm<unknown>, 'title' | 'memory' | 'ownMemory'>
  readonly shape: DataShape
  readonly settings: unknown
  readonly threads: number
}

/** Bytes that a fit takes at most, beside the rows that it learns from. */
export const memoryOfFit = ({ algorithm, shape, settings, threads }: FitPlan): number =>
  Object.values(algorithm.memory(shape, settings, threads)).reduce((sum, bytes) => sum + bytes, 0) +
  threads * (algorithm.ownMemory?.(shape, settings, threads) ?? 0)

/** @throws PIPELINE_MEMORY_SHORT when `neededBytes` are more than `limitBytes` */
export const checkMemory = (
  { algorithm, shape }: Pick<FitPlan, 'algorithm' | 'shape'>,
  neededBytes: number,
  limitBytes: number,
): void => {
  if (neededBytes <= limitBytes) return
  throw new VigiaError('PIPELINE_MEMORY_SHORT', {
    title: algorithm.title.toLowerCase(),
    rows: shape.rows + shape.validationRows,
    features: shape.features,
    needed: inGigabytes(neededBytes),
    available: inGigabytes(limitBytes),
  })
}

const inGigabytes = (bytes: number): string => `${(bytes / 1e9).toPrecision(2)} GB`
