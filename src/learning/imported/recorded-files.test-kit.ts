import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createMissingReader } from '../trees/missing-value.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import type { CategoryValue, ForeignCategories, ForeignModel, KnownCategory } from './foreign-model.ts'

/** A file as one version of a library wrote it; `probabilities` as Python scores it after reloading it. */
export interface Recorded {
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

export function bytesOf({ text, base64 }: Recorded): Uint8Array {
  return text === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(text)
}

/** What a script of test/reference has written to `path`; `version` is that of the library. */
export const readRecorded = (
  path: string,
): { readonly [library: string]: unknown; readonly cases: readonly Recorded[] } =>
  JSON.parse(gunzipSync(readFileSync(path)).toString())

/** Texts have codes in another order than any file's; numbers are their own. */
const VOCABULARY = [7, 3, 0, 8, 1, 5, 2, 6, 4].flatMap((code) => [`k0${code}`, `ñ0${code}`])

/** Place of the feature that has categories. */
const CHANNEL = 2

const codeOf = (value: CategoryValue): number =>
  typeof value === 'number' ? value : VOCABULARY.indexOf(value)

/** The model as ours, with what was recorded of what its file does not tell. */
export const convertRecorded = (
  { categories, missing }: Recorded,
  foreign: ForeignModel,
  trees = foreign.trees.scored,
): TreeEnsembleModel => {
  const known = new Map<number, readonly KnownCategory[]>()
  const set = (feature: number, values: readonly CategoryValue[] | undefined): void => {
    const all = values?.map((value) => ({ value, code: codeOf(value) }))
    if (all !== undefined) known.set(feature, all)
  }
  for (const [feature, told] of foreign.categories) set(feature, valuesOf(told, categories))
  for (const values of foreign.columns ?? []) set(CHANNEL, valuesOf({ values }, categories))
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
  if ('values' in told && told.areTexts === true) {
    if (given === 'values' || given === undefined) throw new Error('no categories are recorded')
    return told.values.map((text) => given.find((value) => String(value) === text) ?? text)
  }
  if ('values' in told) {
    if (JSON.stringify(told.values) !== JSON.stringify(given)) throw new Error(`told are ${told.values}`)
    return told.values
  }
  if ('areOwn' in told) return undefined
  return given === 'values' ? undefined : given
}

/** How far the probabilities of the rows are from the expected ones, at most. */
export const furthestFrom = (
  { rows }: Recorded,
  model: TreeEnsembleModel,
  expected: readonly number[],
): number => {
  if (rows.length !== expected.length) throw new Error(`${rows.length} rows, ${expected.length} scores`)
  const seen = createMissingReader(model)
  const differences = rows.map((row, index) => {
    const own = row.map((value) => Float64Array.of(value === null ? Number.NaN : codeOf(value)))
    const columns = seen?.columns(own) ?? own
    const margin = model.trees.reduce((sum, tree) => sum + walkTree(tree, columns, 0), model.base)
    const probability = model.link === 'logistic' ? 1 / (1 + Math.exp(-margin)) : margin
    return Math.abs(probability - expected[index]!)
  })
  return Math.max(...differences)
}
