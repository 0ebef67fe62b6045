import type { SourceSettings } from '../../config/sections/source.ts'
import type { TableSettings } from '../../config/sections/tables.ts'
import { sqlIdentifier } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import type { AttributeKind } from '../../transaction/attributes.ts'
import { isIdField } from '../../transaction/entities.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import { columnNamed } from '../field-mapping.ts'
import { localTimesOf } from '../local-time.ts'
import { findAttributes, type SourceAttribute } from '../source-attributes.ts'

/** How the rows of a table are found and what they give, with its expressions over the table's columns. */
export interface TableDefinition {
  readonly name: string
  /** Its `columns` are known once the expressions are bound. */
  readonly mapping: Omit<TableMapping, 'name' | 'path' | 'columns' | 'attributes'>
  readonly attributes: readonly SourceAttribute[]
}

/** What is known of a table before its rows are read. */
export interface TableColumns {
  readonly format: TableMapping['format']
  readonly columns: readonly string[]
}

/** The kind of an attribute that a table may be found by; undefined where there is none of that name. */
export type KindOfAttribute = (name: string) => AttributeKind | undefined

/**
 * What the configuration says of a table, against the columns that it has.
 *
 * @throws DATASET_SETTING_INVALID, DATASET_ATTRIBUTE_UNMAPPED
 */
export const defineTable = (
  name: string,
  source: SourceSettings,
  { format, columns }: TableColumns,
  kindOf: KindOfAttribute,
): TableDefinition => {
  const settings = source.tables[name]!
  const at = (key: string): string => `source.tables.${name}.${key}`
  const sql = (expression: string): string => {
    const column = columnNamed(expression.trim(), columns)
    return column === undefined ? expression : sqlIdentifier(column)
  }
  const declared = Object.fromEntries(
    Object.entries(source.attributes).filter(([, { table }]) => table === name),
  )
  assertFound(name, settings)
  const { range, valid_from: validFrom, valid_to: validTo, known_from: knownFrom } = settings
  return {
    name,
    mapping: {
      format,
      csv: csvOf(source, settings),
      ...localTimesOf(source),
      key: Object.entries(settings.key ?? {}).map(([from, of]) => ({
        from: sql(from),
        of,
        kind: keyKindOf(at(`key.${from}`), of, kindOf),
      })),
      ...(range !== undefined && { range: rangeOf(at('range'), range, kindOf, sql) }),
      ...(validFrom !== undefined && { validFrom: sql(validFrom) }),
      ...(validTo !== undefined && { validTo: sql(validTo) }),
      ...(knownFrom !== undefined && { knownFrom: sql(knownFrom) }),
    },
    attributes: findAttributes(declared, columns),
  }
}

/** How the CSV files of a table are written: as those of the source, but for what it says itself. */
export const csvOf = ({ csv }: SourceSettings, { delimiter }: TableSettings): SourceSettings['csv'] => ({
  ...csv,
  ...(delimiter !== undefined && { delimiter }),
})

const assertFound = (name: string, { key, range, valid_from, valid_to, known_from }: TableSettings): void => {
  const setting = `source.tables.${name}`
  if (Object.keys(key ?? {}).length === 0 && range === undefined)
    throw invalid(setting, 'nothing to find a row by', 'key, range, or both')
  const time = Object.entries({ valid_from, valid_to, known_from }).find(([, value]) => value !== undefined)
  if (range !== undefined && time !== undefined)
    throw invalid(`${setting}.${time[0]}`, time[1]!, 'left out beside a range: ranges hold at all times')
}

/** What a value of the transaction is compared as. */
const keyKindOf = (setting: string, of: string, kindOf: KindOfAttribute): 'text' | 'number' => {
  if (isIdField(of)) return 'text'
  const kind = kindOf(of)
  if (kind === 'number') return 'number'
  if (kind === 'category' || kind === 'text') return 'text'
  throw invalid(
    setting,
    kind === undefined ? of : `${of}, which is a ${kind}`,
    'a field of text, or an attribute of kind category, text or number: one of the source, or of a table before this one',
  )
}

const rangeOf = (
  setting: string,
  { of, from, to, network }: NonNullable<TableSettings['range']>,
  kindOf: KindOfAttribute,
  sql: (expression: string) => string,
): NonNullable<TableMapping['range']> => {
  const kind = keyKindOf(`${setting}.of`, of, kindOf) === 'number' ? 'number' : 'address'
  const hasEnds = from !== undefined && to !== undefined
  if (network !== undefined ? from !== undefined || to !== undefined : !hasEnds)
    throw invalid(setting, JSON.stringify({ from, to, network }), 'from and to, or network alone')
  if (network !== undefined && kind === 'number')
    throw invalid(`${setting}.network`, network, 'from and to, for a number')
  return network !== undefined
    ? { of, kind, network: sql(network) }
    : { of, kind, from: sql(from!), to: sql(to!) }
}

const invalid = (setting: string, got: string, allowed: string): VigiaError =>
  new VigiaError('DATASET_SETTING_INVALID', { setting, got, allowed })
