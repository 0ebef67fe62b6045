import { relative } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../../config/sections/source.ts'
import { asDatasetError } from '../../disk/database-errors.ts'
import { VigiaError } from '../../errors.ts'
import type { AttributeKind } from '../../transaction/attributes.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import { type SourceAttribute, settingsByPattern } from '../source-attributes.ts'
import { type LoadedTable, readTable } from './read-table.ts'
import { csvOf, defineTable } from './table-definition.ts'

/**
 * Reads all tables of a source, in the order in which they are written: one may be found by what one before
 * it gives. Nothing else may have been opened on the connection.
 *
 * @param source what `declareTables` made
 * @throws the DATASET_ errors of files, settings and expressions
 */
export const openTables = async (
  connection: DuckDBConnection,
  source: SourceSettings,
  workingDirectory: string,
  signal: AbortSignal,
): Promise<readonly LoadedTable[]> => {
  const loaded: LoadedTable[] = []
  const kindOf = (name: string): AttributeKind | undefined => {
    for (const { definition } of loaded) {
      const given = definition.attributes.find((attribute) => attribute.name === name)
      if (given !== undefined) return given.kind
    }
    const settings = source.attributes[name] ?? settingsByPattern(source.attributes, name)
    return settings?.table === undefined ? settings?.kind : undefined
  }
  for (const [name, settings] of Object.entries(source.tables)) {
    const files = { path: settings.path, format: settings.format ?? 'auto', csv: csvOf(source, settings) }
    try {
      loaded.push(
        await readTable(connection, files, workingDirectory, signal, ({ format, columns }) =>
          defineTable(name, source, { format, columns }, kindOf),
        ),
      )
    } catch (error) {
      const activity = `reading the table ${name}`
      const { format } = files
      throw ofTable(asDatasetError(error, { activity, path: String(settings.path), format }), name)
    }
  }
  return loaded
}

/** An error of a source in the words of a table: its settings are others. */
export const ofTable = (error: VigiaError, name: string, setting = `source.tables.${name}`): VigiaError => {
  if (!error.code.startsWith('DATASET_') || SAY_THE_TABLE.has(error.code)) return error
  const words = (text: string): string =>
    text
      .replaceAll('source.path', `${setting}.path`)
      .replaceAll('source.csv.delimiter', `${setting}.delimiter`)
      .replaceAll('source.format', `${setting}.format`)
      .replace(/([Tt]he) source has/g, '$1 table has')
      .replace(', or make the file first: `vigia generate`', '')
  const details = { table: name, setting, reason: words(error.message), hint: words(error.fix) }
  return new VigiaError('DATASET_TABLE_UNREADABLE', details, { cause: error })
}

/** Errors that name the setting of the table themselves. */
const SAY_THE_TABLE: ReadonlySet<string> = new Set([
  'DATASET_SETTING_INVALID',
  'DATASET_TABLE_ROWS_CLASH',
  'DATASET_TABLE_TOO_LARGE',
  'DATASET_ROWS_LOST',
  'DATASET_NO_SPACE',
  'DATASET_OUT_OF_MEMORY',
])

/** What of the tables travels with a model. */
export const mappingOfTables = (
  tables: readonly LoadedTable[],
  source: SourceSettings,
  workingDirectory: string,
): TableMapping[] =>
  tables.map(({ definition: { name, mapping, attributes }, columns }) => ({
    ...mapping,
    name,
    path: relativePath(source.tables[name]!.path, workingDirectory),
    columns: [...columns],
    attributes: Object.fromEntries(attributes.map(({ name: of, expression }) => [of, expression])),
  }))

/** The attributes that tables give, in the order of the tables. */
export const attributesOfTables = (tables: readonly LoadedTable[]): readonly SourceAttribute[] =>
  tables.flatMap(({ definition }) => definition.attributes)

/** As other machines may have it. */
const relativePath = (path: TableMapping['path'], from: string): TableMapping['path'] =>
  typeof path === 'string' ? relative(from, path) : path.map((one) => relative(from, one))
