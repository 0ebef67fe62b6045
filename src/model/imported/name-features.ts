import { VigiaError } from '../../errors.ts'
import type { ForeignModel } from '../../learning/imported/foreign-model.ts'
import type { GivenCategories } from './resolve-categories.ts'

/**
 * What the owner of a model says its features are here: the run's name of each that is called otherwise, by
 * the name in the file; or the run's names of all, in the order of the file.
 */
export type GivenNames = readonly string[] | Readonly<Record<string, string>>

/** The names of a foreign model's features here, one for each, and who told them. */
export interface NamedFeatures {
  readonly featureNames: readonly string[]
  /** The file; the run's model, whose order they then have; or the owner. */
  readonly namesFrom: 'file' | 'run' | 'given'
}

/** The run that names are looked up in. */
export interface NamesOfRun {
  readonly folder: string
  /** Features of the run's own model, in order. */
  readonly names: readonly string[]
  /** All that the run computes. */
  readonly features: readonly { readonly name: string }[]
}

/**
 * Finds the feature of the run that each feature of a foreign model is. A file that names its features by
 * their place has those of the run's model, unless `given` lists them.
 *
 * @param path of the file, for errors
 * @throws MODEL_FEATURES_DIFFER with all that the run does not compute, MODEL_FEATURE_COUNT_DIFFERS,
 * MODEL_NAMES_DIFFER when `given` does not fit the file
 */
export const nameFeatures = (
  { featureNames: own, isNamedByPlace }: Pick<ForeignModel, 'featureNames' | 'isNamedByPlace'>,
  path: string,
  run: NamesOfRun,
  given?: GivenNames,
): NamedFeatures => {
  const { folder, names } = run
  if (given === undefined && isNamedByPlace) {
    if (names.length === own.length) return { featureNames: names, namesFrom: 'run' }
    throw new VigiaError('MODEL_FEATURE_COUNT_DIFFERS', {
      path,
      got: own.length,
      folder,
      allowed: names.length,
    })
  }
  const featureNames = given === undefined ? own : namesOf(own, given, path)
  const computed = new Set(run.features.map(({ name }) => name))
  const strangers = featureNames.filter((name) => !computed.has(name))
  if (strangers.length === 0) return { featureNames, namesFrom: given === undefined ? 'file' : 'given' }
  const areNumbers = strangers.every((name) => /^\d+$/.test(name))
  const told = strangers.map((name) => `${name}${likeName(name, [...computed])}`).join(', ')
  throw new VigiaError('MODEL_FEATURES_DIFFER', {
    path,
    folder,
    got: `${told}${areNumbers ? ' (whole numbers, as a frame without column names has, but not all of them in order, so that they say no places)' : ''}`,
  })
}

const namesOf = (own: readonly string[], given: GivenNames, path: string): readonly string[] => {
  const refuse = (reason: string) => new VigiaError('MODEL_NAMES_DIFFER', { path, reason })
  if (isList(given) && given.length !== own.length)
    throw refuse(`the list has ${given.length} names, the model ${own.length} features`)
  const stranger = isList(given) ? undefined : Object.keys(given).find((name) => !own.includes(name))
  if (stranger !== undefined) throw refuse(`the model has no feature ${stranger}`)
  const named = isList(given) ? given : own.map((name) => (Object.hasOwn(given, name) ? given[name]! : name))
  const twice = named.find((name, at) => named.indexOf(name) < at)
  if (twice !== undefined) throw refuse(`two of its features would be ${twice}`)
  return named
}

const isList = (given: GivenNames): given is readonly string[] => Array.isArray(given)

/**
 * Categories by the names that the features have here. Whoever writes them writes them of the training frame,
 * by its names.
 */
export const categoriesByName = (
  given: GivenCategories | undefined,
  own: readonly string[],
  names: readonly string[],
): GivenCategories | undefined => {
  if (given === undefined || given === 'values') return given
  const renamed = new Map(own.map((name, at) => [name, names[at]!]))
  return Object.fromEntries(
    Object.entries(given).map(([name, values]) => [renamed.get(name) ?? name, values]),
  )
}

/** ` (is it amount?)`: the one name that differs in its signs and cases alone. */
const likeName = (name: string, computed: readonly string[]): string => {
  const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
  const like = computed.filter((one) => plain(one) === plain(name))
  return like.length === 1 ? ` (is it ${like[0]}?)` : ''
}
