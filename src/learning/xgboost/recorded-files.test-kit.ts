import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type {
  CategoryValue,
  ForeignCategories,
  ForeignModel,
  KnownCategory,
} from '../imported/foreign-model.ts'
import { createMissingReader } from '../trees/missing-value.ts'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'

/** A file as one version of XGBoost wrote it; `probabilities` as Python scores it after reloading it. */
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

/** What test/reference/xgboost-versions.py has written to `path`. */
export const readRecorded = (
  path: string,
): { readonly xgboost: string; readonly cases: readonly Recorded[] } =>
  JSON.parse(gunzipSync(readFileSync(path)).toString())

/** Texts have codes in another order than any file's; numbers are their own. */
const VOCABULARY = [7, 3, 0, 8, 1, 5, 2, 6, 4].flatMap((code) => [`k0${code}`, `ñ0${code}`])

const codeOf = (value: CategoryValue): number =>
  typeof value === 'number' ? value : VOCABULARY.indexOf(value)

/** The model as ours, with what was recorded of what its file does not tell. */
export const convertRecorded = (
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
    if (JSON.stringify(told.values) !== JSON.stringify(given)) throw new Error(`told are ${told.values}`)
    return told.values
  }
  return given === 'values' ? undefined : given
}

/** How far the probabilities of the rows are from the expected ones, at most. */
export const furthestFrom = (
  { rows }: Recorded,
  model: TreeEnsembleModel,
  expected: readonly number[],
): number => {
  if (rows.length !== expected.length) throw new Error(`${rows.length} rows, ${expected.length} scores`)
  const seen = createMissingReader(model.missingValue ?? Number.NaN, model.featureNames.length)
  const differences = rows.map((row, index) => {
    const columns = seen.columns(
      row.map((value) => Float64Array.of(value === null ? Number.NaN : codeOf(value))),
    )
    const margin = model.trees.reduce((sum, tree) => sum + walkTree(tree, columns, 0), model.base)
    return Math.abs(1 / (1 + Math.exp(-margin)) - expected[index]!)
  })
  return Math.max(...differences)
}
