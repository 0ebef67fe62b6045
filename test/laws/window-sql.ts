import { expect, test } from 'vitest'
import { sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import { DAY_MS } from '../../src/foundation/days.ts'
import { EngineDriver } from '../oracle/drive-engine.ts'
import { SMALL_FIT, smallSettings } from '../oracle/random-histories.ts'

const SOURCE = 'examples/second-bank/second-bank.csv.gz'
const WINDOWS = ['1d', '7d', '30d'] as const
const NAMES = WINDOWS.flatMap((name) => [
  `user_tx_count_${name}`,
  `user_mean_amount_${name}`,
  `merchant_labelled_count_${name}`,
  `merchant_risk_${name}`,
])

const SHARES = { 'every row': 1, 'one in forty': 40 }

/** How much of the bank. */
type Share = keyof typeof SHARES

/**
 * Law: the engine gives the bits of the second oracle, which is a database: the same twelve features as
 * window functions over the second bank.
 *
 * A RANGE frame that ends at the current row also holds the later rows of the same instant. So rows are
 * ordered by `key = ms * SCALE + place among the rows of that instant`, where each row is an instant of its
 * own: the frame `(t - w, t]` of what has arrived ends at the row's own key and starts after every row of `t
 * - w`.
 *
 * @param of `one in forty`: every transaction of so many users, and every one at so many merchants, so that
 * all days and whole histories are there
 */
export const engineEqualsSql = ({ of }: { readonly of: Share }): void => {
  test(`${of}: the engine and the window functions of SQL give the same bits`, async () => {
    const sql = await fromSql(of)
    const { driver, columns } = prepareEngine()
    const { event } = driver.engineer
    const rows = sql.timeMs.length
    expect(rows).toBeGreaterThan(10_000)
    const differences: string[] = []
    let due = 0
    for (let row = 0; row < rows; row++) {
      const now = sql.timeMs[row]!
      // Labels due by now come before the transaction.
      for (; sql.timeMs[due]! + 7 * DAY_MS <= now; due++) {
        driver.label(
          { merchant: sql.merchant[due]! + 1 },
          { transactionToken: due + 1, eventTimeMs: sql.timeMs[due]!, isFraud: sql.isFraud[due] === 1 },
        )
      }
      event.eventTimeMs = now
      event.amountMinor = sql.amountMinor[row]!
      event.transactionToken = row + 1
      event.userToken = sql.user[row]! + 1
      event.merchantToken = sql.merchant[row]! + 1
      driver.emit()
      for (let n = 0; n < NAMES.length; n++) {
        if (Object.is(driver.vector[columns[n]!], sql.features[n]![row])) continue
        differences.push(
          `row ${row}: ${NAMES[n]} ${driver.vector[columns[n]!]}, SQL ${sql.features[n]![row]}`,
        )
      }
    }
    expect(differences.slice(0, 10)).toEqual([])
  })
}

const prepareEngine = () => {
  const limits = { ringEvents: 65_536, dimensionValues: 64, latenessMs: 0, labelDelayMs: 7 * DAY_MS }
  const settings: FeatureSettings = {
    ...smallSettings(),
    options: { ...smallSettings().options, windows: WINDOWS, riskWindows: WINDOWS },
    windowMs: new Map([
      ['1d', DAY_MS],
      ['7d', 7 * DAY_MS],
      ['30d', 30 * DAY_MS],
    ]),
    limits: { user: limits, merchant: limits, device: limits },
    include: NAMES,
  }
  const driver = new EngineDriver(settings, SMALL_FIT)
  const { event } = driver.engineer
  event.categoryToken = event.typeToken = event.deviceToken = event.deviceTypeToken = event.locationToken = 0
  event.latitude = event.longitude = Number.NaN
  return { driver, columns: NAMES.map((name) => driver.engineer.featureNames.indexOf(name)) }
}

const SCALE = 1_000_000

const fromSql = (of: Share) =>
  withDatabase({ threads: 2, memoryLimit: '2GB', tempDirectory: '' }, async (connection) => {
    const features = WINDOWS.flatMap((_, i) => {
      const ms = [1, 7, 30][i]! * DAY_MS
      return [
        `count(*) OVER user_${i}`,
        `sum(amount_minor) OVER user_${i}::DOUBLE / count(*) OVER user_${i} / 100`,
        `count(*) OVER merchant_${i}`,
        `coalesce(sum(is_fraud) OVER merchant_${i}::DOUBLE / nullif(count(*) OVER merchant_${i}, 0), 0)`,
      ].map((text) => ({ text, ms }))
    })
    const windows = WINDOWS.map((_, i) => {
      const ms = [1, 7, 30][i]! * DAY_MS
      const delayMs = 7 * DAY_MS
      // Rows of an instant differ by their place, so bounds are counted from the row's own place in that
      // instant.
      return `user_${i} AS (PARTITION BY customer ORDER BY key
          RANGE BETWEEN (${ms}::BIGINT * ${SCALE} - (${SCALE} - 1 - place)) PRECEDING AND CURRENT ROW),
        merchant_${i} AS (PARTITION BY terminal ORDER BY key
          RANGE BETWEEN (${ms + delayMs}::BIGINT * ${SCALE} - (${SCALE} - 1 - place)) PRECEDING
          AND (${delayMs}::BIGINT * ${SCALE} - (${SCALE} - 1 - place)) PRECEDING)`
    })
    const result = await connection.runAndReadAll(`
      WITH source AS (
        SELECT row_number() OVER () AS source_row, 1522540800000 + TX_TIME_SECONDS::BIGINT * 1000 AS ms,
          CUSTOMER_ID::BIGINT AS customer, TERMINAL_ID::BIGINT AS terminal,
          round(TX_AMOUNT::DECIMAL(18, 2) * 100)::BIGINT AS amount_minor, TX_FRAUD::BIGINT AS is_fraud
        FROM read_csv(${sqlLiteral(SOURCE)}, all_varchar = true)
        WHERE CUSTOMER_ID::BIGINT % ${SHARES[of]} = 0 OR TERMINAL_ID::BIGINT % ${SHARES[of]} = 0
      ), placed AS (
        SELECT *, row_number() OVER (PARTITION BY ms ORDER BY source_row) AS place FROM source
      ), keyed AS (SELECT *, ms * ${SCALE} + place AS key FROM placed)
      SELECT ms::DOUBLE, customer::DOUBLE, terminal::DOUBLE, amount_minor::DOUBLE, is_fraud::DOUBLE,
        ${features.map(({ text }) => `(${text})::DOUBLE`).join(', ')}
      FROM keyed WINDOW ${windows.join(', ')} ORDER BY key`)
    const [timeMs, user, merchant, amountMinor, isFraud, ...values] = result.getColumns() as number[][]
    return {
      timeMs: timeMs!,
      user: user!,
      merchant: merchant!,
      amountMinor: amountMinor!,
      isFraud: isFraud!,
      features: values,
    }
  })
