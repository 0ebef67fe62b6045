import type { Entity } from '../transaction/entities.ts'
import type { FittedCleaning } from './cleaning.ts'

/**
 * What of cleaning decides how states come to be: models that agree on it can go on from each other's.
 *
 * @param read what states read of a transaction beside its fields: attributes that name entities, or are
 *   aggregated
 */
export const cleaningOfStates = (
  { attributes = {}, ...fields }: FittedCleaning,
  read: readonly Pick<Entity, 'id'>[],
): object => {
  const named = read.flatMap(({ id }) => id).filter((part) => Object.hasOwn(attributes, part))
  if (named.length === 0) return fields
  return { ...fields, attributes: Object.fromEntries(named.map((part) => [part, attributes[part]])) }
}

/**
 * What of cleaning states must agree on whose history goes on: the rules, and what becomes of the attributes
 * that name entities. What a missing value becomes and where amounts are capped was fitted: a model that is
 * trained again may have other values, and each transaction stays in the states as the model cleaned it that
 * decided on it.
 */
export const cleaningRules = (
  { attributes = {}, version, foldCategories, amounts }: FittedCleaning,
  entities: readonly Pick<Entity, 'id'>[],
): object => {
  const named = entities.flatMap(({ id }) => id).filter((part) => Object.hasOwn(attributes, part))
  return {
    version,
    foldCategories,
    ...(amounts !== undefined && { amounts }),
    ...(named.length > 0 && {
      attributes: Object.fromEntries(named.map((part) => [part, attributes[part]])),
    }),
  }
}
