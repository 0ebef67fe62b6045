import type { EntitiesSettings } from '../config/sections/entities.ts'
import type { FeaturesSettings } from '../config/sections/features.ts'
import type { AttributeSettings, SourceSettings } from '../config/sections/source.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { ATTRIBUTE_NAME, isFieldName } from '../transaction/attributes.ts'
import {
  ENTITY_NAME,
  type Entity,
  type EntitySide,
  isIdField,
  RESERVED_ENTITY_NAMES,
  type Side,
  type SideFeature,
} from '../transaction/entities.ts'
import { ENTITY_KINDS, type StandardKind } from '../transaction/entity-kind.ts'
import type { SourceField } from '../transaction/fields.ts'
import { settingsByPattern } from './source-attributes.ts'

/** What the configuration says of entities, with everything that it leaves out. */
export interface DeclaredEntities {
  /** In the order in which they are written: of the bank's own, and what is added to the standard ones. */
  readonly entities: readonly Entity[]
  /** The source, with an attribute for each part of an id that is a column or an SQL expression. */
  readonly source: SourceSettings
}

/** The windows that an entity has when it says nothing. */
export interface DefaultWindows {
  readonly windows: readonly string[]
  readonly risk_windows: readonly string[]
}

const DEFAULT_FEATURES: Entity['features'] = ['counts', 'amounts', 'life', 'time', 'risk']
const OF_SIDES: readonly SideFeature[] = ['flow', 'fan', 'counterparty']
const DEFAULT_OF_SIDES: Entity['features'] = [...OF_SIDES, 'life', 'time', 'risk']
const SIDES: readonly Side[] = ['sender', 'receiver']
const DEFAULT_TRANSACTIONS = 4096

/**
 * Reads the section `entities` of a checked configuration.
 *
 * A part of an id that is no field and no declared attribute becomes an attribute of kind text: a column
 * under its own name where that can be one, anything else as `<entity>_id`. A column that a pattern declares
 * a category stays one, with its features. Requests send it like any other.
 *
 * @throws DATASET_SETTING_INVALID naming the setting
 */
export const declareEntities = (
  declared: EntitiesSettings,
  source: SourceSettings,
  defaults: DefaultWindows,
): DeclaredEntities => {
  const attributes: Record<string, AttributeSettings> = { ...source.attributes }
  const names = Object.keys(declared)
  const own = kindsOfDeclared(declared)
  assertDistinctKinds(own)
  const entities = names.flatMap((name): readonly Entity[] => {
    const settings = declared[name]!
    if (isStandard(name)) assertAddition(name, settings)
    else assertName(name, settings)
    assertFeatures(name, settings)
    const mine = sidesOf(name, settings)
    const allowed = isStandard(name)
      ? own
      : [...ENTITY_KINDS, 'category', 'location', ...own].filter((other) => !mine.includes(other))
    const others = (key: 'distinct' | 'habits'): readonly string[] => {
      const stranger = settings[key]?.find((other) => !allowed.includes(other))
      if (stranger !== undefined) throw invalid(`entities.${name}.${key}`, stranger, allowed.join(', '))
      return settings[key] ?? []
    }
    const word = settings.word ?? name.replaceAll('_', ' ')
    const entity: Omit<Entity, 'name' | 'id'> = {
      word,
      features: isStandard(name) ? [] : (settings.features ?? DEFAULT_FEATURES),
      windows: ascending(settings.windows ?? defaults.windows),
      riskWindows: ascending(settings.risk_windows ?? defaults.risk_windows),
      distinct: others('distinct'),
      habits: others('habits'),
      transactions: settings.transactions ?? DEFAULT_TRANSACTIONS,
    }
    if (isStandard(name)) return [{ ...entity, name, id: [`${name}_id`] }]
    if (settings.roles === undefined) return [{ ...entity, name, id: idOf(name, settings, attributes) }]
    return sideEntities(name, settings, entity, attributes)
  })
  return { entities, source: { ...source, attributes } }
}

