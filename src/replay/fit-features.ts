import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import { type FittedFeatures, fitFeatures } from '../features/fitted-features.ts'
import { attributeColumn } from '../transaction/attributes.ts'

/**
 * Fits what features take from data on the training rows of a prepared dataset. `trainingRows` is an SQL
 * condition on its columns; no other row has any influence.
 */
export const fitFeaturesOn = async (
  connection: DuckDBConnection,
  prepared: string,
  trainingRows: string,
  settings: FeatureSettings,
): Promise<FittedFeatures> => {
  const source = `read_parquet(${sqlLiteral(prepared)}) WHERE (${trainingRows})`
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  const amounts = await rowsOf(
    `SELECT abs(amount_minor)::DOUBLE, count(*)::DOUBLE FROM ${source} GROUP BY 1 ORDER BY 1`,
  )
  const { attributes, categories: fields, entities: own, standardEntities } = settings.options
  const entities = [...standardEntities, ...own]
  const columns = [
    ...fields.map((name) => [name, name] as const),
    ...attributes
      .filter(({ kind }) => kind === 'category')
      .map(({ name }) => [name, attributeColumn(name)] as const),
  ]
  const categories: Record<string, ReadonlyMap<string, number>> = {}
  for (const [name, of] of columns) {
    const column = sqlIdentifier(of)
    const counts = await rowsOf(
      `SELECT ${column}, count(*)::DOUBLE FROM ${source} AND ${column} IS NOT NULL GROUP BY 1`,
    )
    categories[name] = new Map(counts as [string, number][])
  }
  const fitted = fitFeatures(
    {
      amounts: (amounts as [number, number][]).map(([amountMinor, count]) => ({ amountMinor, count })),
      categories,
      rows: (amounts as [number, number][]).reduce((sum, [, count]) => sum + count, 0),
    },
    {
      bands: settings.amountBands,
      decimals: settings.options.amounts.decimals,
      vocabularySize: settings.vocabularySize,
    },
  )
  return {
    ...fitted,
    ...(attributes.length > 0 && { attributes }),
    ...(entities.length > 0 && { entities }),
    ...(settings.options.reversals && { reversals: true as const }),
    ...(settings.withoutUsers && { withoutUsers: true as const }),
  }
}
