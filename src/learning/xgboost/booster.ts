import { listAt, numbersAt, type Parts, recordAt, refuse, requireKnown } from '../imported/parts.ts'

/** The trees of a file, with what each of them weighs. */
export interface BoosterParts {
  readonly model: Parts
  /** Place of `model` in the file. */
  readonly where: string
  readonly trees: readonly unknown[]
  /** What the leaves of each tree are multiplied with; undefined: 1. */
  readonly weights: readonly number[] | undefined
  /** Number of trees before each round, and after the last; undefined before 2.0, which does not tell. */
  readonly rounds: readonly number[] | undefined
  /** Trees of one round. */
  readonly treesPerRound: number
}

const WHERE = 'learner.gradient_booster'
const MODEL_PARTS = ['cats', 'gbtree_model_param', 'iteration_indptr', 'tree_info', 'trees', 'weight_drop']

/**
 * Dropout (booster=dart, since 3.3 also rate_drop of gbtree) gives trees weights. Where they stand changed
 * twice: beside a whole gbtree up to 3.2, where the booster is called dart; since 3.3 it is called gbtree,
 * with the weights beside its model; since 3.4 within the model. A field at any other place is refused.
 *
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readBooster = (value: unknown): BoosterParts => {
  const booster = recordAt(value, WHERE)
  const { name } = booster
  if (name !== 'gbtree' && name !== 'dart')
    return refuse(`${WHERE}.name`, `is ${String(name)}; allowed: gbtree, dart (boosters of trees)`)
  const isOuter = name === 'dart' && booster['gbtree'] !== undefined
  requireKnown(booster, ['name', isOuter ? 'gbtree' : 'model', 'weight_drop'], WHERE)
  const inner = isOuter ? `${WHERE}.gbtree` : WHERE
  const owner = isOuter ? recordAt(booster['gbtree'], inner) : booster
  if (isOuter) requireKnown(owner, ['name', 'model'], inner)
  const where = `${inner}.model`
  const model = recordAt(owner['model'], where)
  requireKnown(model, MODEL_PARTS, where)
  const trees = listAt(model['trees'], `${where}.trees`)
  requireOneGroup(model, where)
  return {
    model,
    where,
    trees,
    weights: readWeights(booster, model, where, trees.length, name === 'dart'),
    rounds: readRounds(model, where, trees.length),
    treesPerRound: readTreesPerRound(model, where),
  }
}

const readWeights = (
  booster: Parts,
  model: Parts,
  where: string,
  trees: number,
  isDart: boolean,
): readonly number[] | undefined => {
  const places = [
    [booster, WHERE],
    [model, where],
  ] as const
  const found = places.filter(([owner]) => owner['weight_drop'] !== undefined)
  if (found.length > 1) refuse(`${where}.weight_drop`, `is there beside ${WHERE}.weight_drop`)
  const [place] = found
  if (place === undefined) return isDart ? refuse(`${WHERE}.weight_drop`, 'is missing') : undefined
  const [owner, at] = place
  const weights = numbersAt(owner, 'weight_drop', at)
  if (weights.length !== trees)
    refuse(`${at}.weight_drop`, `has ${weights.length} weights for ${trees} trees`)
  const bad = weights.findIndex((weight) => !Number.isFinite(weight))
  return bad < 0 ? weights : refuse(`${at}.weight_drop[${bad}]`, 'is no finite number')
}

/** `iteration_indptr`, where it is: training that goes on may have other numbers of trees in a round. */
const readRounds = (model: Parts, where: string, trees: number): readonly number[] | undefined => {
  if (model['iteration_indptr'] === undefined) return undefined
  const rounds = numbersAt(model, 'iteration_indptr', where)
  const isRising = rounds.every((count, at) => Number.isInteger(count) && count >= (rounds[at - 1] ?? 0))
  if (!isRising || (rounds.at(-1) ?? 0) !== trees)
    refuse(`${where}.iteration_indptr`, `does not rise from 0 to ${trees}`)
  return rounds
}

const readTreesPerRound = (model: Parts, where: string): number => {
  const name = `${where}.gbtree_model_param`
  const told = recordAt(model['gbtree_model_param'] ?? {}, name)['num_parallel_tree'] ?? 1
  const count = Number(told)
  return Number.isInteger(count) && count >= 1
    ? count
    : refuse(`${name}.num_parallel_tree`, `is ${String(told)}; allowed: a whole number from 1`)
}

const requireOneGroup = (model: Parts, where: string): void => {
  if (model['tree_info'] === undefined) return
  const stranger = numbersAt(model, 'tree_info', where).findIndex((group) => group !== 0)
  if (stranger >= 0) refuse(`${where}.tree_info[${stranger}]`, 'is another output; allowed: one output')
}
