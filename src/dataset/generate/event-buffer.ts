/** One generated transaction in codes; each code becomes text only where it is written. */
export interface GeneratedEvent {
  /** Seconds since the start of the first day. */
  second: number
  customer: number
  amountMinor: number
  merchant: number
  /** Index into TRANSACTION_TYPES. */
  transactionType: number
  /** Device number before mixing. */
  device: number
  /** Index into DEVICE_TYPES. */
  deviceType: number
  /** Index into CITIES. */
  city: number
  latitude: number
  longitude: number
  /** 0 when legitimate, otherwise 1 + index into FRAUD_PATTERNS. */
  pattern: number
}

/** An event with all values at zero: callers reuse one, so that millions of events make no garbage. */
export const emptyEvent = (): GeneratedEvent => ({
  second: 0,
  customer: 0,
  amountMinor: 0,
  merchant: 0,
  transactionType: 0,
  device: 0,
  deviceType: 0,
  city: 0,
  latitude: 0,
  longitude: 0,
  pattern: 0,
})

/** Names of the numbers kept for a row: those of the event, and those that its sending adds. */
export const ROW_FIELDS = [
  'second',
  'customer',
  'amountMinor',
  'merchant',
  'transactionType',
  'device',
  'deviceType',
  'city',
  'latitude',
  'longitude',
  'pattern',
  /** Number of the transaction, in event order. */
  'transaction',
  /** Seconds since the start of the first day at which the row arrives. */
  'arrival',
  /** Bit k: the k-th optional value of OPTIONAL_VALUES is missing. */
  'missing',
] as const

export type RowField = (typeof ROW_FIELDS)[number]

/** Optional values that may be missing, in the order of the bits of `missing`. */
export const OPTIONAL_VALUES = [
  'currency',
  'merchant_category',
  'transaction_type',
  'device_id',
  'device_type',
  'location',
  'coordinates',
] as const

/**
 * Rows as columns of numbers, reused from day to day: what it holds is one day, however long the data are.
 */
export class EventBuffer {
  length = 0
  readonly columns: Record<RowField, Float64Array>

  constructor(capacity = 1024) {
    this.columns = Object.fromEntries(
      ROW_FIELDS.map((field) => [field, new Float64Array(capacity)]),
    ) as Record<RowField, Float64Array>
  }

  /** Appends an event; number and arrival are set later. Returns its row. */
  add(event: GeneratedEvent): number {
    const row = this.#grow()
    const columns = this.columns
    columns.second[row] = event.second
    columns.customer[row] = event.customer
    columns.amountMinor[row] = event.amountMinor
    columns.merchant[row] = event.merchant
    columns.transactionType[row] = event.transactionType
    columns.device[row] = event.device
    columns.deviceType[row] = event.deviceType
    columns.city[row] = event.city
    columns.latitude[row] = event.latitude
    columns.longitude[row] = event.longitude
    columns.pattern[row] = event.pattern
    columns.transaction[row] = 0
    columns.arrival[row] = event.second
    columns.missing[row] = 0
    return row
  }

  /** Appends a copy of a row of `source`. Returns its row here. */
  copy(source: EventBuffer, sourceRow: number): number {
    const row = this.#grow()
    for (const field of ROW_FIELDS) this.columns[field][row] = source.columns[field][sourceRow]!
    return row
  }

  clear(): void {
    this.length = 0
  }

  /**
   * Rows in ascending order of a column of whole numbers below 2^28; equal ones in the order they were added.
   */
  orderedBy(field: RowField): Float64Array {
    const values = this.columns[field]
    const keys = new Float64Array(this.length)
    // Value and row in one exact number (< 2^53): the engine's own sort of numbers, several times as fast as
    // a comparator.
    for (let row = 0; row < this.length; row++) keys[row] = values[row]! * ROWS_PER_BUFFER + row
    keys.sort()
    for (let i = 0; i < keys.length; i++) keys[i] = keys[i]! % ROWS_PER_BUFFER
    return keys
  }

  #grow(): number {
    if (this.length === this.columns.second.length)
      for (const field of ROW_FIELDS) {
        const larger = new Float64Array(this.length * 2)
        larger.set(this.columns[field])
        this.columns[field] = larger
      }
    return this.length++
  }
}

/**
 * A power of two, so that packing and unpacking are exact: 33 million rows a day, and 2^28 seconds are 8
 * years.
 */
const ROWS_PER_BUFFER = 2 ** 25
