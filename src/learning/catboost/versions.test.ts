import { describe, expect, test } from 'vitest'
import { readForeignModel } from '../imported/read-foreign-model.ts'
import { bytesOf, convertRecorded, furthestFrom, readRecorded } from '../imported/recorded-files.test-kit.ts'
import { expectSoundOrRefused } from '../imported/tampered-files.test-kit.ts'

const VERSIONS = ['1.2', '1.2.10'] as const

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

describe.each(VERSIONS)('files of CatBoost %s', (version) => {
  const { catboost, cases } = readRecorded(`test/golden/catboost-${version}.json.gz`)
  const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

  test('are recorded, and written by that version', () => {
    expect(catboost).toBe(version)
    expect(scored.length).toBeGreaterThan(25)
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
  const { cases } = readRecorded('test/golden/catboost-1.2.10.json.gz')
  const names = ['plain', 'leaves first', 'texts']

  test.each(cases.filter(({ name }) => names.includes(name)))(
    'law: becomes a sound model or is refused, and nothing else happens: $name',
    (recorded) => {
      expectSoundOrRefused(bytesOf(recorded))
    },
  )
})
