import type { DuckDBConnection } from '@duckdb/node-api'

/** Digits with or without commas between thousands, a point at most; `1,50` is none: its comma is a point. */
const NUMBER = '([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]*)?'
/** An amount with a sign of a currency, as a regular expression of SQL and of JavaScript. */
export const MONEY_TEXT = `[-+]?[$€£¥]? ?${NUMBER}|[$€£¥] ?[-+]${NUMBER}|[(][$€£¥]? ?${NUMBER}[)]`

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
    signature: 'money(x)',
    body: `CASE WHEN regexp_full_match(trim(CAST(x AS VARCHAR)), '${MONEY_TEXT}') THEN concat(CASE WHEN regexp_matches(CAST(x AS VARCHAR), '[-(]') THEN '-' ELSE '' END, regexp_replace(CAST(x AS VARCHAR), '[^0-9.]', '', 'g')) ELSE CAST(x AS VARCHAR) END`,
    meaning:
      "Text with $, €, £ or ¥, thousands commas and a sign or brackets as a plain number: '$1,234.50' gives '1234.50'; '-$99.00', '$-99.00' and '($99.00)' give '-99.00'. Other text is unchanged.",
  },
  {
    signature: 'yes_no(x)',
    body: "CASE WHEN lower(trim(CAST(x AS VARCHAR))) IN ('yes', 'y', 'true', 't', '1') THEN '1' WHEN lower(trim(CAST(x AS VARCHAR))) IN ('no', 'n', 'false', 'f', '0') THEN '0' ELSE CAST(x AS VARCHAR) END",
    meaning:
      "Yes, Y, true, t and 1 as the label '1'; No, N, false, f and 0 as '0', in any case. Other text is unchanged.",
  },
  {
    signature: 'first_time(x, formats)',
    body: "coalesce(strftime(try_strptime(trim(CAST(x AS VARCHAR)), formats), '%Y-%m-%dT%H:%M:%S.%f'), CAST(x AS VARCHAR))",
    meaning:
      "Text in the first of several formats that reads it as ISO 8601 without a zone, which source.time_zone then gives: first_time(x, ['%d/%m/%Y %H:%M', '%Y%m%d']) of '31/12/2025 23:59' gives '2025-12-31T23:59:00.000000'. Other text is unchanged.",
  },
  {
    signature: 'blank_to_null(x)',
    body: "nullif(trim(x), '')",
    meaning: 'Missing when the text is empty or blank.',
  },
  {
    signature: 'epoch_seconds(x)',
    // A cast to whole numbers would round a fraction away. Decimals are for those alone, and narrow: DuckDB
    // (1.5.6) takes 25 times as long for them as for whole numbers, and five times longer for wider ones.
    body: "CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN TRY_CAST(floor(CAST(TRY_CAST(CAST(x AS VARCHAR) AS DECIMAL(18, 6)) AS DECIMAL(28, 6)) * 1000) AS BIGINT) ELSE TRY_CAST(x AS BIGINT) * 1000 END",
    meaning: "Seconds since 1970 as the milliseconds a timestamp needs: '5' gives 5000, '1.25' gives 1250.",
  },
  {
    signature: 'epoch_microseconds(x)',
    body: 'TRY_CAST(TRY_CAST(x AS HUGEINT) // 1000 AS BIGINT)',
    meaning: "Microseconds since 1970 as milliseconds: '5000' gives 5.",
  },
  {
    signature: 'epoch_nanoseconds(x)',
    body: 'TRY_CAST(TRY_CAST(x AS HUGEINT) // 1000000 AS BIGINT)',
    meaning: "Nanoseconds since 1970 as milliseconds: '5000000' gives 5.",
  },
] as const

/** Makes the macros known to `connection`. */
export const createMappingMacros = async (connection: DuckDBConnection): Promise<void> => {
  for (const { signature, body } of MAPPING_MACROS)
    await connection.run(`CREATE OR REPLACE TEMP MACRO ${signature} AS ${body}`)
}