/** The kinds of a bank's own that a section `entities` declares: each, or its two sides. */
export const kindsOfDeclared = (declared: EntitiesSettings): readonly string[] =>
  Object.keys(declared)
    .filter((name) => !isStandard(name))
    .flatMap((name) => sidesOf(name, declared[name]!))

/** The kinds that an entry declares. */
const sidesOf = (name: string, { roles }: EntitySettings): readonly string[] =>
  roles === undefined ? [name] : SIDES.map((side) => sideName(name, side))

const sideName = (name: string, side: Side): string => `${name}_${side}`

const SIDE_WORDS: Readonly<Record<Side, string>> = { sender: 'sending', receiver: 'receiving' }

/** Both sides of an entity that sends and receives. */
const sideEntities = (
  name: string,
  settings: EntitySettings,
  entity: Omit<Entity, 'name' | 'id'>,
  attributes: Record<string, AttributeSettings>,
): readonly Entity[] => {
  const ids = SIDES.map((side) => idOfSide(name, side, settings, attributes))
  return SIDES.map((is, at): Entity => {
    const other = SIDES[1 - at]!
    const side: EntitySide = { of: name, is, other: sideName(name, other), otherId: ids[1 - at]! }
    return {
      ...entity,
      name: sideName(name, is),
      id: ids[at]!,
      side,
      word: `${SIDE_WORDS[is]} ${entity.word}`,
      features: settings.features ?? DEFAULT_OF_SIDES,
    }
  })
}

/** The field that each value which entities count or compare stands in. */
const FIELD_OF: Readonly<Record<string, SourceField>> = {
  user: 'user_id',
  merchant: 'merchant_id',
  device: 'device_id',
  category: 'merchant_category',
  location: 'location',
}

/**
 * Entities and aggregates live on fields that the source has: on any other, all their features would be
 * missing.
 *
 * @param mapping the expression of each field; null where the source has nothing for it
 * @throws DATASET_SETTING_INVALID naming the setting and the field
 */
export const assertEntitiesMapped = (
  entities: readonly Entity[],
  mapping: Readonly<Record<SourceField, string | null>>,
  aggregates: FeaturesSettings['aggregates'] = {},
): void => {
  const assertMapped = (setting: string, value: string, field: string): void => {
    if (mapping[field as SourceField] !== null) return
    throw invalid(
      setting,
      value,
      `what the source has; nothing is mapped to ${field}: map it in source.fields.${field}, or leave ${value} out`,
    )
  }
  for (const [name, { by }] of Object.entries(aggregates)) {
    const field = FIELD_OF[by]
    if (field !== undefined) assertMapped(`features.aggregates.${name}.by`, by, field)
  }
  for (const { name, id, side, distinct, habits } of entities) {
    const entry = side?.of ?? name
    for (const part of id) if (isIdField(part)) assertMapped(settingOf(name, side), part, part)
    for (const [key, others] of [
      ['distinct', distinct],
      ['habits', habits],
    ] as const)
      for (const other of others) {
        const field = FIELD_OF[other]
        if (field !== undefined) assertMapped(`entities.${entry}.${key}`, other, field)
      }
  }
}

/** Where the configuration says what names it. */
const settingOf = (name: string, side: EntitySide | undefined): string => {
  if (side !== undefined) return `entities.${side.of}.roles.${side.is}`
  return isStandard(name) ? `entities.${name}` : `entities.${name}.id`
}

const isStandard = (name: string): boolean => ENTITY_KINDS.includes(name as StandardKind)

type EntitySettings = EntitiesSettings[string]

const ADDITIONS = ['distinct', 'habits', 'windows']

/** What can be said of users, merchants and devices: anything else would be left out in silence. */
const assertAddition = (name: string, settings: EntitySettings): void => {
  const stranger = Object.keys(settings).find((key) => !ADDITIONS.includes(key))
  if (stranger === undefined) return
  throw invalid(
    `entities.${name}.${stranger}`,
    JSON.stringify(settings[stranger as keyof EntitySettings]),
    `only ${ADDITIONS.join(', ')} under ${name}, whose id is the field ${name}_id`,
  )
}

/** The fields and attributes that name an entity of the bank's own. */
const idOf = (
  name: string,
  { id }: EntitySettings,
  attributes: Record<string, AttributeSettings>,
): readonly string[] => partsOf(name, id, `entities.${name}.id`, attributes)

