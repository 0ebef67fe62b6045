import type { DuckDBConnection } from '@duckdb/node-api'
import type { TrainingSettings } from '../config/training-config.ts'
import { sqlLiteral } from '../disk/database.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type AmountRules, amountText } from '../transaction/amount-rules.ts'

/** Each transaction is its own user where the bank knows none. */
const USER = 'coalesce(user_id, transaction_id)'

/** Merchant categories shown each on its own: those with the most rows. The others are one slice. */
const MOST_CATEGORIES = 12

/** One way to divide rows: a name for each row, null for a row in no slice. */
export interface Slicing {
  /** `merchant category`. */
  readonly by: string
  /** The slices in the order in which they are shown. */
  readonly names: readonly string[]
  readonly nameOfRow: readonly (string | null)[]
}

/** How amounts are told, too. */
type SliceSettings = TrainingSettings['evaluation']['slices'] & Pick<AmountRules, 'decimals'>

/**
 * How the rows of `part` are divided for the report, in the order of `transactionIds`: by merchant category,
 * amount band, whether the user is new, and fraud pattern. A division that puts all rows in one slice, or
 * none in any, is left out.
 */
export const sliceRows = async (
  connection: DuckDBConnection,
  files: { readonly prepared: string; readonly split: string },
  part: string,
  transactionIds: readonly string[],
  { amount_bands, new_user_days, smallest, decimals }: SliceSettings,
): Promise<readonly Slicing[]> => {
  const prepared = `read_parquet(${sqlLiteral(files.prepared)})`
  const result = await connection.runAndReadAll(
    `WITH firsts AS (SELECT ${USER} AS own_user, min(event_time_ms) AS first_ms FROM ${prepared} GROUP BY own_user)
     SELECT transaction_id, merchant_category, amount_minor::DOUBLE, (event_time_ms - first_ms)::DOUBLE, fraud_pattern
     FROM ${prepared} POSITIONAL JOIN (SELECT part FROM read_parquet(${sqlLiteral(files.split)}))
       JOIN firsts ON firsts.own_user = ${USER}
     WHERE part = ${sqlLiteral(part)}`,
  )
  const found = new Map(
    (result.getRows() as [string, string | null, number, number, string | null][]).map((row) => [
      row[0],
      row,
    ]),
  )
  const rows = transactionIds.map((id) => found.get(id)!)
  const paid = rows.flatMap((row) => (row[2] < 0 ? [] : [row[2]]))
  const edges = quantiles(Float64Array.from(paid).sort(), amount_bands)
  const bands = bandNames(edges, decimals)
  const newUsers = `first seen less than ${new_user_days} days ago`
  return [
    byCategory(
      rows.map((row) => row[1]),
      smallest,
    ),
    {
      by: 'amount band',
      names: paid.length < rows.length ? [...bands, REFUNDS] : bands,
      nameOfRow: rows.map((row) => (row[2] < 0 ? REFUNDS : bands[bandOf(edges, row[2])]!)),
    },
    {
      by: 'new users',
      names: [newUsers, KNOWN_USERS],
      nameOfRow: rows.map((row) => (row[3] < new_user_days * DAY_MS ? newUsers : KNOWN_USERS)),
    },
    byPattern(rows.map((row) => row[4])),
  ].filter(divides)
}

const REFUNDS = 'refunds'
const KNOWN_USERS = 'seen for longer'
const OTHER = 'other categories'
const MISSING = 'no category'

const divides = ({ by, nameOfRow }: Slicing): boolean => {
  const names = new Set(nameOfRow)
  names.delete(null)
  // One pattern is still news: its recall is not that of all frauds where others have no name.
  return names.size > (by === 'fraud pattern' ? 0 : 1)
}

const byCategory = (categories: readonly (string | null)[], smallest: number): Slicing => {
  const counts = countsOf(categories)
  const shown = byCount(counts)
    .filter((name) => counts.get(name)! >= smallest)
    .slice(0, MOST_CATEGORIES)
  const isShown = new Set(shown)
  const nameOfRow = categories.map((category) =>
    category === null ? MISSING : isShown.has(category) ? category : OTHER,
  )
  const rest = [OTHER, MISSING].filter((name) => nameOfRow.includes(name) && !isShown.has(name))
  return { by: 'merchant category', names: [...shown, ...rest], nameOfRow }
}

const byPattern = (patterns: readonly (string | null)[]): Slicing => ({
  by: 'fraud pattern',
  names: byCount(countsOf(patterns)),
  nameOfRow: patterns,
})

const countsOf = (values: readonly (string | null)[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** The commonest first, equally common ones by code unit order. */
const byCount = (counts: ReadonlyMap<string, number>): string[] =>
  [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name)

/** Upper edges of bands of equally many values but the last, ascending; equal ones are merged. */
const quantiles = (sorted: Float64Array, bands: number): number[] => {
  const edges = Array.from(
    { length: bands - 1 },
    (_, band) => sorted[Math.ceil(((band + 1) * sorted.length) / bands) - 1]!,
  )
  return sorted.length === 0 ? [] : [...new Set(edges)].filter((edge) => edge < sorted.at(-1)!)
}

/** Band i holds edge[i - 1] < amount <= edge[i]. */
const bandNames = (edges: readonly number[], decimals: number): string[] => {
  const money = edges.map((edge) => amountText(edge, decimals))
  if (money.length === 0) return ['all amounts']
  const between = money.slice(1).map((edge, index) => `${money[index]} to ${edge}`)
  return [`up to ${money[0]}`, ...between, `above ${money.at(-1)}`]
}

const bandOf = (edges: readonly number[], amountMinor: number): number => {
  const band = edges.findIndex((edge) => amountMinor <= edge)
  return band < 0 ? edges.length : band
}
