/** LightGBM's text of one tree of three leaves; `trees` are lines of it that take the place of the usual. */
export const lightgbmText = ({
  names = 'amount hour',
  head = [],
  trees = [],
  columns = [],
}: {
  readonly names?: string
  readonly head?: readonly string[]
  readonly trees?: readonly string[]
  readonly columns?: unknown
} = {}): string => {
  const replaced = (usual: readonly string[], others: readonly string[]): string => {
    const nameOf = (line: string) => line.split('=')[0]
    const kept = usual.filter((line) => !others.some((other) => nameOf(other) === nameOf(line)))
    return [...kept, ...others].join('\n')
  }
  const isCategorical = trees.some((line) => line.startsWith('cat_boundaries'))
  const tree = [
    ...['Tree=0', 'num_leaves=3', `num_cat=${isCategorical ? 1 : 0}`, 'split_feature=0 1', 'split_gain=3 2'],
    ...['threshold=50 12.5', 'decision_type=2 8', 'left_child=-1 -2', 'right_child=1 -3'],
    ...['leaf_value=-1 0.5 1', 'leaf_weight=4 3 2', 'leaf_count=40 30 20', 'internal_value=0 0'],
    ...['internal_weight=0 5', 'internal_count=90 50', 'is_linear=0', 'shrinkage=1'],
  ]
  const usual = [
    ...['version=v4', 'num_class=1', 'num_tree_per_iteration=1', 'label_index=0'],
    ...['objective=binary sigmoid:1', `feature_names=${names}`, 'feature_infos=none none', 'tree_sizes=400'],
  ]
  return `tree\n${replaced(usual, head)}\n\n${replaced(tree, trees)}\n\n\nend of trees\n\nparameters:\n[boosting: gbdt]\n\nend of parameters\n\npandas_categorical:${JSON.stringify(columns)}\n`
}
