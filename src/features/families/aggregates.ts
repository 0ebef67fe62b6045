import { firstNames } from '../../foundation/first-names.ts'
import { type AggregateFeature, COMPUTED, invalidAggregate } from '../aggregates/aggregate-feature.ts'
import { type AggregateOf, featuresOfAggregate } from '../aggregates/features-of-aggregate.ts'
import { wordOf } from '../entity-words.ts'
import type { FamilyOptions, FeatureFamily } from '../feature.ts'

/** What the bank computes of attributes over the transactions of an entity. */
export const aggregates: FeatureFamily = {
  name: 'aggregates',
  title: 'Aggregates',
  meaning:
    'What `features.aggregates` computes of attributes over the transactions of an entity ([aggregates](aggregates.md)): for each, one feature a window, or one.',
  features: (options) => options.aggregates.flatMap((one) => featuresOfAggregate(resolved(one, options))),
}

/** The aggregate with its attribute, of a kind of which it can be computed. */
const resolved = (
  declared: AggregateFeature,
  { attributes, entities, standardEntities }: FamilyOptions,
): AggregateOf => {
  const { name, of, by, compute, decimals } = declared
  const attribute = attributes.find((one) => one.name === of)
  if (attribute === undefined) {
    const names = attributes.map((one) => one.name)
    const allowed = names.length === 0 ? 'an attribute, and there is none' : `one of ${listed(names)}`
    throw invalidAggregate(name, '.of', allowed, of)
  }
  const allowed = COMPUTED[attribute.kind]
  if (!allowed.includes(compute)) {
    const reason = `one of ${allowed.join(', ')}, because ${of} is a ${attribute.kind}`
    throw invalidAggregate(name, '.compute', reason, compute)
  }
  if (decimals !== undefined && attribute.kind !== 'number') {
    const reason = `left out, because ${of} is a ${attribute.kind}, whose values are whole`
    throw invalidAggregate(name, '.decimals', reason, decimals)
  }
  return { ...declared, attribute, word: wordOf(by, [...standardEntities, ...entities]) }
}

const MOST_LISTED = 40

const listed = (names: readonly string[]): string => firstNames(names, MOST_LISTED)
