import { describe, expect, test } from 'vitest'
import { readForeignModel } from '../imported/read-foreign-model.ts'
import { bytesOf, convertRecorded, furthestFrom, readRecorded } from '../imported/recorded-files.test-kit.ts'
import { expectSoundOrRefused } from '../imported/tampered-files.test-kit.ts'

const VERSIONS = ['2.3.1', '3.3.5', '4.7.0'] as const

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

describe.each(VERSIONS)('files of LightGBM %s', (version) => {
  const { lightgbm, cases } = readRecorded(`test/golden/lightgbm-${version}.json.gz`)
  const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

  test('are recorded, and written by that version', () => {
    expect(lightgbm).toBe(version)
    expect(scored.length).toBeGreaterThan(80)
  })

  // It adds leaves in doubles too, in the same order.
  test.each(scored)('score as in Python: $name', (recorded) => {
    const model = convertRecorded(recorded, readForeignModel(bytesOf(recorded)))
    expect(furthestFrom(recorded, model, recorded.probabilities!)).toBeLessThan(1e-9)
  })

  const refused = cases.filter(({ name }) => name.startsWith('refused: '))

  test.each(refused)('are refused with the reason: $name', (recorded) => {
    expect(() => readForeignModel(bytesOf(recorded))).toThrow(REFUSALS[recorded.name] ?? 'no reason is known')
  })
})

describe('a file that was tampered with', () => {
  const { cases } = readRecorded('test/golden/lightgbm-4.7.0.json.gz')
  const names = ['deep', 'a forest (JSON)', 'texts the other way round', 'texts the other way round (JSON)']

  test.each(cases.filter(({ name }) => names.includes(name)))(
    'law: becomes a sound model or is refused, and nothing else happens: $name',
    (recorded) => {
      expectSoundOrRefused(bytesOf(recorded))
    },
  )
})
