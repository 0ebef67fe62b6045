import type { Algorithm } from '../algorithm.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { openXgboost } from '../xgboost/library.ts'
import { trainXgboost, type XgboostSettings, xgboostMemory } from '../xgboost/train.ts'

/**
 * Gradient boosting by XGBoost's own library, whose path the settings name. It has threads of its own
 * (`threads` of the settings).
 */
export const xgboost: Algorithm<XgboostSettings, TreeEnsembleModel | undefined> = {
  name: 'xgboost',
  title: 'XGBoost',
  isParallel: false,
  memory: () => ({}),
  ownMemory: xgboostMemory,
  fit: (data, settings, seed, crew) =>
    crew.index > 0
      ? undefined
      : trainXgboost(openXgboost(settings.library), data, settings, seed, {
          isCancelled: () => crew.isCancelled(),
          reportProgress: (done, total) => crew.reportProgress(done, total),
        }),
  assemble: ([model]) => model!,
}
