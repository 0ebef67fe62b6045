import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VigiaError } from '../../errors.ts'
import { whyModelUnsound } from '../../model/artifact-model.ts'
import type {
  CategoryValue,
  ForeignCategories,
  ForeignModel,
  KnownCategory,
} from '../imported/foreign-model.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import { readXgboostModel } from './import-model.ts'

/** A file as one version of XGBoost wrote it; `probabilities` as Python scores it after reloading it. */
interface Recorded {
  readonly name: string
  readonly text?: string
  readonly base64?: string
  readonly rows: readonly (readonly (CategoryValue | null)[])[]
  readonly probabilities?: readonly number[]
  /** What Booster.predict says of the same file, where it was saved by XGBClassifier. */
  readonly everything?: readonly number[]
  /** What the trees up to the best round say. */
  readonly best?: readonly number[]
  /** Of `channel`, in their order; `values`: they are numbers. */
  readonly categories?: readonly CategoryValue[] | 'values'
  readonly missing?: number
}

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
  const { xgboost, cases } = recordedOf(version)
  const scored = cases.filter(({ probabilities }) => probabilities !== undefined)

  test('are recorded, and written by that version', () => {
    expect(xgboost).toBe(version)
    expect(scored.length).toBeGreaterThan(40)
    expect(readXgboostModel(bytesOf(scored[0]!)).library).toBe(`XGBoost ${version}`)
  })

  test.each(scored)('score as in Python: $name', (recorded) => {
    const foreign = readXgboostModel(bytesOf(recorded))
    const differences = differencesOf(recorded, convert(recorded, foreign), recorded.probabilities!)
    expect(Math.max(...differences)).toBeLessThan(1e-6)
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
    expect(Math.max(...differencesOf(recorded, convert(recorded, foreign, trees), expected))).toBeLessThan(
      1e-6,
    )
  })
})

describe('a file that was tampered with', () => {
  const { cases } = recordedOf('3.4.1')
  const files = cases.filter(({ name }) => ['dart', 'UBJSON with categories', 'plain'].includes(name))

  test.each(files)(
    'law: becomes a sound model or is refused, and nothing else happens: $name',
    (recorded) => {
      const file = bytesOf(recorded)
      const change = fc.tuple(
        fc.nat(file.length - 1),
        fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('-019[]{},"'))),
      )
      let sound = 0
      fc.assert(
        fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
          const changed = Uint8Array.from(file)
          for (const [at, byte] of changes) changed[at] = byte
          try {
            const foreign = readXgboostModel(changed)
            const { featureNames, trees, categories } = foreign
            const known = new Map(
              [...categories].flatMap(([feature, told]) =>
                'values' in told
                  ? [[feature, told.values.map((value, code) => ({ value, code }))] as const]
                  : [],
              ),
            )
            const model = foreign.convert({ featureNames, trees: trees.scored, categories: known })
            expect(whyModelUnsound(model)).toBeUndefined()
            sound++
          } catch (error) {
            if (!(error instanceof VigiaError)) throw error
          }
        }),
        { numRuns: 500 },
      )
      expect(sound).toBeGreaterThan(10)
    },
  )
})

function bytesOf({ text, base64 }: Recorded): Uint8Array {
  return text === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(text)
}

function recordedOf(version: string): { readonly xgboost: string; readonly cases: readonly Recorded[] } {
  const bytes = gunzipSync(readFileSync(`test/golden/xgboost-${version}.json.gz`))
  return JSON.parse(bytes.toString())
}

/** Texts have codes in another order than any file's; numbers are their own. */
const VOCABULARY = [7, 3, 0, 8, 1, 5, 2, 6, 4].flatMap((code) => [`k0${code}`, `ñ0${code}`])

const codeOf = (value: CategoryValue): number =>
  typeof value === 'number' ? value : VOCABULARY.indexOf(value)

const convert = (
  { categories, missing }: Recorded,
  foreign: ForeignModel,
  trees = foreign.trees.scored,
): TreeEnsembleModel => {
  const known = new Map<number, readonly KnownCategory[]>()
  for (const [feature, told] of foreign.categories) {
    const values = valuesOf(told, categories)
    if (values !== undefined)
      known.set(
        feature,
        values.map((value) => ({ value, code: codeOf(value) })),
      )
  }
  const missingValue = missing ?? foreign.missingValue
  return foreign.convert({
    featureNames: foreign.featureNames,
    trees,
    categories: known,
    ...(missingValue !== undefined && { missingValue }),
  })
}

/** Those of the file; those of who knows, where the file tells none. */
const valuesOf = (
  told: ForeignCategories,
  given: Recorded['categories'],
): readonly CategoryValue[] | undefined => {
  if ('values' in told) {
    expect(told.values).toEqual(given)
    return told.values
  }
  return given === 'values' ? undefined : given
}

const differencesOf = (
  { rows }: Recorded,
  model: TreeEnsembleModel,
  expected: readonly number[],
): readonly number[] => {
  expect(rows).toHaveLength(expected.length)
  return rows.map((row, index) => {
    const columns = row.map((value) => {
      const code = value === null ? Number.NaN : codeOf(value)
      return Float64Array.of(
        Math.fround(code) === Math.fround(model.missingValue ?? Number.NaN) ? Number.NaN : code,
      )
    })
    const margin = model.trees.reduce((sum, tree) => sum + walkTree(tree, columns, 0), model.base)
    return Math.abs(1 / (1 + Math.exp(-margin)) - expected[index]!)
  })
}
