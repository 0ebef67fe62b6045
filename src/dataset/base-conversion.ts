import { DOUBLE, type DuckDBConnection, DuckDBScalarFunction } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { AmountRules, BaseCurrency } from '../transaction/amount-rules.ts'
import { attributeColumn } from '../transaction/attributes.ts'
import { convertedMinor, shiftTo } from '../transaction/base-amount.ts'
import { SENT_AMOUNT_COLUMN } from '../transaction/prepared-columns.ts'
import { reasonBit } from './quarantine-reasons.ts'
import type { SourceAttribute } from './source-attributes.ts'

const CONVERTED = 'vigia_converted_minor'

/**
 * Converts the amounts of the good rows of `mapped` to the base currency: `amount_minor` becomes what
 * features see, and what was sent stands beside it. Rows that cannot be converted get a reason. Does nothing
 * without a base currency.
 *
 * The conversion itself is `convertedMinor`, which serving calls too.
 *
 * @param attributes of the source and of its tables
 * @throws DATASET_SETTING_INVALID when the rate is no attribute of kind number
 */
export const convertAmounts = async (
  connection: DuckDBConnection,
  amounts: AmountRules,
  attributes: readonly SourceAttribute[],
): Promise<void> => {
  const { base } = amounts
  if (base === undefined) return
  assertRate(base, attributes)
  createConversion(connection)
  const isWithin = `abs(base_minor) <= ${base.largestMinor}`
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE converted AS
     SELECT * EXCLUDE (base_rate, base_minor)
       REPLACE (CASE WHEN ${isWithin} THEN base_minor::BIGINT END AS amount_minor,
         CASE WHEN reasons <> 0 OR ${isWithin} THEN reasons
           WHEN base_rate IS NULL THEN ${reasonBit('rate_missing')} ELSE ${reasonBit('amount_too_large')} END AS reasons),
       amount_minor AS ${SENT_AMOUNT_COLUMN}
     FROM (SELECT *, ${CONVERTED}(amount_minor::DOUBLE, base_rate, ${shiftTo(base, amounts)}::DOUBLE) AS base_minor
       FROM (SELECT *, ${rateSql(base)} AS base_rate FROM mapped))`,
  )
  await connection.run('DROP TABLE mapped')
  await connection.run('ALTER TABLE converted RENAME TO mapped')
}

/** The prepared column of the rate, as SQL. */
export const rateColumn = ({ rate }: BaseCurrency): string => sqlIdentifier(attributeColumn(rate))

/** `rateOf` in SQL. */
const rateSql = (base: BaseCurrency): string => {
  const given = rateColumn(base)
  const isOfBase = `regexp_full_match(currency, '[A-Za-z]{3}') AND upper(currency) = ${sqlLiteral(base.currency)}`
  return `CASE WHEN ${given} > 0 THEN ${given} WHEN ${given} IS NULL AND ${isOfBase} THEN 1::DOUBLE END`
}

const assertRate = ({ rate }: BaseCurrency, attributes: readonly SourceAttribute[]): void => {
  const numbers = attributes.filter(({ kind }) => kind === 'number').map(({ name }) => name)
  if (numbers.includes(rate)) return
  const allowed = `an attribute of kind number (source.attributes, source.tables): ${numbers.join(', ') || 'there is none'}`
  throw new VigiaError('DATASET_SETTING_INVALID', { setting: 'amounts.base.rate', got: rate, allowed })
}

/** Makes `convertedMinor` known to SQL on `connection`; NULL where an argument is. */
const createConversion = (connection: DuckDBConnection): void => {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: CONVERTED,
      returnType: DOUBLE,
      parameterTypes: [DOUBLE, DOUBLE, DOUBLE],
      mainFunction: (_, input, output) => {
        const [amounts, rates, shifts] = [0, 1, 2].map((at) => input.getColumnVector(at))
        for (let row = 0; row < input.rowCount; row++) {
          const amount = amounts!.getItem(row)
          const rate = rates!.getItem(row)
          const isThere = typeof amount === 'number' && typeof rate === 'number'
          output.setItem(row, isThere ? convertedMinor(amount, rate, Number(shifts!.getItem(row))) : null)
        }
        output.flush()
      },
    }),
  )
}
