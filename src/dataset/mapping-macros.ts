import type { DuckDBConnection } from '@duckdb/node-api'

/** SQL macros that mapping expressions may use, beside everything DuckDB offers. */
export const MAPPING_MACROS = [
  {
    signature: 'decimal_comma(x)',
    body: "replace(replace(replace(trim(x), '.', ''), ' ', ''), ',', '.')",
    meaning:
      "Text with a decimal comma as text with a decimal point: '1.234,50' gives '1234.50'. Other text is unchanged.",
  },
  {
    signature: 'decimal_point(x)',
    body: "replace(replace(trim(x), ',', ''), ' ', '')",
    meaning: "Text with thousands commas as plain text: '1,234.50' gives '1234.50'.",
  },
  {
    signature: 'blank_to_null(x)',
    body: "nullif(trim(x), '')",
    meaning: 'Missing when the text is empty or blank.',
  },
  {
    signature: 'epoch_seconds(x)',
    body: 'TRY_CAST(x AS BIGINT) * 1000',
    meaning: "Seconds since 1970 as the milliseconds a timestamp needs: '5' gives 5000.",
  },
] as const

/** Makes the macros known to `connection`. */
export const createMappingMacros = async (connection: DuckDBConnection): Promise<void> => {
  for (const { signature, body } of MAPPING_MACROS)
    await connection.run(`CREATE OR REPLACE TEMP MACRO ${signature} AS ${body}`)
}