/** The same of one of its sides. */
const idOfSide = (
  name: string,
  side: Side,
  { id, roles }: EntitySettings,
  attributes: Record<string, AttributeSettings>,
): readonly string[] => {
  if (id !== undefined)
    throw invalid(`entities.${name}.id`, JSON.stringify(id), 'left out: roles say what names it on each side')
  return partsOf(sideName(name, side), roles?.[side], `entities.${name}.roles.${side}`, attributes)
}

const partsOf = (
  name: string,
  id: EntitySettings['id'],
  setting: string,
  attributes: Record<string, AttributeSettings>,
): readonly string[] => {
  if (id === undefined)
    throw invalid(setting, 'nothing', 'a field, an attribute, a column or SQL; or a list of them')
  const parts = typeof id === 'string' ? [id] : id
  return parts.map((part, index) =>
    attributeOfPart(part, partName(name, parts.length, index), setting, attributes),
  )
}

const ascending = (windows: readonly string[]): readonly string[] =>
  [...windows].sort((a, b) => parseDuration(a) - parseDuration(b))

/** What is asked of the two sides is computed where there are two. */
const assertFeatures = (name: string, { features = [], roles }: EntitySettings): void => {
  const stranger = features.find((feature) => OF_SIDES.includes(feature as SideFeature))
  if (stranger === undefined || roles !== undefined) return
  throw invalid(
    `entities.${name}.features`,
    stranger,
    `${OF_SIDES.join(', ')} for an entity with roles: { sender, receiver } alone`,
  )
}

/** A side may have no name that something else has. */
const assertDistinctKinds = (kinds: readonly string[]): void => {
  const twice = kinds.find((kind, at) => kinds.indexOf(kind) < at)
  if (twice !== undefined)
    throw invalid(`entities.${twice}`, twice, 'another name: a side of an entity with roles is called so')
}

const LONGEST_NAME = 31
const LONGEST_WITH_ROLES = LONGEST_NAME - '_receiver'.length

const assertName = (name: string, { roles }: EntitySettings): void => {
  if (roles !== undefined && name.length > LONGEST_WITH_ROLES)
    throw invalid(`entities.${name}`, name, `at most ${LONGEST_WITH_ROLES} characters, with roles`)
  if (RESERVED_ENTITY_NAMES.includes(name))
    throw invalid(`entities.${name}`, name, `another name; ${RESERVED_ENTITY_NAMES.join(', ')} are taken`)
  if (!new RegExp(ENTITY_NAME).test(name))
    throw invalid(
      `entities.${name}`,
      name,
      'lower case letters, digits and _, beginning with a letter, at most 31',
    )
}

const partName = (entity: string, parts: number, index: number): string =>
  parts === 1 ? `${entity}_id` : `${entity}_id_${index + 1}`

/**
 * The field or attribute that a part of an id is; an attribute is added to `attributes` where there is none.
 */
export const attributeOfPart = (
  part: string,
  fallback: string,
  setting: string,
  attributes: Record<string, AttributeSettings>,
): string => {
  if (isIdField(part)) return part
  if (isFieldName(part))
    throw invalid(
      setting,
      `${part}, which is no text`,
      'fields of text; make text of it by an SQL expression',
    )
  const known = attributes[part]
  if (known !== undefined) {
    if (known.kind !== 'category' && known.kind !== 'text')
      throw invalid(
        setting,
        `${part}, which is a ${known.kind}`,
        'fields, and attributes of kind category or text',
      )
    return part
  }
  const isName = new RegExp(ATTRIBUTE_NAME).test(part)
  const name = isName ? part : fallback
  const ofPattern = isName ? settingsByPattern(attributes, part) : undefined
  attributes[name] =
    ofPattern?.kind === 'category' || ofPattern?.kind === 'text' ? ofPattern : { kind: 'text', from: part }
  return name
}

const invalid = (setting: string, got: string, allowed: string): VigiaError =>
  new VigiaError('DATASET_SETTING_INVALID', { setting, got, allowed })
