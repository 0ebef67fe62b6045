import type { ForeignTrees } from '../imported/foreign-model.ts'
import { type Parts, refuse } from '../imported/parts.ts'
import type { BoosterParts } from './booster.ts'

/**
 * How many trees the file has, and how many Python scores with when it opens it.
 *
 * Training that stops early leaves the trees behind the best round in the file, and names the round in
 * `best_iteration`. `XGBClassifier` scores with the trees up to it, `Booster.predict` with all, each of the
 * very same file. Which of them saved it is told by `scikit_learn`, which only the former writes.
 *
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readChosenTrees = (attributes: Parts, booster: BoosterParts): ForeignTrees => {
  const count = booster.trees.length
  const told = attributes['best_iteration']
  if (told === undefined) return { count, scored: count, why: 'all: no round is named as the best' }
  const round = Number(told)
  if (!(Number.isInteger(round) && round >= -1))
    refuse('learner.attributes.best_iteration', `is ${String(told)}; allowed: a whole number from 0`)
  // What 1.7 writes of no round.
  if (round === -1) return { count, scored: count, why: 'all: no round is named as the best' }
  const best = Math.min(count, booster.rounds?.[round + 1] ?? (round + 1) * booster.treesPerRound)
  if (best === count) return { count, best, scored: count, why: 'all: the last round is the best' }
  return attributes['scikit_learn'] === undefined
    ? { count, best, scored: count, why: `all, as Booster.predict; the best round ends with tree ${best}` }
    : { count, best, scored: best, why: 'up to the best round, as XGBClassifier' }
}
