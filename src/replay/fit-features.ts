import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlLiteral } from '../disk/database.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import {
  type FittedFeatures,
  fitFeatures,
  VOCABULARY_FIELDS,
  type VocabularyField,
} from '../features/fitted-features.ts'

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
    `SELECT amount_minor::DOUBLE, count(*)::DOUBLE FROM ${source} GROUP BY 1 ORDER BY 1`,
  )
  const categories = {} as Record<VocabularyField, ReadonlyMap<string, number>>
  for (const field of VOCABULARY_FIELDS) {
    const counts = await rowsOf(
      `SELECT ${field}, count(*)::DOUBLE FROM ${source} AND ${field} IS NOT NULL GROUP BY 1`,
    )
    categories[field] = new Map(counts as [string, number][])
  }
  return fitFeatures(
    {
      amounts: (amounts as [number, number][]).map(([amountMinor, count]) => ({ amountMinor, count })),
      categories,
      rows: (amounts as [number, number][]).reduce((sum, [, count]) => sum + count, 0),
    },
    { bands: settings.amountBands, vocabularySize: settings.vocabularySize },
  )
}
