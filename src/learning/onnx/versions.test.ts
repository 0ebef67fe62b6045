import { filesOfVersions, filesTamperedWith, recordedModel } from '../imported/recorded-versions.test-kit.ts'

/** What each file that is refused is told. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  'refused: prepared input': /Scaler changes the features before the trees/,
  'refused: three labels': /classlabels are 3; allowed: two/,
  'refused: no trees': /graph has 0 operators of trees \(its operators: LinearClassifier/,
  'refused: a regression beyond 1': /The trees give scores from .* to .*, which are no probabilities/,
  'refused: margins': /class_weights are below 0 at times, and post_transform is NONE/,
  'refused: probit': /post_transform is PROBIT; allowed/,
  'refused: logistic of one score': /post_transform is LOGISTIC, which runtimes do not agree on/,
  'refused: two bases': /base_values are there beside weights of the second label/,
  'refused: equal to a half': /The trees ask whether a value is 0\.5; allowed: whole numbers/,
  'refused: another function after it': /Sqrt comes after the trees; allowed/,
  'refused: the greatest of the trees': /aggregate_function is MAX; allowed: SUM, AVERAGE/,
}

filesOfVersions({
  name: 'onnx',
  title: 'ONNX of skl2onnx',
  // Of skl2onnx, beside which onnxmltools and CatBoost wrote theirs.
  versions: ['1.20.0'],
  least: 25,
  // It adds leaves in floats.
  furthest: 1e-6,
  refusals: REFUSALS,
  // What only makes no probability is seen when the model is made.
  refusedBy: recordedModel,
})

filesTamperedWith('onnx-1.20.0', ['forest', 'CatBoost by itself', 'TreeEnsemble of doubles, with a set'])
