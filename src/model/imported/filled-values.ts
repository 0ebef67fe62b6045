import type { Tree, TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'

/** What stood in the place of missing values in the rows of training, where they were filled. */
export interface FilledWith {
  /** In features that splits compare with a number. */
  readonly number?: number
  /** In features that splits ask for categories: one of these, as a text. */
  readonly category?: string
}

/** Code of the category that stood for missing values: no feature has it. */
export const FILLED_CODE = -2

/**
 * The model for rows in which missing values are missing: at each split they go where the value goes that
 * stood for them in training.
 *
 * @param textFeatures places of the features whose categories are texts
 */
export const withFilledValues = (
  model: TreeEnsembleModel,
  filled: FilledWith,
  textFeatures: ReadonlySet<number>,
): TreeEnsembleModel => {
  const { number, category } = filled
  if (number === undefined && category === undefined) return model
  const zeroIsMissing = new Set(model.zeroIsMissing)
  /** Where missing values go at a split; undefined: where they go in the file. */
  const isMissingLeft = ({ threshold, categories }: Tree, node: number, feature: number) => {
    const set = categories?.[node]
    if (set !== undefined) {
      if (category === undefined) return undefined
      return set.includes(textFeatures.has(feature) ? FILLED_CODE : Number(category))
    }
    // What is 0 there goes with what is missing already.
    return number === undefined || (number === 0 && zeroIsMissing.has(feature))
      ? undefined
      : number < threshold[node]!
  }
  const trees = model.trees.map((tree) => ({
    ...tree,
    missingLeft: tree.missingLeft.map((isLeft, node) => {
      const feature = tree.feature[node]!
      return feature < 0 ? isLeft : Number(isMissingLeft(tree, node, feature) ?? isLeft)
    }),
    ...(tree.categories !== undefined && { categories: withoutFilled(tree.categories) }),
  }))
  return { ...model, trees }
}

const withoutFilled = (categories: NonNullable<Tree['categories']>): NonNullable<Tree['categories']> =>
  Object.fromEntries(
    Object.entries(categories).map(([node, set]) => [node, set.filter((code) => code !== FILLED_CODE)]),
  )
