import { DOUBLE, type DuckDBConnection, DuckDBScalarFunction } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import { attributeColumn } from '../transaction/attributes.ts'
import { convertedMinor, shiftTo } from '../transaction/base-amount.ts'
import { SENT_AMOUNT_COLUMN } from '../transaction/prepared-columns.ts'
import { convertedStep } from './attribute-conversion.ts'
import type { ConvertedField } from './field-conversion.ts'
import type { SourceAttribute } from './source-attributes.ts'

/**
 * Amounts of a source in the base currency: `amount_minor` of the prepared dataset is what features see, and
 * what was sent stands beside it. The conversion itself is `convertedMinor`, which serving calls too.
 */

const CONVERTED = 'vigia_converted_minor'
const RATE = 'c_base_rate'
const BASE = 'c_base_minor'

/** Makes `convertedMinor` known to SQL on `connection`; NULL where an argument is. */
export const createConversion = (connection: DuckDBConnection): void => {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: CONVERTED,
      returnType: DOUBLE,
      parameterTypes: [DOUBLE, DOUBLE, DOUBLE],
      mainFunction: (_, input, output) => {
        const [amounts, rates, shifts] = [0, 1, 2].map((at) => input.getColumnVector(at))
        for (let row = 0; row < input.rowCount; row++) {
          const [amount, rate, shift] = [amounts, rates, shifts].map((vector) => vector!.getItem(row))
          const isThere = typeof amount === 'number' && typeof rate === 'number'
          output.setItem(row, isThere ? convertedMinor(amount, rate, Number(shift)) : null)
        }
        output.flush()
      },
    }),
  )
}

/** @throws DATASET_SETTING_INVALID when the rate is no attribute of kind number */
export const assertRate = ({ base }: AmountRules, attributes: readonly SourceAttribute[]): void => {
  if (base === undefined) return
  const numbers = attributes.filter(({ kind }) => kind === 'number').map(({ name }) => name)
  if (numbers.includes(base.rate)) return
  const allowed = `an attribute of kind number (source.attributes): ${numbers.join(', ') || 'there is none'}`
  throw new VigiaError('DATASET_SETTING_INVALID', { setting: 'amounts.base.rate', got: base.rate, allowed })
}

/** What is converted after all fields and attributes; nothing where there is no base currency. */
export const baseSteps = (
  amounts: AmountRules,
  columns: ReadonlyMap<string, string>,
): Pick<ConvertedField, 'steps' | 'columns' | 'reasons'> => {
  const { base } = amounts
  if (base === undefined) return { steps: [], columns: [], reasons: [] }
  const sent = columns.get('amount_minor')!
  const given = columns.get(sqlIdentifier(attributeColumn(base.rate))) ?? convertedStep(base.rate)
  const isOfBase = `regexp_full_match(c_currency, '[A-Za-z]{3}') AND upper(c_currency) = ${sqlLiteral(base.currency)}`
  const rate = `CASE WHEN ${given} > 0 THEN ${given} WHEN ${given} IS NULL AND ${isOfBase} THEN 1::DOUBLE END`
  return {
    steps: [
      [RATE, rate],
      [BASE, `${CONVERTED}((${sent})::DOUBLE, ${RATE}, ${shiftTo(base, amounts)}::DOUBLE)`],
    ],
    columns: [
      ['amount_minor', `CASE WHEN abs(${BASE}) <= ${base.largestMinor} THEN ${BASE}::BIGINT END`],
      [SENT_AMOUNT_COLUMN, sent],
    ],
    reasons: [
      ['rate_missing', `${RATE} IS NULL`],
      // An amount that is too large as it was sent has no converted one.
      ['amount_too_large', `abs(${BASE}) > ${base.largestMinor}`],
    ],
  }
}
