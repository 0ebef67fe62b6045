import { createRandom } from '../../foundation/random.ts'
import { shuffle } from '../../foundation/shuffle.ts'
import type { Fold } from './fold.ts'

/**
 * k folds drawn at random by class: every row is judged once, and the folds' rows, and their frauds, differ
 * by one at most.
 *
 * The rows of each class are shuffled and dealt one to each fold in turn; the second class goes on where the
 * first stopped. The same labels, number and seed give the same folds.
 */
export const stratifiedFolds = (labels: Uint8Array, folds: number, seed: number): readonly Fold[] => {
  const random = createRandom(seed).fork('search folds')
  const foldOf = new Uint8Array(labels.length)
  let dealt = 0
  for (const label of [1, 0]) {
    const rows = Int32Array.from(labels.keys()).filter((row) => labels[row] === label)
    shuffle(rows, random)
    for (const row of rows) foldOf[row] = dealt++ % folds
  }
  const rows = Int32Array.from(labels.keys())
  return Array.from({ length: folds }, (_, fold) => ({
    train: rows.filter((row) => foldOf[row] !== fold),
    test: rows.filter((row) => foldOf[row] === fold),
  }))
}
