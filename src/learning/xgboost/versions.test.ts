import { describe, expect, test } from 'vitest'
import { bytesOf, convertRecorded, furthestFrom, readRecorded } from '../imported/recorded-files.test-kit.ts'
import { filesTamperedWith } from '../imported/recorded-versions.test-kit.ts'
import { readXgboostModel } from './import-model.ts'

const VERSIONS = ['1.6.2', '1.7.6', '2.0.3', '3.0.5', '3.1.3', '3.2.0', '3.3.0', '3.4.1'] as const

// XGBoost adds leaves in floats, ours in doubles: paths are the same, sums differ in the 7th digit.
/** What each file that is refused is told. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  'extension model': /is of XGBoost's old binary format\. Open it with the version that wrote it/,
  'refused: gblinear': /gradient_booster\.name is gblinear; allowed: gbtree, dart/,
  'refused: multi:softprob': /is multi:softprob, which has a score for each class/,
  'refused: multi:softprob of two': /is multi:softprob, which has a score for each class, also for two/,
  'refused: hinge': /is binary:hinge, whose scores are 0 or 1/,
  'refused: logitraw': /is binary:logitraw, whose scores are margins/,
  'refused: squared error': /is reg:squarederror, which gives no probability/,
  'refused: ranks': /is rank:pairwise, whose scores rank/,
  'refused: an objective without a name': /where the objective was a function and had no name/,
  'refused: several outputs, a tree each': /num_target is 2: the model has several outputs/,
  'refused: several outputs, one tree': /num_target is 2: the model has several outputs/,
  'refused: a dump': /is what dump_model writes, for people/,
  'refused: a pickle': /is a Python pickle, which runs code/,
  'refused: the old binary format': /is of XGBoost's old binary format/,
}

describe.each(VERSIONS)('files of XGBoost %s', (version) => {
  const { xgboost, cases } = readRecorded(`test/golden/xgboost-${version}.json.gz`)
  const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

  test('are recorded, and written by that version', () => {
    expect(xgboost).toBe(version)
    expect(scored.length).toBeGreaterThan(40)
    expect(readXgboostModel(bytesOf(scored[0]!)).library).toBe(`XGBoost ${version}`)
  })

  test.each(scored)('score as in Python: $name', (recorded) => {
    const foreign = readXgboostModel(bytesOf(recorded))
    const model = convertRecorded(recorded, foreign)
    expect(furthestFrom(recorded, model, recorded.probabilities!)).toBeLessThan(1e-6)
  })

  test('tell what is missing in 1.x, where XGBClassifier saved them, and forget it since', () => {
    const told = cases
      .filter(({ name }) => name.startsWith('missing is '))
      .map((recorded) => readXgboostModel(bytesOf(recorded)).missingValue)
    expect(told).toEqual(version < '2' ? [-1, 0, undefined] : [undefined, undefined, undefined])
  })

  const unscored = cases.filter(({ probabilities, text, base64 }) => !probabilities && (text || base64))

  test.each(unscored)('are refused with the reason: $name', (recorded) => {
    expect(() => readXgboostModel(bytesOf(recorded))).toThrow(REFUSALS[recorded.name] ?? 'no reason is known')
  })

  test.each(
    cases.flatMap(({ name, ...more }) => [
      ...(more.everything ? [[name, 'all', { name, ...more }] as const] : []),
      ...(more.best ? [[name, 'best', { name, ...more }] as const] : []),
    ]),
  )('%s, with %s trees on request', (_, which, recorded) => {
    const foreign = readXgboostModel(bytesOf(recorded))
    const trees = which === 'all' ? foreign.trees.count : foreign.trees.best!
    const expected = which === 'all' ? recorded.everything! : recorded.best!
    expect(furthestFrom(recorded, convertRecorded(recorded, foreign, trees), expected)).toBeLessThan(1e-6)
  })
})

filesTamperedWith('xgboost-3.4.1', ['dart', 'UBJSON with categories', 'plain'])
