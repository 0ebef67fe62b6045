import type { Tree } from './tree-ensemble.ts'

/** The value of the leaf that row `row` of the columns reaches. For training; scoring has `flat-trees.ts`. */
export const walkTree = (tree: Tree, columns: readonly Float64Array[], row: number): number => {
  let node = 0
  for (let f = tree.feature[0]!; f >= 0; f = tree.feature[node]!) {
    const value = columns[f]![row]!
    const categories = tree.categories?.[node]
    const isLeft = Number.isNaN(value)
      ? tree.missingLeft[node] === 1
      : categories === undefined
        ? value < tree.threshold[node]!
        : categories.includes(value)
    node = tree.left[node]! + (isLeft ? 0 : 1)
  }
  return tree.value[node]!
}
