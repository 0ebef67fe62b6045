import { VigiaError } from '../../errors.ts'

/** @throws LEARNING_XGBOOST_REFUSED, always */
export const refuse = (where: string, reason: string): never => {
  throw new VigiaError('LEARNING_XGBOOST_REFUSED', { where, reason })
}

/** `value` when it is an object. @throws LEARNING_XGBOOST_REFUSED otherwise */
export const recordAt = (value: unknown, where: string): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse(where, 'is missing or no object')

/** `value` when it is a list. @throws LEARNING_XGBOOST_REFUSED otherwise */
export const listAt = (value: unknown, where: string): readonly unknown[] =>
  Array.isArray(value) ? value : refuse(where, 'is missing or no list')

/**
 * The list `owner[name]` when it holds numbers alone; true and false, as some versions write flags, count as
 * 1 and 0, the text NaN as what it says.
 */
export const numbersAt = (
  owner: Readonly<Record<string, unknown>>,
  name: string,
  where: string,
): readonly number[] => {
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
