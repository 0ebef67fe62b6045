import { VigiaError } from '../../errors.ts'

/** An object of a model file: its fields by name. */
export type Parts = Readonly<Record<string, unknown>>

/** @throws LEARNING_IMPORT_REFUSED, always */
export const refuse = (where: string, reason: string): never => {
  throw new VigiaError('LEARNING_IMPORT_REFUSED', { where, reason })
}

/** `value` when it is an object. @throws LEARNING_IMPORT_REFUSED otherwise */
export const recordAt = (value: unknown, where: string): Parts =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(where, 'is missing or no object')

/** `value` when it is a list. @throws LEARNING_IMPORT_REFUSED otherwise */
export const listAt = (value: unknown, where: string): readonly unknown[] =>
  Array.isArray(value) ? value : refuse(where, 'is missing or no list')

/** `owner[name]` when it is a number. @throws LEARNING_IMPORT_REFUSED otherwise */
export const numberAt = (owner: Parts, name: string, where: string): number => {
  const value = owner[name]
  return typeof value === 'number' ? value : refuse(`${where}.${name}`, 'is missing or no number')
}

/**
 * The list `owner[name]` when it holds numbers alone; true and false, as some versions write flags, count as
 * 1 and 0, the text NaN as what it says.
 */
export const numbersAt = (owner: Parts, name: string, where: string): readonly number[] => {
  const place = `${where}.${name}`
  const list = listAt(owner[name], place)
  return list.map((value, index) =>
    typeof value === 'number'
      ? value
      : typeof value === 'boolean'
        ? Number(value)
        : value === 'NaN'
          ? Number.NaN
          : refuse(`${place}[${index}]`, 'is no number'),
  )
}

/**
 * Refuses a field that is not in `known`. What a later version writes at a new place would be passed over
 * otherwise, and the scores would be others without a word.
 */
export const requireKnown = (owner: Parts, known: readonly string[], where: string): void => {
  const stranger = Object.keys(owner).find((name) => !known.includes(name))
  if (stranger !== undefined)
    refuse(`${where}.${stranger}`, 'is not known, so that what it does to scores cannot be told')
}

/** Bytes that a list or an object has at least, on average, in files of models: they have thirty and more. */
const LEAST_OF_CONTAINER = 16
/** So many are small in any file. */
const FREE_CONTAINERS = 10_000

/**
 * Lists and objects that a file of so many bytes may have: what is empty in a file takes a hundred bytes of
 * memory.
 */
export const mostContainers = (bytes: number): number => FREE_CONTAINERS + bytes / LEAST_OF_CONTAINER
