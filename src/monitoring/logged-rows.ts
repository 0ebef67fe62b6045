import type { DuckDBConnection } from '@duckdb/node-api'
import { archivedTable } from '../decisions/log/read-archive.ts'
import { countAsMemory } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { DAY_MS } from '../foundation/days.ts'

/** Columns of decisions that are numbers; NaN is missing. */
const NUMBERS = {
  sequence: 'sequence',
  decidedAtMs: 'decided_at_ms',
  eventTimeMs: 'event_time_ms',
  probability: 'probability',
  isFlagged: 'is_flagged::DOUBLE',
  /** Anything but in order. */
  isLate: '(event_timing IS NOT NULL)::DOUBLE',
  amountMinor: 'amount_minor',
  latitude: 'latitude',
  longitude: 'longitude',
  /** Of the control sample; missing where nothing could be drawn. */
  propensity: 'control_sample_propensity',
  /** A number for each user; missing without one. */
  user: '(CASE WHEN user_id IS NULL THEN NULL ELSE hash(user_id) END)::DOUBLE',
  hasUser: '(user_id IS NOT NULL)::DOUBLE',
  hasMerchant: '(merchant_id IS NOT NULL)::DOUBLE',
  hasDevice: '(device_id IS NOT NULL)::DOUBLE',
  /** Equal for transactions that are the same but for their ids. */
  contents: 'hash(event_time_ms, amount_minor, currency, user_id, merchant_id, device_id)::DOUBLE',
} as const

/** Columns that are text. */
const TEXTS = {
  transactionId: 'transaction_id',
  model: 'model_key',
  transactionType: 'transaction_type',
  currency: 'upper(trim(currency))',
  merchantCategory: 'merchant_category',
  deviceType: 'device_type',
  location: 'location',
  attributes: 'attributes',
  /** What came of the draw. */
  drawn: 'control_sample',
} as const

/** Columns that a log of an earlier version may not have. */
const LATER = [
  ...['event_timing', 'attributes', 'currency', 'user_id', 'merchant_id', 'device_id'],
  ...['merchant_category', 'transaction_type', 'device_type', 'location', 'latitude', 'longitude'],
  ...['control_sample', 'control_sample_propensity'],
]

/** Decisions in the order of the days of their events. */
export interface LoggedRows {
  readonly rowCount: number
  readonly numbers: Readonly<Record<keyof typeof NUMBERS, Float64Array>>
  readonly texts: Readonly<Record<keyof typeof TEXTS, readonly (string | null)[]>>
  /** Rows that are the same record as the row before them. */
  readonly isRepeated: Uint8Array
}

/**
 * What the logs say of their decisions beside the features, a chunk at a time, sorted by the day of the event
 * and within it by the order of the log. The database sorts on its disk where memory does not do.
 */
export async function* readLoggedRows(
  connection: DuckDBConnection,
  archives: readonly string[],
  { signal }: Pick<Work, 'signal'>,
): AsyncGenerator<LoggedRows> {
  const table = await archivedTable(connection, archives, 'predictions', LATER)
  if (table === undefined) return
  const names = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]
  const texts = Object.keys(TEXTS) as (keyof typeof TEXTS)[]
  const result = await connection.stream(
    `SELECT ${names.map((name) => `coalesce(${NUMBERS[name]}, 'nan'::DOUBLE)`).join(', ')}, ${texts.map((name) => TEXTS[name]).join(', ')}
     FROM ${table}
     ORDER BY floor(event_time_ms / ${DAY_MS}), sequence, transaction_id`,
  )
  let last = { sequence: Number.NaN, transactionId: '' }
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    signal.throwIfAborted()
    const { rowCount, columnCount } = chunk
    countAsMemory(rowCount * columnCount * 8)
    const numbersOf = (at: number) =>
      (chunk.getColumnVector(at) as unknown as { readonly items: Float64Array }).items.subarray(0, rowCount)
    const rows = {
      rowCount,
      numbers: Object.fromEntries(names.map((name, at) => [name, numbersOf(at)])) as LoggedRows['numbers'],
      texts: Object.fromEntries(
        texts.map((name, at) => [name, chunk.getColumnValues(names.length + at)]),
      ) as unknown as LoggedRows['texts'],
    }
    const isRepeated = new Uint8Array(rowCount)
    for (let row = 0; row < rowCount; row++) {
      const sequence = rows.numbers.sequence[row]!
      const transactionId = rows.texts.transactionId[row]!
      if (sequence === last.sequence && transactionId === last.transactionId) isRepeated[row] = 1
      last = { sequence, transactionId }
    }
    yield { ...rows, isRepeated }
  }
}

/** What all decisions together say before the first of them is read. */
export interface DecisionSpan {
  /** When the last one was made, epoch milliseconds; -Infinity without one. */
  readonly latestMs: number
  /** The commonest currency; null where decisions have none. */
  readonly currency: string | null
  /** The model that made most decisions of each day, in order of days. */
  readonly leaders: readonly {
    readonly day: number
    readonly model: string
    /** Where it flags from. */
    readonly threshold: number
  }[]
}

export const readSpan = async (
  connection: DuckDBConnection,
  archives: readonly string[],
): Promise<DecisionSpan> => {
  const table = await archivedTable(connection, archives, 'predictions', LATER)
  if (table === undefined) return { latestMs: Number.NEGATIVE_INFINITY, currency: null, leaders: [] }
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  const [[latestMs] = []] = await rowsOf(`SELECT max(decided_at_ms) FROM ${table}`)
  const [[currency] = []] = await rowsOf(
    `SELECT upper(trim(currency)) AS folded FROM ${table} GROUP BY folded ORDER BY count(*) DESC, folded NULLS LAST LIMIT 1`,
  )
  const leaders = await rowsOf(
    `SELECT day, arg_max(model_key, rows), arg_max(threshold, rows) FROM (
       SELECT floor(decided_at_ms / ${DAY_MS}) AS day, model_key, count(*) AS rows, arg_max(threshold, sequence) AS threshold
       FROM ${table} GROUP BY day, model_key) GROUP BY day ORDER BY day`,
  )
  return {
    latestMs: latestMs === null || latestMs === undefined ? Number.NEGATIVE_INFINITY : Number(latestMs),
    currency: currency === null || currency === undefined ? null : String(currency),
    leaders: leaders.map(([day, model, threshold]) => ({
      day: Number(day),
      model: String(model),
      threshold: Number(threshold),
    })),
  }
}
