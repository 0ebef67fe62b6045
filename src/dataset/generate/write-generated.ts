import { DOUBLE, type DuckDBConnection, DuckDBTableFunction, INTEGER, UINTEGER } from '@duckdb/node-api'
import { sqlLiteral } from '../../disk/database.ts'
import { SOURCE_FIELDS, type SourceField } from '../../transaction/fields.ts'
import type { Batch } from './arrival.ts'
import { CITIES } from './cities.ts'
import { OPTIONAL_VALUES } from './event-buffer.ts'
import type { Merchants } from './merchants.ts'
import { mixBits } from './noise.ts'
import { CATEGORIES, DEVICE_TYPES, FRAUD_PATTERNS, TRANSACTION_TYPES } from './vocabulary.ts'

/** Formats by the ending of a file's name, as DuckDB's COPY spells them. */
export const OUTPUT_FORMATS = {
  '.parquet': 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880',
  '.csv': 'FORMAT csv, HEADER true',
  '.csv.gz': 'FORMAT csv, HEADER true, COMPRESSION gzip',
} as const

export type OutputEnding = keyof typeof OUTPUT_FORMATS

/** DuckDB's vectors hold that many rows. */
const ROWS_PER_CHUNK = 2048

/** The numbers that cross from JavaScript to SQL for each row, in order; a code of 0 is a missing value. */
const CODES = {
  transaction: INTEGER,
  second: INTEGER,
  customer: INTEGER,
  amount_minor: DOUBLE,
  merchant: INTEGER,
  currency: INTEGER,
  category: INTEGER,
  transaction_type: INTEGER,
  device: UINTEGER,
  has_device: INTEGER,
  device_type: INTEGER,
  city: INTEGER,
  latitude: DOUBLE,
  longitude: DOUBLE,
  pattern: INTEGER,
} as const

type CodeName = keyof typeof CODES
const CODE_NAMES = Object.keys(CODES) as readonly CodeName[]

export interface GeneratedOutput {
  readonly path: string
  readonly ending: OutputEnding
  /** Epoch seconds of the first day. */
  readonly startSecond: number
  readonly currency: string
  readonly merchants: Merchants
}

/**
 * Streams batches into a file: JavaScript hands codes to a table function, SQL makes the texts, COPY writes.
 *
 * Why a table function and not an appender: both were measured with 1 M rows of such columns to Parquet on
 * one thread. The function takes 1.8 s and 220 MB, the appender (whole chunks of typed arrays into a table,
 * then COPY) 2.0 s and 325 MB, which grow with the rows, since the table has to hold them all. Numbers cross
 * and texts are made in SQL, because a JavaScript string costs far more to hand over than a number.
 *
 * `onRows` is told the rows written so far, once a chunk; what it throws stops the copy and is thrown by this
 * function.
 */
export const writeGenerated = async (
  connection: DuckDBConnection,
  batches: Iterator<Batch>,
  output: GeneratedOutput,
  onRows: (rows: number) => void,
): Promise<void> => {
  let failure: unknown
  const fill = chunkFiller(batches, output.merchants)
  let written = 0
  const generated = DuckDBTableFunction.create({
    name: 'generated',
    bindFunction: (bind) => {
      for (const name of CODE_NAMES) bind.addResultColumn(name, CODES[name])
    },
    // One thread: the rows have an order, and JavaScript has one thread anyway.
    initFunction: (init) => init.setMaxThreads(1),
    mainFunction: (info, chunk) => {
      try {
        onRows(written)
        const codes = fill()
        chunk.rowCount = codes.rows
        if (codes.rows === 0) return
        for (const [column, name] of CODE_NAMES.entries()) {
          const vector = chunk.getColumnVector(column) as unknown as NumberVector
          const values = codes.columns[name]
          for (let row = 0; row < codes.rows; row++) vector.items[row] = values[row]!
          vector.flush()
        }
        written += codes.rows
      } catch (error) {
        failure = error
        info.setError('stopped')
      }
    },
  })
  connection.registerTableFunction(generated)
  try {
    await connection.run(
      `COPY (${textsOf(output)}) TO ${sqlLiteral(output.path)} (${OUTPUT_FORMATS[output.ending]})`,
    )
  } catch (error) {
    throw failure ?? error
  }
}

/** What the vectors of INTEGER, UINTEGER and DOUBLE columns have in common. */
interface NumberVector {
  readonly items: { [row: number]: number }
  flush(): void
}

interface Codes {
  rows: number
  readonly columns: Readonly<Record<CodeName, Float64Array>>
}

/**
 * Cuts batches into chunks of equal size, whatever the days hold: the file's bytes depend on the rows only.
 */
