import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { type AmountRules, featureAmounts, minorPerUnit } from '../transaction/amount-rules.ts'
import { attributeColumn } from '../transaction/attributes.ts'
import { atMost, type Check, type Found, forbidden, percent, type Subject, shareOf } from './dataset-check.ts'
import type { ValidationCheck } from './validation-report.ts'

/** Amounts that are implausible, and outliers among those above 0. */
export const checkAmounts: Check = async ({ read, profile, settings, find }) => {
  const { min_amount: least, max_amount: most, outliers } = settings
  const unit = minorPerUnit(featureAmounts(read.amounts).decimals)
  const amount = `CAST(amount_minor AS DECIMAL(18, 0)) / ${unit}`
  // Of refunds the size: what is paid back is as plausible as what is paid.
  const range = await find(`abs(amount_minor) NOT BETWEEN ${least * unit} AND ${most * unit}`, amount)
  const implausible = {
    ...forbidden(
      {
        id: 'range.amount',
        what: 'amounts outside the plausible range',
        severity: 'warning',
        setting: 'validation.min_amount, validation.max_amount',
      },
      range,
    ),
    allowed: `${least} to ${most}`,
  }
  if (profile.quartiles === null) return [implausible]
  const [lower, median, upper] = profile.quartiles
  // Outliers are sought among amounts above 0: a check of a card and a refund are no scale of payments.
  const logarithm = 'ln(nullif(greatest(amount_minor, 0), 0))'
  const spread = log(upper) - log(lower)
  // 0.6745: the median absolute deviation of a normal distribution in standard deviations (Iglewicz and
  // Hoaglin, 1993).
  const byZ = await find(
    `${profile.logDeviation > 0} AND 0.6745 * abs(${logarithm} - ln(${median})) > ${outliers.robust_z * profile.logDeviation}`,
    amount,
  )
  const byIqr = await find(
    `${spread > 0} AND ${logarithm} NOT BETWEEN ${log(lower) - outliers.iqr_factor * spread} AND ${log(upper) + outliers.iqr_factor * spread}`,
    amount,
  )
  const outlier = (id: string, rule: string, found: Found) => ({
    ...atMost({
      id,
      what: `share of amounts that are outliers by ${rule}`,
      severity: 'warning',
      setting: 'outliers.max_share',
      limit: outliers.max_share,
      rows: found.rows,
      of: profile.rows,
    }),
    examples: found.examples,
  })
  return [
    implausible,
    outlier('outliers.robust_z', 'robust z', byZ),
    outlier('outliers.iqr', 'interquartile range', byIqr),
  ]
}

/**
 * All amounts are of one currency: sums and means over several have no meaning. Rows that say none are taken
 * to be of it. Where `amounts.currency` says which it is, rows of another are in the quarantine. Where there
 * is a base currency, all were converted to it.
 */
export const checkCurrencies: Check = async ({ read, profile, find }) => {
  if (read.amounts.base !== undefined) return [await checkOwnRate(read.amounts.base, find)]
  const { currencies, rows } = profile
  const [first] = currencies
  if (first === undefined) return []
  const others = await find(
    `currency IS NOT NULL AND upper(trim(currency)) <> ${sqlLiteral(first.currency)}`,
    'currency',
  )
  const shown = currencies
    .slice(0, MOST_SHOWN)
    .map((one) => `${one.currency} ${percent(shareOf(one.rows, rows))}`)
  const more = currencies.length - shown.length
  return [
    {
      id: 'amounts.currencies',
      what: 'currencies of the amounts',
      severity: 'error',
      setting: 'amounts.currency',
      allowed: 'one, or several with a base currency (amounts.base), to which a rate converts them',
      observed: `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      ...others,
      passed: others.rows === 0,
    },
  ]
}

const MOST_SHOWN = 5

/** A rate of the base currency that is not 1 says that rates are upside down, or of another row. */
const checkOwnRate = async (
  { currency, rate }: NonNullable<AmountRules['base']>,
  find: Subject['find'],
): Promise<ValidationCheck> => {
  const column = sqlIdentifier(attributeColumn(rate))
  const others = await find(`upper(trim(currency)) = ${sqlLiteral(currency)} AND ${column} <> 1`, `${column}`)
  return {
    id: 'amounts.own_rate',
    what: `rows in ${currency} whose rate is not 1`,
    severity: 'warning',
    setting: 'amounts.base.rate',
    allowed: 'none',
    observed: others.rows,
    ...others,
    passed: others.rows === 0,
    ...(others.rows > 0 && {
      detail: `a unit of ${currency} is ${currency} 1: is ${rate} the other way round, or joined by another key?`,
    }),
  }
}
