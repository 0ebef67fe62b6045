import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A module of the build, by its path in dist. */
export const built = (path) => import(new URL(`../dist/${path}`, import.meta.url).href)

/** What our own code may use of the machine in every row. */
export const databaseSettings = ({ cores, folder }) => ({
  threads: cores,
  memoryLimit: '8GB',
  tempDirectory: join(folder, 'spill'),
})

/** Work on such databases that nobody stops or watches. */
export const workOn = (machine) => ({
  signal: new AbortController().signal,
  reportProgress: () => undefined,
  database: databaseSettings(machine),
})

/** Every setting of the training configuration at its default. */
export const trainingSettings = async () => {
  const { Default } = await import('typebox/value')
  const { TrainingConfigSchema } = await built('config/training-config.js')
  return Default(TrainingConfigSchema, {
    project: {},
    resources: {},
    runs: {},
    source: {},
    labels: {},
    validation: {},
    cleaning: {},
    features: {},
    generate: {},
  })
}

/** Runs SQL on a fresh DuckDB and returns the last statement's rows. */
export const sql = async (cores, ...statements) => {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(cores) })
  const connection = await instance.connect()
  try {
    let rows = []
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRows()
    return rows
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/**
 * The file `name` in the bench's folder, made once by `make(path)`; what an interrupted run leaves is not
 * taken for it.
 */
export const madeOnce = async (folder, name, make) => {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  if (!existsSync(path)) {
    const unfinished = join(folder, `unfinished-${name}`)
    await make(unfinished)
    renameSync(unfinished, path)
  }
  return path
}

const SECOND_BANK = join(ROOT, 'examples/second-bank/second-bank.csv.gz')

/**
 * The second bank's export `copies` times over, users and terminals of each copy their own; `limit` rows of
 * it, 0 for all.
 */
export const secondBankSql = ({ copies, limit }) => `
  SELECT "TX_TIME_SECONDS", "CUSTOMER_ID" || '-' || copy AS "CUSTOMER_ID", "TERMINAL_ID" || '-' || copy AS "TERMINAL_ID",
         "TX_AMOUNT", "TX_FRAUD", "TX_FRAUD_SCENARIO", row_number() OVER (ORDER BY place, copy) AS source_row
  FROM (SELECT *, row_number() OVER () AS place FROM read_csv('${SECOND_BANK}', all_varchar = true)
        ${limit > 0 ? `LIMIT ${limit}` : ''}), range(${copies}) copies(copy)`

/** The second bank's export as a prepared dataset. */
export const preparedSecondBank = ({ folder, cores, copies, limit }) =>
  madeOnce(folder, `second-bank-${copies}-${limit}.parquet`, (path) =>
    sql(
      cores,
      `COPY (
        SELECT row_number() OVER (ORDER BY event_time_ms, source_row) - 1 AS arrival, * FROM (
          SELECT source_row, printf('SB%09d', source_row) AS transaction_id, "CUSTOMER_ID" AS user_id,
            "TX_TIME_SECONDS"::BIGINT * 1000 + 1522540800000 AS event_time_ms,
            round("TX_AMOUNT"::DOUBLE * 100)::BIGINT AS amount_minor, NULL::VARCHAR AS currency,
            "TERMINAL_ID" AS merchant_id, NULL::VARCHAR AS merchant_category, NULL::VARCHAR AS transaction_type,
            NULL::VARCHAR AS device_id, NULL::VARCHAR AS device_type, NULL::VARCHAR AS location,
            NULL::DOUBLE AS latitude, NULL::DOUBLE AS longitude, "TX_FRAUD"::TINYINT AS is_fraud,
            NULL::BIGINT AS labelled_at_ms, NULL::VARCHAR AS fraud_pattern
          FROM (${secondBankSql({ copies, limit })})) ORDER BY arrival) TO '${path}' (FORMAT parquet)`,
    ),
  )

/**
 * How many rows of two Parquet files differ in any column, both in the same order; fails when columns or
 * counts do.
 */
export const differingRows = async (cores, ours, theirs) => {
  const columnsOf = (path) => sql(cores, `SELECT column_name FROM (DESCRIBE SELECT * FROM '${path}')`)
  const names = (await columnsOf(ours)).map(([name]) => name)
  const theirNames = (await columnsOf(theirs)).map(([name]) => name)
  if (names.join() !== theirNames.join()) throw new Error(`columns differ: ${names} and ${theirNames}`)
  const differ = names.map((name) => `a."${name}" IS DISTINCT FROM b."${name}"`).join(' OR ')
  const [[rows, differing]] = await sql(
    cores,
    `SELECT count(*)::DOUBLE, (count(*) FILTER (${differ}))::DOUBLE FROM '${ours}' a POSITIONAL JOIN '${theirs}' b`,
  )
  return { rows, differing, columns: names.length }
}
