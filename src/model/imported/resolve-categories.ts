import { VigiaError } from '../../errors.ts'
import type { Feature } from '../../features/feature.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { CategoryValue, ForeignModel, KnownCategory } from '../../learning/imported/foreign-model.ts'
import { MAX_CATEGORY_CODE } from '../artifact-model.ts'
import { FILLED_CODE } from './filled-values.ts'

/**
 * What the owner of a model says of its categories: the values of each feature's in their order, by the
 * feature's name; or `values`, when whole numbers in the file are the feature's own values.
 */
export type GivenCategories = 'values' | Readonly<Record<string, readonly CategoryValue[]>>

/** Features of a run, and what their codes stand for. */
export interface FeaturesOfRun {
  /** All that the run computes. */
  readonly features: readonly Feature[]
  readonly fitted: FittedFeatures
}

/** What the categories of a foreign model are here, for `convert`. */
export interface ResolvedCategories {
  readonly categories: ReadonlyMap<number, readonly KnownCategory[]>
  /** Who said so, by the name of the feature. */
  readonly told: Readonly<Record<string, 'file' | 'given' | 'values'>>
}

/**
 * Finds what the categories that a model's splits ask for are here. A number is the value of the feature
 * itself (a code, of a category field). A text is a value of the vocabulary that its codes come from.
 *
 * @param names of the model's features, in its order
 * @param path of the file, for errors
 * @param filledText the category that stood for missing values
 * @throws MODEL_CATEGORIES_UNTOLD when neither the file nor `given` tells them; MODEL_CATEGORIES_DIFFER when
 * both do and differ, or texts are the categories of a feature without a vocabulary
 */
export const resolveCategories = (
  foreign: Pick<ForeignModel, 'categories' | 'columns'>,
  names: readonly string[],
  run: FeaturesOfRun,
  given: GivenCategories | undefined,
  path: string,
  filledText?: string,
): ResolvedCategories => {
  const categories = new Map<number, readonly KnownCategory[]>()
  const told: Record<string, 'file' | 'given' | 'values'> = {}
  const untold = new Map<string, string[]>()
  if (given !== undefined && given !== 'values') requireFeatures(given, names)
  for (const [name, values] of namedColumns(foreign.columns ?? [], names, given, path)) {
    told[name] = 'given'
    categories.set(names.indexOf(name), knownCategories(name, values, run, filledText))
  }
  for (const [feature, ofFile] of foreign.categories) {
    const name = names[feature]!
    if (categories.has(feature)) continue
    const listed = given === undefined || given === 'values' ? undefined : given[name]
    if ('values' in ofFile && ofFile.areTexts !== true)
      requireSame(name, ofFile.values, given === 'values' ? given : listed)
    const values =
      'values' in ofFile
        ? ofFile.areTexts === true
          ? textsMeant(name, ofFile.values, listed, run, path)
          : ofFile.values
        : listed
    if ('areOwn' in ofFile) {
      if (listed !== undefined) throw differ(name, "the file's numbers are its own values")
      told[name] = 'file'
    } else if (values !== undefined) {
      told[name] = 'values' in ofFile ? 'file' : 'given'
      categories.set(feature, knownCategories(name, values, run, filledText))
    } else if (given === 'values') told[name] = 'values'
    else if ('untold' in ofFile) untold.set(ofFile.untold, [...(untold.get(ofFile.untold) ?? []), name])
  }
  if (untold.size > 0) {
    const reason = [...untold].map(([why, of]) => `${of.join(', ')}: ${why}`).join('; ')
    throw new VigiaError('MODEL_CATEGORIES_UNTOLD', { path, reason })
  }
  return { categories, told }
}

/**
 * The columns of the frame with their names, which only `given` tells: it must have each of them, in the
 * order of the features.
 */
