import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import { rateColumn } from './base-conversion.ts'
import type { MappedField } from './field-mapping.ts'
import { QUARANTINE_REASONS, type QuarantineReason, reasonBit, whatOf } from './quarantine-reasons.ts'

/**
 * Writes the rows of `mapped` that have reasons, and those that are no rows at all, as JSON lines: where each
 * stands, its reasons with what was got, and its original text.
 *
 * @returns how many
 */
export const writeQuarantine = async (
  connection: DuckDBConnection,
  path: string,
  fields: readonly MappedField[],
  columns: readonly string[],
  amounts: AmountRules,
): Promise<number> => {
  const got = new Map<string, string>(
    fields.map(({ field, expression }) => [
      field,
      `TRY(CAST((\n${expression ?? 'NULL::VARCHAR'}\n) AS VARCHAR))`,
    ]),
  )
  const rate = amounts.base === undefined ? 'NULL' : rateColumn(amounts.base)
  const gotOf = (code: QuarantineReason, field: string | null): string => {
    if (code === 'attribute_not_readable') return '"__unreadable"'
    if (code === 'rate_missing') return '"__rate"'
    return (field === null ? undefined : got.get(field)) ?? 'NULL::VARCHAR'
  }
  const reasons = QUARANTINE_REASONS.map(
    ({ code, field }) =>
      `CASE WHEN reasons & ${reasonBit(code)} <> 0 THEN {'code': '${code}', 'what': ${sqlLiteral(whatOf(code, amounts))}, 'got': ${gotOf(code, field)}} END`,
  )
  const original = `{${columns.map((name) => `${sqlLiteral(name)}: CAST(source_rows.${sqlIdentifier(name)} AS VARCHAR)`).join(', ')}}`
  const asObject = columns.length === 0 ? `to_json("__line")` : `to_json(${original})`
  const written = await connection.run(
    `COPY (
       SELECT source_file, source_row, reasons, original FROM (
         SELECT source_file, source_row, list_filter([${reasons.join(', ')}], lambda reason: reason IS NOT NULL) AS reasons,
           CASE WHEN "__malformed" THEN to_json("__line") ELSE ${asObject} END AS original
         FROM source_rows JOIN (SELECT source_row AS bad_row, reasons, "__unreadable", ${rate}::VARCHAR AS "__rate" FROM mapped WHERE reasons <> 0) AS bad ON source_row = bad_row
         UNION ALL
         SELECT source_file, source_row, [{'code': 'row_malformed', 'what': 'row malformed', 'got': message}], to_json(line) FROM rejected_rows)
       ORDER BY source_row) TO ${sqlLiteral(path)} (FORMAT json)`,
  )
  return written.rowsChanged
}
