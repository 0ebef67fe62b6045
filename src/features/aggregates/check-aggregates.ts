import type { FeaturesSettings } from '../../config/sections/features.ts'
import { ENTITY_KINDS, type StandardKind } from '../../transaction/entity-kind.ts'
import { readAggregates } from './aggregate-feature.ts'

/**
 * Checks what can be known of `features.aggregates` before the source is read: names, entities, and settings
 * that go together. Attributes may come from patterns, so they are looked at with the source.
 *
 * @param entities names of the section `entities`
 * @throws FEATURES_AGGREGATE_INVALID
 */
export const checkAggregates = (
  { aggregates, windows }: Pick<FeaturesSettings, 'aggregates' | 'windows'>,
  entities: readonly string[],
  withoutUsers: boolean,
): void => {
  const own = entities
    .filter((name) => !ENTITY_KINDS.includes(name as StandardKind))
    .map((name) => ({ name, windows }))
  readAggregates(aggregates, { windows, entities: own, withoutUsers })
}
