import type { AttributeSettings } from '../config/sections/source.ts'
import { sqlIdentifier } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { ATTRIBUTE_NAME, type Attribute, isFieldName, NUMBER_TEXT } from '../transaction/attributes.ts'
import { SOURCE_FIELDS } from '../transaction/fields.ts'
import { didYouMean, listed, type TakenColumns } from './field-mapping.ts'

/** An attribute as the source has it: where its values are, and what they should be like. */
export interface SourceAttribute extends Attribute {
  /** SQL over the columns of the source, or of its table. */
  readonly expression: string
  /** The table beside the transactions that has it; absent: the source itself. */
  readonly table?: string
  /** What becomes of a missing value; default: it stays missing. */
  readonly missing?: string
  readonly range?: readonly [least: number, most: number]
  readonly allowed?: readonly string[]
  readonly maxMissingShare?: number
}

/** What of it travels with a model. */
export const attributeOf = ({ name, kind, unit, means, unreadable }: Attribute): Attribute => ({
  name,
  kind,
  ...(unit !== undefined && { unit }),
  ...(means !== undefined && { means }),
  ...(unreadable !== undefined && { unreadable }),
})

/**
 * The attributes that `source.attributes` declares, found among the columns of the source: single names in
 * the order in which they are written, each pattern where it stands, its columns in the order of the source.
 *
 * A pattern takes the columns that match it and that nothing else names: no field, no attribute that is
 * written by itself or before it. It never takes a column that the label is made of: a model that saw it
 * would know the answer.
 *
 * @throws DATASET_ATTRIBUTE_UNMAPPED, DATASET_SETTING_INVALID
 */
export const findAttributes = (
  declared: Readonly<Record<string, AttributeSettings>>,
  columns: readonly string[],
  { fields, label }: Pick<TakenColumns, 'fields' | 'label'> = { fields: [], label: [] },
): readonly SourceAttribute[] => {
  const taken = new Set([...fields, ...label])
  const names = Object.keys(declared)
  for (const name of names) {
    if (isPattern(name)) continue
    const column = columnOf(declared[name]!.from ?? name, columns)
    if (column === undefined) continue
    if (label.includes(column)) throw ofAnswer(name, column)
    taken.add(column)
  }
  const found = names.flatMap((name) => {
    const settings = declared[name]!
    if (!isPattern(name))
      return [attributeFrom(name, name, name, settings, expressionOf(name, settings, columns))]
    const matching = columnsOf(name, columns).filter((column) => !taken.has(column))
    if (matching.length === 0) throw unmapped(name, columns)
    for (const column of matching) taken.add(column)
    return matching.map((column) => {
      const own = sqlIdentifier(column)
      const expression = settings.from === undefined ? own : settings.from.replaceAll('{}', () => own)
      return attributeFrom(identifierOf(column), column, name, settings, expression)
    })
  })
  assertDistinct(found)
  return found
}

/**
 * What the pattern that takes `column` says of it, as an attribute that is written by itself; undefined where
 * none takes it.
 */
export const settingsByPattern = (
  declared: Readonly<Record<string, AttributeSettings>>,
  column: string,
): AttributeSettings | undefined => {
  const pattern = Object.keys(declared).find((name) => isPattern(name) && takes(name, column))
  if (pattern === undefined) return undefined
  const { from, means, ...settings } = declared[pattern]!
  return {
    ...settings,
    from: from?.replaceAll('{}', () => sqlIdentifier(column)) ?? column,
    ...(means !== undefined && { means: means.replaceAll('{}', () => column) }),
  }
}

const RANGE = /^(.*?)(\d+)\.\.(.*?)(\d+)$/

const isPattern = (name: string): boolean => name.includes('*') || RANGE.test(name)

/** The columns that a pattern names: `V*`, or `C1..C14`. */
const columnsOf = (pattern: string, columns: readonly string[]): readonly string[] => {
  const range = RANGE.exec(pattern)
  if (range === null) return columns.filter((column) => takes(pattern, column))
  const [, before = '', first = '', again = '', last = ''] = range
  if (
    (again !== '' && again !== before) ||
    Number(last) < Number(first) ||
    Number(last) - Number(first) > 9999
  )
    throw invalid(pattern, 'name', pattern, 'a range such as C1..C14, at most 10,000 long')
  const width = first.startsWith('0') ? first.length : 0
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => {
    const wanted = `${before}${String(Number(first) + index).padStart(width, '0')}`
    const column = columnOf(wanted, columns)
    if (column === undefined) throw unmapped(pattern, columns, wanted)
    return column
  })
}

