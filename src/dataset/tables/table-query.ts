import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier } from '../../disk/database.ts'
import { DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import {
  type Attribute,
  type AttributeKind,
  attributeColumn,
  isTextAttribute,
} from '../../transaction/attributes.ts'
import type { BoundAttribute } from '../bound-attributes.ts'
import { convertedRows } from '../conversion-query.ts'
import { isTakenAsUtc, textIsNotAllowed } from '../field-conversion.ts'
import { expressionBinder, type MappedField } from '../field-mapping.ts'
import type { SourceAttribute } from '../source-attributes.ts'
import type { TableDefinition } from './table-definition.ts'

/** What a table is found by, beside its attributes, as columns of `tableQuery`: absent where it has none. */
export interface FoundBy {
  readonly keys: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly network?: string
  readonly validFrom?: string
  readonly validTo?: string
  readonly knownFrom?: string
}

/** Why a row of a table cannot be found. */
export type UnusableReason =
  | 'row_malformed'
  | 'key_missing'
  | 'range_invalid'
  | 'valid_from_missing'
  | 'valid_to_not_readable'
  | 'known_from_missing'

export interface TableQuery {
  /**
   * A SELECT over the view `source_rows`: `source_row`, `why` (an `UnusableReason` or NULL), `unreadable`
   * (whether some attribute is there and cannot be read), the columns of `foundByOf` and of the attributes.
   */
  readonly sql: string
  /** Every expression with the columns that it reads. */
  readonly fields: readonly MappedField[]
  /** Settings whose times are typed without a zone and so taken as UTC, because no zone is configured. */
  readonly takenAsUtc: readonly string[]
}

/** The columns by which rows of a table with this mapping are found. */
export const foundByOf = ({
  key,
  range,
  validFrom,
  validTo,
  knownFrom,
}: TableDefinition['mapping']): FoundBy => {
  const others = { from: range?.from, to: range?.to, network: range?.network, validFrom, validTo, knownFrom }
  const used = Object.entries(others).filter(([, expression]) => expression !== undefined)
  return {
    keys: key.map((_, index) => helperColumn(`key_${index}`)),
    ...Object.fromEntries(used.map(([as]) => [as, helperColumn(as)])),
  }
}

/** No attribute's name begins like this. */
const helperName = (as: string): string => `__${as}`
const helperColumn = (as: string): string => sqlIdentifier(attributeColumn(helperName(as)))

/** What `FoundBy` is called in settings. */
const SETTINGS: Readonly<Record<Exclude<keyof FoundBy, 'keys'>, string>> = {
  from: 'range.from',
  to: 'range.to',
  network: 'range.network',
  validFrom: 'valid_from',
  validTo: 'valid_to',
  knownFrom: 'known_from',
}

/**
 * The rows of a table, converted as attributes of transactions are: a key that is text is compared with text
 * that was read by the same rules.
 *
 * @param careful whether an expression that fails gives no value rather than an error
 * @throws DATASET_COLUMN_UNKNOWN, DATASET_EXPRESSION_INVALID, DATASET_TYPE_UNSUPPORTED
 */
export const tableQuery = async (
  connection: DuckDBConnection,
  columns: readonly string[],
  { name, mapping, attributes }: TableDefinition,
  careful: boolean,
): Promise<TableQuery> => {
  const bind = await expressionBinder(connection, columns)
  const bound: BoundAttribute[] = []
  const add = async (attribute: SourceAttribute, setting: string): Promise<void> => {
    const field = await bind(`attribute_${attribute.name}`, setting, attribute.expression)
    bound.push({ attribute, field })
  }
  const helper = (as: string, kind: AttributeKind, expression: string, setting: string) =>
    add({ name: helperName(as), kind, expression }, `source.tables.${name}.${setting}`)
  for (const [index, { from, kind }] of mapping.key.entries()) await helper(`key_${index}`, kind, from, 'key')
  const { range, validFrom, validTo, knownFrom } = mapping
  const ends = range?.kind === 'number' ? 'number' : 'text'
  const others = [
    ['from', ends, range?.from],
    ['to', ends, range?.to],
    ['network', 'text', range?.network],
    ['validFrom', 'time', validFrom],
    ['validTo', 'time', validTo],
    ['knownFrom', 'time', knownFrom],
  ] as const
  for (const [as, kind, expression] of others)
    if (expression !== undefined) await helper(as, kind, expression, SETTINGS[as])
  for (const attribute of attributes) await add(attribute, `source.attributes.${attribute.name}.from`)
  const foundBy = foundByOf(mapping)
  const conversion = { fields: [], attributes: bound, times: mapping, amounts: DEFAULT_AMOUNTS }
  const converted = convertedRows(conversion, careful)
  const readable = (of: Pick<Attribute, 'name' | 'kind'>): string => {
    const value = converted.columns.get(sqlIdentifier(attributeColumn(of.name)))!
    return isTextAttribute(of) ? `CASE WHEN ${textIsNotAllowed([value])} THEN NULL ELSE ${value} END` : value
  }
  const values = bound.map(
    ({ attribute }) => `${readable(attribute)} AS ${sqlIdentifier(attributeColumn(attribute.name))}`,
  )
  const unreadable = [
    '"__failed"',
    ...namedUnreadable(attributes),
    ...badTexts(attributes, converted.columns),
  ]
  const step = `SELECT source_row, "__malformed", "__unreadable", (${unreadable.join(' OR ')}) AS unreadable, ${values.join(', ')} FROM (${converted.query})`
  const used = bound.map(({ attribute }) => sqlIdentifier(attributeColumn(attribute.name)))
  return {
    sql: `SELECT source_row, ${whyUnusable(foundBy, range?.kind)} AS why, coalesce(unreadable, false) AS unreadable, ${used.join(', ')} FROM (${step})`,
    fields: bound.map(({ field }) => field),
    takenAsUtc: others.flatMap(([as]) => {
      const found = bound.find(({ attribute }) => attribute.name === helperName(as))
      return found?.attribute.kind === 'time' && isTakenAsUtc(found.field, mapping) ? [SETTINGS[as]] : []
    }),
  }
}

/** Conditions under which an attribute, which no row is found by, is there and cannot be read. */
const namedUnreadable = (attributes: readonly SourceAttribute[]): readonly string[] => {
  const names = attributes.filter(({ unreadable }) => unreadable !== 'missing').map(({ name }) => `'${name}'`)
  return names.length === 0
    ? []
    : [`list_has_any(string_split(coalesce("__unreadable", ''), ', '), [${names.join(', ')}])`]
}

const badTexts = (
  attributes: readonly SourceAttribute[],
  columns: ReadonlyMap<string, string>,
): readonly string[] => {
  const texts = attributes
    .filter((attribute) => isTextAttribute(attribute) && attribute.unreadable !== 'missing')
    .map(({ name }) => columns.get(sqlIdentifier(attributeColumn(name)))!)
  return texts.length === 0 ? [] : [textIsNotAllowed(texts)]
}

/** The first reason why a row cannot be found, NULL where it can. Addresses are read when indexed. */
const whyUnusable = (
  { keys, from, to, network, validFrom, validTo, knownFrom }: FoundBy,
  range: 'number' | 'address' | undefined,
): string => {
  const reasons: (readonly [UnusableReason, string])[] = [['row_malformed', '"__malformed"']]
  if (keys.length > 0) reasons.push(['key_missing', keys.map((key) => `${key} IS NULL`).join(' OR ')])
  if (network !== undefined) reasons.push(['range_invalid', `${network} IS NULL`])
  if (from !== undefined && to !== undefined)
    reasons.push([
      'range_invalid',
      `${from} IS NULL OR ${to} IS NULL${range === 'number' ? ` OR ${from} > ${to}` : ''}`,
    ])
  if (validFrom !== undefined) reasons.push(['valid_from_missing', `${validFrom} IS NULL`])
  if (validTo !== undefined)
    reasons.push([
      'valid_to_not_readable',
      `list_contains(string_split(coalesce("__unreadable", ''), ', '), '__validTo')`,
    ])
  if (knownFrom !== undefined) reasons.push(['known_from_missing', `${knownFrom} IS NULL`])
  return `CASE ${reasons.map(([reason, when]) => `WHEN ${when} THEN '${reason}'`).join(' ')} END`
}
