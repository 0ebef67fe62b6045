import { filesOfVersions, filesTamperedWith } from '../imported/recorded-versions.test-kit.ts'

/** What each file that is refused is told. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  'refused: several classes': /is MultiClass, which has a score for each class, also for two/,
  'refused: one against all': /is MultiClassOneVsAll, which has a score for each class/,
  'refused: regression': /is RMSE, which gives no probability/,
  'refused: categories that are counted':
    /is OnlineCtr, which asks how often a category was fraud in training: train with one_hot_max_size/,
  'refused: categories without their rows': /does not say which category \S+ is, .* pool=pool/,
  "refused: an objective of one's own": /which gives no probability/,
  'refused: a sum of models': /model_info\.params is missing, as in sums of models/,
  'refused: the binary form': /is of CatBoost's binary format\. Save it as JSON/,
}

filesOfVersions({
  name: 'catboost',
  title: 'CatBoost',
  versions: ['1.2', '1.2.10'],
  least: 25,
  // It adds leaves in doubles too, in the same order.
  furthest: 1e-9,
  refusals: REFUSALS,
})

filesTamperedWith('catboost-1.2.10', ['plain', 'leaves first', 'texts'])
