import { VigiaError } from '../../errors.ts'
import type { KnownCategory } from './foreign-model.ts'
import type { ForeignSplit } from './grow-tree.ts'

/** A split whose categories are places among those of the frame that the model was trained on. */
export interface SplitByPlace extends Omit<ForeignSplit, 'goesLeft'> {
  /** Whether the category at this place goes left. */
  isLeft(place: number): boolean
}

/**
 * The same split by our codes. A row can also have a value that the frame did not: it goes with the missing
 * ones, as in Python, where it has no place. So the set holds those of the side where these do not go, and
 * the children change their sides where that is the right one.
 *
 * @param known what each place is here
 * @param featureName for errors
 * @throws MODEL_CATEGORIES_DIFFER when the set needs a category that has no value here
 */
export const splitByPlace = (
  { isLeft, ...split }: SplitByPlace,
  known: readonly KnownCategory[],
  featureName: string,
): ForeignSplit => {
  const { isMissingLeft, left, right } = split
  const goesLeft = known
    .filter((_, place) => isLeft(place) !== isMissingLeft)
    .map(({ value, code }) => code ?? refuseCategory(featureName, value))
    .sort((a, b) => a - b)
  return isMissingLeft
    ? { ...split, goesLeft, isMissingLeft: false, left: right, right: left }
    : { ...split, goesLeft }
}

const refuseCategory = (feature: string, value: string | number): never => {
  throw new VigiaError('MODEL_CATEGORIES_DIFFER', {
    feature,
    reason: `its splits ask for ${JSON.stringify(value)}, which the run does not tell from what it never saw`,
  })
}
