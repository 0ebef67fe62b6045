import { filesOfVersions, filesTamperedWith } from '../imported/recorded-versions.test-kit.ts'

/** What each file that is refused is told. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  'refused: several classes': /num_class is 3: the model has a score for each class/,
  'refused: several classes (JSON)': /num_class is 2: the model has a score for each class/,
  'refused: one against all': /num_class is 2: the model has a score for each class/,
  'refused: regression': /objective is regression, which gives no probability/,
  'refused: cross entropy of intensities': /is cross_entropy_lambda, whose scores are intensities/,
  'refused: ranks': /is lambdarank, whose scores rank/,
  "refused: an objective of one's own": /objective is not told, as where the objective was a function/,
  'refused: linear leaves': /has leaves that are linear models \(linear_tree\)/,
  'refused: linear leaves (JSON)': /has leaves that are linear models \(linear_tree\)/,
  'refused: a pickle': /is a Python pickle, which runs code/,
}

filesOfVersions({
  name: 'lightgbm',
  title: 'LightGBM',
  versions: ['2.3.1', '3.3.5', '4.7.0'],
  least: 80,
  // It adds leaves in doubles too, in the same order.
  furthest: 1e-9,
  refusals: REFUSALS,
})

filesTamperedWith('lightgbm-4.7.0', [
  'deep',
  'a forest (JSON)',
  'texts the other way round',
  'texts the other way round (JSON)',
])
