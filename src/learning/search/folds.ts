import { VigiaError } from '../../errors.ts'
import type { Fold, FoldSettings } from './fold.ts'
import { prequentialFolds } from './prequential-folds.ts'
import { stratifiedFolds } from './stratified-folds.ts'

export type { Fold, FoldSettings } from './fold.ts'

/**
 * The folds that every candidate is compared on. `eventTimesMs` are those of the rows, in arrival order.
 *
 * @throws SEARCH_SPAN_TOO_SHORT when the rows do not span `folds` tests, a gap and something to learn from;
 *   SEARCH_FOLD_ONE_CLASS when a fold would learn from or be judged on frauds only, or on none
 */
export const makeFolds = (
  labels: Uint8Array,
  eventTimesMs: Float64Array,
  settings: FoldSettings,
  seed: number,
): readonly Fold[] => {
  const folds =
    settings.validation === 'stratified'
      ? stratifiedFolds(labels, settings.folds, seed)
      : prequentialFolds(eventTimesMs, settings)
  folds.forEach(({ train, test }, index) => {
    checkBothClasses(labels, train, 'learns from', index, folds.length)
    checkBothClasses(labels, test, 'is judged on', index, folds.length)
  })
  return folds
}

const checkBothClasses = (
  labels: Uint8Array,
  rows: Int32Array,
  does: string,
  index: number,
  folds: number,
): void => {
  const frauds = rows.reduce((sum, row) => sum + labels[row]!, 0)
  if (frauds > 0 && frauds < rows.length) return
  throw new VigiaError('SEARCH_FOLD_ONE_CLASS', { fold: index + 1, folds, does, frauds, rows: rows.length })
}