const chunkFiller = (batches: Iterator<Batch>, merchants: Merchants): (() => Codes) => {
  const codes: Codes = {
    rows: 0,
    columns: Object.fromEntries(
      CODE_NAMES.map((name) => [name, new Float64Array(ROWS_PER_CHUNK)]),
    ) as Codes['columns'],
  }
  let batch: Batch | undefined
  let position = 0
  return () => {
    codes.rows = 0
    while (codes.rows < ROWS_PER_CHUNK) {
      if (batch === undefined || position === batch.order.length) {
        const next = batches.next()
        if (next.done) break
        batch = next.value
        position = 0
        continue
      }
      encodeRow(batch, batch.order[position++]!, merchants, codes)
    }
    return codes
  }
}

const bit = (name: (typeof OPTIONAL_VALUES)[number]): number => 1 << OPTIONAL_VALUES.indexOf(name)
const NO_CURRENCY = bit('currency')
const NO_CATEGORY = bit('merchant_category')
const NO_TYPE = bit('transaction_type')
const NO_DEVICE = bit('device_id')
const NO_DEVICE_TYPE = bit('device_type')
const NO_LOCATION = bit('location')
const NO_COORDINATES = bit('coordinates')
/** Stands for missing coordinates on the way; no latitude or longitude can be it. */
const NOWHERE = 999

const encodeRow = ({ events }: Batch, row: number, merchants: Merchants, codes: Codes): void => {
  const from = events.columns
  const to = codes.columns
  const at = codes.rows++
  const missing = from.missing[row]!
  const merchant = from.merchant[row]!
  to.transaction[at] = from.transaction[row]!
  to.second[at] = from.second[row]!
  to.customer[at] = from.customer[row]! + 1
  to.amount_minor[at] = from.amountMinor[row]!
  to.merchant[at] = merchant + 1
  to.currency[at] = missing & NO_CURRENCY ? 0 : 1
  to.category[at] = missing & NO_CATEGORY ? 0 : merchants.category[merchant]! + 1
  to.transaction_type[at] = missing & NO_TYPE ? 0 : from.transactionType[row]! + 1
  to.device[at] = mixBits(from.device[row]!)
  to.has_device[at] = missing & NO_DEVICE ? 0 : 1
  to.device_type[at] = missing & NO_DEVICE_TYPE ? 0 : from.deviceType[row]! + 1
  to.city[at] = missing & NO_LOCATION ? 0 : from.city[row]! + 1
  to.latitude[at] = missing & NO_COORDINATES ? NOWHERE : from.latitude[row]!
  to.longitude[at] = missing & NO_COORDINATES ? NOWHERE : from.longitude[row]!
  to.pattern[at] = from.pattern[row]!
}

/** An element of a list by code; code 0 is NULL, as DuckDB's lists count from 1. */
const textOf = (texts: readonly string[], code: string): string =>
  `[${texts.map(sqlLiteral).join(', ')}][${code}]`

/** What the generator writes, in the order of the table of fields; what it has nothing for is left out. */
const textsOf = (output: GeneratedOutput): string => {
  const texts = fieldTexts(output)
  const columns = SOURCE_FIELDS.flatMap(({ wire }) =>
    texts[wire] === undefined ? [] : [`${texts[wire]} AS ${wire}`],
  )
  return `SELECT ${columns.join(', ')} FROM generated()`
}

/** SQL over the codes. */
const fieldTexts = ({
  startSecond,
  currency,
}: GeneratedOutput): Readonly<Partial<Record<SourceField, string>>> => ({
  transaction_id: "'T' || lpad(transaction::VARCHAR, 10, '0')",
  user_id: "'U' || lpad(customer::VARCHAR, 7, '0')",
  timestamp: `strftime(make_timestamp((second::BIGINT + ${startSecond}) * 1000000), '%Y-%m-%dT%H:%M:%SZ')`,
  amount: '(amount_minor / 100)::DECIMAL(18, 2)',
  currency: textOf([currency], 'currency'),
  merchant_id: "'M' || lpad(merchant::VARCHAR, 6, '0')",
  merchant_category: textOf(
    CATEGORIES.map(({ name }) => name),
    'category',
  ),
  transaction_type: textOf(TRANSACTION_TYPES, 'transaction_type'),
  device_id: "CASE WHEN has_device = 1 THEN 'D' || lpad(device::VARCHAR, 10, '0') END",
  device_type: textOf(DEVICE_TYPES, 'device_type'),
  location: textOf(
    CITIES.map(({ name }) => name),
    'city',
  ),
  latitude: `nullif(latitude, ${NOWHERE})`,
  longitude: `nullif(longitude, ${NOWHERE})`,
  is_fraud: '(pattern > 0)::TINYINT',
  fraud_pattern: textOf(FRAUD_PATTERNS, 'pattern'),
})
