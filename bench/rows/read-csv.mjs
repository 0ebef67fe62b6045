import { readFileSync } from 'node:fs'
import { built, madeOnce, secondBankSql, sql, trainingSettings, workOn } from '../data.mjs'

/** Columns that every side fills from the export; the others of a prepared dataset are empty here. */
const COMPARED = [
  'arrival',
  'source_row',
  'transaction_id',
  'user_id',
  'event_time_ms',
  'amount_minor',
  'merchant_id',
  'is_fraud',
  'fraud_pattern',
]

const FIELDS = {
  transaction_id: "printf('SB%07d', source_row)",
  user_id: 'CUSTOMER_ID',
  merchant_id: 'TERMINAL_ID',
  timestamp: 'epoch_seconds(TX_TIME_SECONDS) + 1522540800000',
  amount: 'TX_AMOUNT',
  is_fraud: 'TX_FRAUD',
  fraud_pattern: "nullif(TX_FRAUD_SCENARIO, '0')",
}

/**
 * A bank's export to a prepared dataset. Ours maps, checks every value, looks for repeated ids and
 * quarantines what it cannot use: here nothing. The peers convert, sort and write, and would fail on any bad
 * value.
 */
export const readCsv = {
  name: 'read-csv',
  title: 'read step, second bank x 3, CSV to Parquet',
  goal: { text: '' },
  prepare: async ({ folder, cores, smoke }) => {
    const copies = smoke ? 1 : 3
    const limit = smoke ? 20_000 : 0
    const csv = await madeOnce(folder, `second-bank-${copies}-${limit}.csv`, (path) =>
      sql(
        cores,
        `COPY (SELECT * EXCLUDE (source_row) FROM (${secondBankSql({ copies, limit })}) ORDER BY source_row)
         TO '${path}' (FORMAT csv, HEADER)`,
      ),
    )
    return { csv }
  },
  outEnding: '.parquet',
  ours: async () => {
    const { withDatabase } = await built('disk/database.js')
    const { readSource } = await built('dataset/read-source.js')
    const { source } = await trainingSettings()
    return async ({ csv, out, cores, folder }) => {
      const outputs = { preparedPath: out, quarantinePath: `${out}.quarantine.jsonl` }
      const work = workOn({ cores, folder })
      const { acceptedRows, quarantinedRows } = await withDatabase(work.database, (connection) =>
        readSource(connection, { ...source, path: csv, fields: FIELDS }, outputs, {
          workingDirectory: folder,
          work,
        }),
      )
      return { rows: acceptedRows, quarantinedRows }
    }
  },
  peers: {
    DuckDB: {
      run: async () => {
        return async ({ csv, out, cores }) => {
          await sql(cores, copySql(csv, out))
        }
      },
    },
    Polars: { python: 'read-csv.py', needs: 'polars' },
  },
  check: async ({ outs, cores, results }) => {
    const columns = COMPARED.join(', ')
    const compared = []
    for (const [peer, out] of Object.entries(outs.peers)) {
      const [[rows, differing]] = await sql(
        cores,
        `SELECT count(*)::DOUBLE, (count(*) FILTER (a IS DISTINCT FROM b))::DOUBLE
         FROM (SELECT row(${columns}) AS a FROM '${outs.ours}') POSITIONAL JOIN (SELECT row(${columns}) AS b FROM '${out}')`,
      )
      if (differing > 0) throw new Error(`${differing} of ${rows} rows differ from ${peer}`)
      compared.push(`${rows} rows x ${COMPARED.length} columns equal to ${peer}`)
    }
    const quarantined = readFileSync(`${outs.ours}.quarantine.jsonl`, 'utf8').split('\n').length - 1
    if (quarantined !== results.ours.quarantinedRows) throw new Error('the quarantine does not hold its rows')
    return [...compared, `${quarantined} rows in quarantine`].join('; ')
  },
}

const copySql = (csv, out) => `COPY (
    SELECT row_number() OVER () - 1 AS arrival, * FROM (
      SELECT source_row, printf('SB%07d', source_row) AS transaction_id, "CUSTOMER_ID" AS user_id,
        "TX_TIME_SECONDS" * 1000 + 1522540800000 AS event_time_ms, ("TX_AMOUNT" * 100)::BIGINT AS amount_minor,
        "TERMINAL_ID" AS merchant_id, "TX_FRAUD" AS is_fraud, nullif("TX_FRAUD_SCENARIO", '0') AS fraud_pattern
      FROM (SELECT *, row_number() OVER () AS source_row FROM read_csv('${csv}', header = true, columns = {
        'TX_TIME_SECONDS': 'BIGINT', 'CUSTOMER_ID': 'VARCHAR', 'TERMINAL_ID': 'VARCHAR', 'TX_AMOUNT': 'DECIMAL(18, 2)',
        'TX_FRAUD': 'TINYINT', 'TX_FRAUD_SCENARIO': 'VARCHAR'}))
      ORDER BY event_time_ms, source_row)) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`
