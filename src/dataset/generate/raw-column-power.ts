import { aucOf, aucOfCategories, binned } from '../column-power.ts'
import { EventBuffer, OPTIONAL_VALUES, type RowField } from './event-buffer.ts'
import { type Simulation, simulateDays } from './simulation.ts'
import { SECONDS_PER_DAY } from './spending.ts'

/** How well one raw column alone tells fraud from the rest. */
export interface ColumnPower {
  readonly column: string
  /**
   * Area under the ROC curve of the best use of the column that is tried; 0.5 is none, 1 gives fraud away.
   */
  readonly auc: number
}

/**
 * Measures every raw column alone, on the second half of the days.
 *
 * Numbers are tried as they are, upwards and downwards, and in 50 bins of equal count; the day's hour
 * likewise. Each bin and each category has the fraud rate of the first half as its score; one not seen there
 * has the overall rate. Gaps are a category. No half can look at the other's future, and identifiers get no
 * credit for an act that spans both.
 */
export const rawColumnPower = (simulation: Simulation): readonly ColumnPower[] => {
  const rows = allRows(simulation)
  const half = (simulation.world.settings.days / 2) * SECONDS_PER_DAY
  const { columns } = rows
  const category = simulation.world.merchants.category
  const labels = columns.pattern.subarray(0, rows.length)
  const late = indicesFrom(columns.second, rows.length, half)
  const judgedFrom = rows.length - late.length
  const learnt = (codes: Float64Array): number => aucOfCategories(codes, { labels, judgedFrom })
  const number = (column: string, values: Float64Array): ColumnPower => {
    const direct = aucOf(pick(values, late), pick(labels, late))
    return { column, auc: Math.max(direct, 1 - direct, learnt(binned(values))) }
  }
  const own = (field: RowField): Float64Array => columns[field].subarray(0, rows.length)
  const gap = (name: (typeof OPTIONAL_VALUES)[number]): Float64Array =>
    own('missing').map((bits) => (bits & (1 << OPTIONAL_VALUES.indexOf(name)) ? 1 : 0))
  const text = (column: (typeof OPTIONAL_VALUES)[number], codes: Float64Array): ColumnPower => {
    const missing = gap(column)
    return { column, auc: learnt(codes.map((code, row) => (missing[row] === 1 ? -1 : code))) }
  }
  return [
    number('transaction_id', own('transaction')),
    { column: 'user_id', auc: learnt(own('customer')) },
    number('timestamp', own('second')),
    { column: 'timestamp (hour)', auc: learnt(own('second').map((s) => Math.floor((s % 86_400) / 3600))) },
    number('amount', own('amountMinor')),
    { column: 'amount (cents)', auc: learnt(own('amountMinor').map((amount) => amount % 100)) },
    { column: 'currency', auc: learnt(gap('currency')) },
    { column: 'merchant_id', auc: learnt(own('merchant')) },
    text(
      'merchant_category',
      own('merchant').map((merchant) => category[merchant]!),
    ),
    text('transaction_type', own('transactionType')),
    text('device_id', own('device')),
    text('device_type', own('deviceType')),
    text('location', own('city')),
    number('latitude', own('latitude')),
    number('longitude', own('longitude')),
  ]
}

/** All rows of a simulation in event order, in memory: for measuring, not for writing. */
export const allRows = (simulation: Simulation): EventBuffer => {
  const rows = new EventBuffer(simulation.transactions + 1)
  for (const { events, order } of simulateDays(simulation)) for (const row of order) rows.copy(events, row)
  return rows
}

const indicesFrom = (seconds: Float64Array, length: number, half: number): Int32Array =>
  Int32Array.from({ length }, (_, row) => row).filter((row) => seconds[row]! >= half)

const pick = (values: Float64Array, rows: Int32Array): Float64Array =>
  Float64Array.from(rows, (row) => values[row]!)
