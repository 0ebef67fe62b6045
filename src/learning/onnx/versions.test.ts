import { describe, expect, test } from 'vitest'
import { readForeignModel } from '../imported/read-foreign-model.ts'
import { bytesOf, convertRecorded, furthestFrom, readRecorded } from '../imported/recorded-files.test-kit.ts'
import { expectSoundOrRefused } from '../imported/tampered-files.test-kit.ts'

/** Of skl2onnx, beside which onnxmltools and CatBoost wrote theirs. */
const VERSIONS = ['1.20.0'] as const

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

describe.each(VERSIONS)('ONNX files of skl2onnx %s', (version) => {
  const { onnx, cases } = readRecorded(`test/golden/onnx-${version}.json.gz`)
  const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

  test('are recorded, and written by that version', () => {
    expect(onnx).toBe(version)
    expect(scored.length).toBeGreaterThan(25)
  })

  // It adds leaves in floats.
  test.each(scored)('score as in Python: $name', (recorded) => {
    const model = convertRecorded(recorded, readForeignModel(bytesOf(recorded)))
    expect(furthestFrom(recorded, model, recorded.probabilities!)).toBeLessThan(1e-6)
  })

  const refused = cases.filter(({ name }) => name.startsWith('refused: '))

  test.each(refused)('are refused with the reason: $name', (recorded) => {
    expect(() => convertRecorded(recorded, readForeignModel(bytesOf(recorded)))).toThrow(
      REFUSALS[recorded.name] ?? 'no reason is known',
    )
  })
})

describe('a file that was tampered with', () => {
  const { cases } = readRecorded('test/golden/onnx-1.20.0.json.gz')
  const names = ['forest', 'CatBoost by itself', 'TreeEnsemble of doubles, with a set']

  test.each(cases.filter(({ name }) => names.includes(name)))(
    'law: becomes a sound model or is refused, and nothing else happens: $name',
    (recorded) => {
      expectSoundOrRefused(bytesOf(recorded))
    },
  )
})
