import { relative } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../../config/sections/source.ts'
import { asDatasetError } from '../../disk/database-errors.ts'
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
      throw asDatasetError(error, {
        activity: `reading the table ${name}`,
        path: String(settings.path),
        format: files.format,
      })
    }
  }
  return loaded
}

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
