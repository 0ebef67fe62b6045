import type { Algorithm } from '../algorithm.ts'
import { boostingMemory, boostTrees, type GradientBoostingSettings } from '../boosting/gradient-boosting.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'

/**
 * Gradient boosting of our own. The order of rows changes no bit up to 131,071 genuine rows, unless rows are
 * sampled.
 */
export const gradientBoosting: Algorithm<GradientBoostingSettings, TreeEnsembleModel> = {
  name: 'gradient_boosting',
  title: 'Gradient boosting',
  isParallel: true,
  memory: boostingMemory,
  fit: boostTrees,
  // Every thread has grown the same trees.
  assemble: ([model]) => model!,
}
