import type { FeaturesSettings } from '../../config/sections/features.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import { type AttributeKind, isFieldName } from '../../transaction/attributes.ts'
import type { Entity } from '../../transaction/entities.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

/** What is computed of an attribute over the transactions of an entity. */
export type Compute = 'mean' | 'sum' | 'maximum' | 'distinct' | 'share' | 'last' | 'change'

/** What can be computed of an attribute, by its kind. */
export const COMPUTED: Readonly<Record<AttributeKind, readonly Compute[]>> = {
  number: ['mean', 'sum', 'maximum', 'distinct', 'share', 'last', 'change'],
  boolean: ['mean', 'sum', 'maximum', 'distinct', 'share', 'last', 'change'],
  time: ['mean', 'maximum', 'distinct', 'share', 'last', 'change'],
  category: ['distinct', 'share', 'last', 'change'],
  text: ['distinct', 'share', 'change'],
}

/** An aggregate that the configuration declares: one feature for each of its windows, or one without any. */
export interface AggregateFeature {
  /** snake_case; names of its features begin with it. */
  readonly name: string
  /** The attribute. */
  readonly of: string
  /** The entity over whose transactions it is computed. */
  readonly by: EntityKind
  readonly compute: Compute
  /** By name, ascending; none for the last value and the change since. */
  readonly windows: readonly string[]
  /** Of a mean or sum of numbers: values are whole steps of 10^-decimals. Absent: `DEFAULT_DECIMALS`. */
  readonly decimals?: number
}

/** Who there is to aggregate over, and the windows that an aggregate has when it says nothing. */
export interface AggregateScope {
  readonly windows: readonly string[]
  /** Entities of the bank's own. */
  readonly entities: readonly Pick<Entity, 'name' | 'windows'>[]
  readonly withoutUsers?: boolean
}

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
/** A window's name still fits behind it. */
const LONGEST_NAME = 50
/** Six decimals hold money in any currency, shares and coordinates. */
export const DEFAULT_DECIMALS = 6

const isOfWindows = (compute: Compute): boolean => compute !== 'last' && compute !== 'change'
const isSummed = (compute: Compute): boolean => compute === 'mean' || compute === 'sum'

/**
 * Reads `features.aggregates`; none where it is absent, as in artifacts of earlier versions. They stand in
 * the order of their names, which no way of writing a mapping changes. Attributes are not looked at.
 *
 * @throws FEATURES_AGGREGATE_INVALID naming the setting, what is allowed, and what came
 */
export const readAggregates = (
  written: FeaturesSettings['aggregates'] = {},
  scope: AggregateScope,
): readonly AggregateFeature[] =>
  Object.keys(written)
    .sort()
    .map((name) => {
      assertName(name)
      const { of, by, compute, windows, decimals } = written[name]!
      const refused = (setting: string, allowed: string, got: string | number): VigiaError =>
        invalidAggregate(name, setting, allowed, got)
      const kinds = entityNames(scope)
      if (!kinds.includes(by)) throw refused('.by', `one of ${kinds.join(', ')}`, by)
      if (windows !== undefined && !isOfWindows(compute))
        throw refused('.windows', `left out: ${compute} looks at the last value only`, windows.join(', '))
      if (decimals !== undefined && !isSummed(compute))
        throw refused('.decimals', `left out: ${compute} adds nothing up`, decimals)
      return {
        name,
        of,
        by,
        compute,
        windows: isOfWindows(compute) ? ascending(windows ?? windowsOf(by, scope)) : [],
        ...(decimals !== undefined && { decimals }),
      }
    })

/** `setting` is what stands behind the name: `.by`. */
export const invalidAggregate = (
  name: string,
  setting: string,
  allowed: string,
  got: string | number,
): VigiaError => new VigiaError('FEATURES_AGGREGATE_INVALID', { name, setting, allowed, got })

const entityNames = ({ entities, withoutUsers }: AggregateScope): readonly string[] => [
  ...ENTITY_KINDS.filter((kind) => !(withoutUsers && kind === 'user')),
  ...entities.map(({ name }) => name),
]

const windowsOf = (by: EntityKind, { windows, entities }: AggregateScope): readonly string[] =>
  entities.find(({ name }) => name === by)?.windows ?? windows

const ascending = (windows: readonly string[]): readonly string[] =>
  [...windows].sort((a, b) => parseDuration(a) - parseDuration(b))

const assertName = (name: string): void => {
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw invalidAggregate(
      name,
      ', the name,',
      `snake_case, beginning with a letter, of at most ${LONGEST_NAME} characters`,
      name,
    )
  if (isFieldName(name))
    throw invalidAggregate(
      name,
      ', the name,',
      'no field of a transaction and no column of prepared data',
      name,
    )
}
