/**
 * The columns of a prepared dataset: the Parquet file that the read step writes and every later step reads.
 *
 * Rows stand in arrival order; `arrival` counts them from 0. Missing values are NULL. `fraud_pattern` is for
 * analysis only and is not a feature's input: the replay never selects it.
 */
export const PREPARED_COLUMNS = {
  arrival: 'BIGINT NOT NULL',
  source_row: 'BIGINT NOT NULL',
  transaction_id: 'VARCHAR NOT NULL',
  user_id: 'VARCHAR NOT NULL',
  event_time_ms: 'BIGINT NOT NULL',
  amount_minor: 'BIGINT NOT NULL',
  currency: 'VARCHAR',
  merchant_id: 'VARCHAR',
  merchant_category: 'VARCHAR',
  transaction_type: 'VARCHAR',
  device_id: 'VARCHAR',
  device_type: 'VARCHAR',
  location: 'VARCHAR',
  latitude: 'DOUBLE',
  longitude: 'DOUBLE',
  is_fraud: 'TINYINT',
  labelled_at_ms: 'BIGINT',
  fraud_pattern: 'VARCHAR',
} as const

export type PreparedColumn = keyof typeof PREPARED_COLUMNS
