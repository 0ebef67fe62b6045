import type { EntitiesSettings } from '../config/sections/entities.ts'
import type { AttributeSettings, SourceSettings } from '../config/sections/source.ts'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { ATTRIBUTE_NAME, isFieldName } from '../transaction/attributes.ts'
import { ENTITY_NAME, type Entity, isIdField, RESERVED_ENTITY_NAMES } from '../transaction/entities.ts'
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
  const own = names.filter((name) => !isStandard(name))
  const entities = names.map((name): Entity => {
    const settings = declared[name]!
    if (isStandard(name)) assertAddition(name, settings)
    const allowed = isStandard(name)
      ? own
      : [...ENTITY_KINDS, 'category', 'location', ...own].filter((other) => other !== name)
    const others = (key: 'distinct' | 'habits'): readonly string[] => {
      const stranger = settings[key]?.find((other) => !allowed.includes(other))
      if (stranger !== undefined) throw invalid(`entities.${name}.${key}`, stranger, allowed.join(', '))
      return settings[key] ?? []
    }
    return {
      name,
      id: isStandard(name) ? [`${name}_id`] : idOf(name, settings, attributes),
      word: settings.word ?? name.replaceAll('_', ' '),
      features: isStandard(name) ? [] : (settings.features ?? DEFAULT_FEATURES),
      windows: ascending(settings.windows ?? defaults.windows),
      riskWindows: ascending(settings.risk_windows ?? defaults.risk_windows),
      distinct: others('distinct'),
      habits: others('habits'),
      transactions: settings.transactions ?? DEFAULT_TRANSACTIONS,
    }
  })
  return { entities, source: { ...source, attributes } }
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
 * Entities live on fields that the source has: on any other, all their features would be missing.
 *
 * @param mapping the expression of each field; null where the source has nothing for it
 * @throws DATASET_SETTING_INVALID naming the setting and the field
 */
export const assertEntitiesMapped = (
  entities: readonly Entity[],
  mapping: Readonly<Record<SourceField, string | null>>,
): void => {
  const assertMapped = (setting: string, value: string, field: string): void => {
    if (mapping[field as SourceField] !== null) return
    throw invalid(
      setting,
      value,
      `what the source has; nothing is mapped to ${field}: map it in source.fields.${field}, or leave ${value} out`,
    )
  }
  for (const { name, id, distinct, habits } of entities) {
    for (const part of id)
      if (isIdField(part))
        assertMapped(isStandard(name) ? `entities.${name}` : `entities.${name}.id`, part, part)
    for (const [key, others] of [
      ['distinct', distinct],
      ['habits', habits],
    ] as const)
      for (const other of others) {
        const field = FIELD_OF[other]
        if (field !== undefined) assertMapped(`entities.${name}.${key}`, other, field)
      }
  }
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
): readonly string[] => {
  assertName(name)
  if (id === undefined)
    throw invalid(
      `entities.${name}.id`,
      'nothing',
      'a field, an attribute, a column or SQL; or a list of them',
    )
  const parts = typeof id === 'string' ? [id] : id
  return parts.map((part, index) =>
    attributeOfPart(part, partName(name, parts.length, index), `entities.${name}.id`, attributes),
  )
}

const ascending = (windows: readonly string[]): readonly string[] =>
  [...windows].sort((a, b) => parseDuration(a) - parseDuration(b))

const assertName = (name: string): void => {
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
const attributeOfPart = (
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
