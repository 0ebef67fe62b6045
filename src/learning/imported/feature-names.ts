import { refuse } from './parts.ts'

/** Features at most: beyond, a file is a mistake or an attack. */
export const MAX_FEATURES = 100_000

/**
 * The names of the features of a file, and whether they say no more than a place: 0, 1, ..., or the same
 * after what the library puts before it.
 *
 * @param own as the file has them; empty: it names none
 * @throws LEARNING_IMPORT_REFUSED when they are not as many, or not different texts
 */
export const readFeatureNames = (
  own: readonly unknown[],
  { count, prefix, where }: { readonly count: number; readonly prefix: string; readonly where: string },
): { readonly featureNames: readonly string[]; readonly isNamedByPlace: boolean } => {
  const places = Array.from({ length: count }, (_, index) => `${prefix}${index}`)
  if (own.length === 0) return { featureNames: places, isNamedByPlace: true }
  if (own.length !== count) refuse(where, `are ${own.length} for ${count} features`)
  if (new Set(own).size < count || !own.every((name) => typeof name === 'string' && name !== ''))
    refuse(where, 'must be different texts')
  const isNamedByPlace = [places, places.map((name) => name.slice(prefix.length))].some((names) =>
    own.every((name, index) => name === names[index]),
  )
  return { featureNames: own as readonly string[], isNamedByPlace }
}