/** Whether a pattern names a column of that name. */
const takes = (pattern: string, column: string): boolean => {
  const range = RANGE.exec(pattern)
  if (range === null) {
    const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`).test(column)
  }
  const [, before = '', first = '', , last = ''] = range
  const digits = column.startsWith(before) ? column.slice(before.length) : ''
  const width = first.startsWith('0') ? first.length : 0
  return (
    /^\d+$/.test(digits) &&
    digits === String(Number(digits)).padStart(width, '0') &&
    Number(first) <= Number(digits) &&
    Number(digits) <= Number(last)
  )
}

/** The column of that name: as it is written, else whatever the case. */
const columnOf = (name: string, columns: readonly string[]): string | undefined =>
  columns.find((column) => column === name) ??
  columns.find((column) => column.toLowerCase() === name.trim().toLowerCase())

const expressionOf = (name: string, { from }: AttributeSettings, columns: readonly string[]): string => {
  const column = columnOf(from ?? name, columns)
  if (column !== undefined) return sqlIdentifier(column)
  if (from === undefined) throw unmapped(name, columns)
  return from
}

/** What a column of any name is called as an attribute. */
const identifierOf = (column: string): string =>
  column
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .replace(/_+$/, '')
    .slice(0, 63)

/** @param column that {} stands for in words */
const attributeFrom = (
  name: string,
  column: string,
  setting: string,
  settings: AttributeSettings,
  expression: string,
): SourceAttribute => {
  if (!new RegExp(ATTRIBUTE_NAME).test(name))
    throw invalid(
      setting,
      'name',
      name,
      'letters, digits and _, beginning with a letter, at most 63; the column itself may be called otherwise: say `from`',
    )
  if (isFieldName(name)) throw invalid(setting, 'name', name, insteadOf(name))
  if (name in Object.prototype)
    throw invalid(
      setting,
      'name',
      name,
      'no name that every object of JavaScript has: choose another, say `from`',
    )
  assertFits(setting, settings)
  const { table, kind, unit, unreadable, missing, range, allowed, max_missing_share: share } = settings
  const means = settings.means?.replaceAll('{}', () => column)
  return {
    ...attributeOf({
      name,
      kind,
      ...(unit !== undefined && { unit }),
      ...(means !== undefined && { means }),
      ...(unreadable === 'missing' && { unreadable }),
    }),
    expression,
    ...(table !== undefined && { table }),
    ...(missing !== undefined && missing !== 'keep' && { missing }),
    ...(range !== undefined && { range: [range[0]!, range[1]!] as const }),
    ...(allowed !== undefined && { allowed }),
    ...(share !== undefined && { maxMissingShare: share }),
  }
}

/** What to do about a name that a field or a column of prepared data has. */
const insteadOf = (name: string): string => {
  const field = SOURCE_FIELDS.find(({ wire }) => wire === name.toLowerCase())
  return field === undefined
    ? 'no name of a column that prepared data has: choose another, and say `from`'
    : `no name of a field: map it in source.fields.${field.wire}, or choose another and say \`from\``
}

/** What of the settings each kind can have. */
const assertFits = (setting: string, { kind, missing, range, allowed, unit }: AttributeSettings): void => {
  if (range !== undefined && kind !== 'number')
    throw invalid(setting, 'range', range, 'only for kind: number')
  if (range !== undefined && !(range[0]! <= range[1]!))
    throw invalid(setting, 'range', range, 'the least before the largest')
  if (allowed !== undefined && kind !== 'category')
    throw invalid(setting, 'allowed', allowed, 'only for kind: category')
  if (unit !== undefined && kind !== 'number') throw invalid(setting, 'unit', unit, 'only for kind: number')
  if (missing === undefined || missing === 'keep') return
  const policies = POLICIES[kind]
  const isConstant = missing.startsWith('constant:')
  if (!policies.includes(isConstant ? 'constant:x' : missing))
    throw invalid(setting, 'missing', missing, policies.join(', '))
  const constant = missing.slice('constant:'.length)
  if (isConstant && kind === 'number' && !(NUMBER_TEXT.test(constant) && Number.isFinite(Number(constant))))
    throw invalid(setting, 'missing', missing, 'constant:x with a number x')
  if (isConstant && kind === 'boolean' && constant !== 'true' && constant !== 'false')
    throw invalid(setting, 'missing', missing, 'constant:true, constant:false')
}

const POLICIES: Readonly<Record<AttributeSettings['kind'], readonly string[]>> = {
  number: ['keep', 'median', 'constant:x'],
  category: ['keep', 'mode', 'constant:x'],
  boolean: ['keep', 'mode', 'constant:x'],
  time: ['keep'],
  text: ['keep', 'constant:x'],
}

/** @throws DATASET_SETTING_INVALID when two attributes have names that differ in case alone, or not at all */
export const assertDistinct = (attributes: readonly SourceAttribute[]): void => {
  const seen = new Map<string, SourceAttribute>()
  for (const attribute of attributes) {
    const other = seen.get(attribute.name.toLowerCase())
    if (other !== undefined)
      throw new VigiaError('DATASET_SETTING_INVALID', {
        setting: 'source.attributes',
        got: `${other.name} (${other.expression}) and ${attribute.name} (${attribute.expression})`,
        allowed: 'names that differ in more than case; name one of the columns by itself and say `from`',
      })
    seen.set(attribute.name.toLowerCase(), attribute)
  }
}

const unmapped = (attribute: string, columns: readonly string[], wanted = attribute): VigiaError =>
  new VigiaError('DATASET_ATTRIBUTE_UNMAPPED', {
    attribute,
    wanted: wanted === attribute ? '' : ` ${wanted}`,
    allowed: listed(columns),
    suggestion: didYouMean(wanted, columns),
  })

/** An attribute that is made of the label: a model would know the answer. */
export const ofAnswer = (name: string, got: string): VigiaError =>
  invalid(name, 'from', got, 'no column that the label is made of: a model would know the answer')

const invalid = (attribute: string, key: string, got: unknown, allowed: string): VigiaError =>
  new VigiaError('DATASET_SETTING_INVALID', {
    setting: key === 'name' ? `source.attributes.${attribute}` : `source.attributes.${attribute}.${key}`,
    got: typeof got === 'string' ? got : JSON.stringify(got),
    allowed,
  })