const namedColumns = (
  columns: readonly (readonly CategoryValue[])[],
  names: readonly string[],
  given: GivenCategories | undefined,
  path: string,
): readonly (readonly [name: string, values: readonly CategoryValue[]])[] => {
  if (columns.length === 0) return []
  const asked = `the file has the values of ${columns.length} category columns without their names: ${columns.map(shown).join('; ')}`
  if (given === undefined || given === 'values')
    throw new VigiaError('MODEL_CATEGORIES_UNTOLD', { path, reason: asked })
  const listed = names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]))
  if (listed.length !== columns.length)
    throw new VigiaError('MODEL_CATEGORIES_UNTOLD', {
      path,
      reason: `${asked}; --categories has ${listed.length}`,
    })
  listed.forEach(([name, values], at) => {
    requireSame(name, columns[at]!, values)
  })
  return listed
}

/**
 * What texts mean of which the file does not say whether they were numbers: those of `given`, and otherwise
 * numbers where all of them are, unless they could be texts of the run as well.
 */
const textsMeant = (
  name: string,
  texts: readonly CategoryValue[],
  given: readonly CategoryValue[] | undefined,
  { features, fitted }: FeaturesOfRun,
  path: string,
): readonly CategoryValue[] => {
  if (given !== undefined) return texts.map((text) => given.find((value) => String(value) === text) ?? text)
  if (!texts.every((text) => /^-?(0|[1-9]\d{0,8})$/.test(String(text)))) return texts
  const feature = features.find((one) => one.name === name)
  const entries = fitted.vocabularies[feature?.phrase?.vocabulary ?? ''] ?? []
  if (!entries.some(({ value }) => texts.includes(value))) return texts.map(Number)
  throw new VigiaError('MODEL_CATEGORIES_UNTOLD', {
    path,
    reason: `${name}: the file has ${shown(texts)} as texts, which are values of the run and may be its codes: --categories says which, as texts or as numbers`,
  })
}

const differ = (feature: string, reason: string) =>
  new VigiaError('MODEL_CATEGORIES_DIFFER', { feature, reason })

const requireFeatures = (given: Readonly<Record<string, unknown>>, names: readonly string[]): void => {
  const stranger = Object.keys(given).find((name) => !names.includes(name))
  if (stranger !== undefined) throw differ(stranger, 'the model has no such feature')
}

const requireSame = (
  name: string,
  ofFile: readonly CategoryValue[],
  given: 'values' | readonly CategoryValue[] | undefined,
): void => {
  if (given === undefined) return
  if (given === 'values')
    throw differ(name, 'the file tells its categories, which are no values by themselves')
  const at = [...ofFile, null].findIndex((value, place) => value !== (given[place] ?? null))
  if (at >= 0 || given.length !== ofFile.length)
    throw differ(name, `the file tells ${shown(ofFile)}, and --categories ${shown(given)}`)
}

const shown = (values: readonly CategoryValue[]): string =>
  `${JSON.stringify(values.slice(0, 5)).slice(1, -1)}${values.length > 5 ? `, ... (${values.length})` : ''}`

/** What the codes of a feature stand for; undefined where its values are no codes. */
export const vocabularyOf = (feature: Feature | undefined, fitted: FittedFeatures) =>
  feature?.kind === 'categorical' ? fitted.vocabularies[feature.phrase?.vocabulary ?? ''] : undefined

const knownCategories = (
  name: string,
  values: readonly CategoryValue[],
  { features, fitted }: FeaturesOfRun,
  filledText: string | undefined,
): readonly KnownCategory[] => {
  if (new Set(values).size < values.length) throw differ(name, 'one of them is there twice')
  const feature = features.find((one) => one.name === name)
  const entries = vocabularyOf(feature, fitted)
  const text = values.find((value) => typeof value === 'string')
  if (text !== undefined && entries === undefined)
    throw differ(name, `they are texts (${JSON.stringify(text)}), and its values are numbers`)
  const codes = new Map((entries ?? []).map(({ value }, code) => [value, code]))
  const most = entries === undefined ? MAX_CATEGORY_CODE : entries.length - 1
  const isCode = (value: number) => Number.isInteger(value) && value >= -1 && value <= most
  return values.map((value) => ({
    value,
    code:
      typeof value === 'string'
        ? value === filledText
          ? FILLED_CODE
          : codes.get(value)
        : isCode(value)
          ? value
          : undefined,
  }))
}
