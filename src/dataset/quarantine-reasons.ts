import { powerOfTwo } from '../foundation/elementary/whole-powers.ts'
import { type AmountRules, amountText, decimalsAllowed } from '../transaction/amount-rules.ts'
import { LARGEST_LATITUDE, LARGEST_LONGITUDE, LONGEST_TEXT } from '../transaction/fields.ts'

/**
 * Why a row cannot be used, in order of precedence: the first reason that holds is the row's primary one, by
 * which it is counted. A row lists every reason that holds.
 *
 * Identity comes first, because a row that cannot be named cannot be corrected; a repeated id comes last,
 * because only a row that is otherwise good can be the repetition of another good one: the first such row
 * stays, whatever bad rows with the same id stand before it. Rows that say the same in every mapped field are
 * repetitions; one id for different contents is the sign of a column that names something else.
 *
 * `field` is the mapped field whose text is shown as `got`.
 */
export const QUARANTINE_REASONS = [
  { code: 'row_malformed', field: null, what: 'row malformed' },
  { code: 'transaction_id_missing', field: 'transaction_id', what: 'transaction id missing' },
  { code: 'user_missing', field: 'user_id', what: 'user missing' },
  { code: 'timestamp_without_zone', field: 'timestamp', what: 'timestamp without a time zone' },
  {
    code: 'timestamp_ambiguous',
    field: 'timestamp',
    what: 'timestamp in an hour that a clock change repeats or skips (source.disambiguation)',
  },
  { code: 'timestamp_not_readable', field: 'timestamp', what: 'timestamp not readable' },
  { code: 'timestamp_out_of_range', field: 'timestamp', what: 'timestamp before 1970 or after 9999' },
  { code: 'amount_not_a_number', field: 'amount', what: 'amount not a number' },
  { code: 'amount_not_positive', field: 'amount', what: 'amount not positive' },
  { code: 'amount_too_precise', field: 'amount', what: 'amount with too many decimals' },
  { code: 'amount_too_large', field: 'amount', what: 'amount too large' },
  { code: 'currency_differs', field: 'currency', what: 'currency is not amounts.currency' },
  { code: 'label_not_binary', field: 'is_fraud', what: 'label not 0 or 1' },
  { code: 'labelled_at_without_zone', field: 'labelled_at', what: 'time of the label without a time zone' },
  {
    code: 'labelled_at_ambiguous',
    field: 'labelled_at',
    what: 'time of the label in an hour that a clock change repeats or skips (source.disambiguation)',
  },
  { code: 'labelled_at_not_readable', field: 'labelled_at', what: 'time of the label not readable' },
  {
    code: 'latitude_out_of_range',
    field: 'latitude',
    what: `latitude not a number from -${LARGEST_LATITUDE} to ${LARGEST_LATITUDE}`,
  },
  {
    code: 'longitude_out_of_range',
    field: 'longitude',
    what: `longitude not a number from -${LARGEST_LONGITUDE} to ${LARGEST_LONGITUDE}`,
  },
  { code: 'attribute_not_readable', field: null, what: 'attribute not readable' },
  { code: 'rate_missing', field: null, what: 'no rate to the base currency' },
  {
    code: 'text_not_allowed',
    field: null,
    what: `text over ${LONGEST_TEXT} characters or with control characters`,
  },
  { code: 'mapping_failed', field: null, what: 'a mapping expression failed on this row' },
  {
    code: 'timestamp_in_future',
    field: 'timestamp',
    what: 'timestamp far after all others (source.future)',
  },
  {
    code: 'transaction_id_reused',
    field: 'transaction_id',
    what: 'transaction id repeated with other contents',
  },
  { code: 'transaction_id_repeated', field: 'transaction_id', what: 'transaction repeated as it is' },
  {
    code: 'label_correction',
    field: 'transaction_id',
    what: 'transaction repeated with another label, which was taken over',
  },
] as const

export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]['code']

/** What a reason says of a row that was read by `amounts`. */
export const whatOf = (code: QuarantineReason, amounts: AmountRules): string => {
  const { currency, decimals, largestMinor, zero, base } = amounts
  switch (code) {
    case 'currency_differs':
      return `currency is not ${currency} (amounts.currency)`
    case 'amount_not_positive':
      return zero ? 'amount below 0 (amounts.refunds is false)' : 'amount not positive'
    case 'amount_too_precise':
      return `amount with too many decimals: ${decimalsAllowed(decimals)} (amounts.rounding is refuse)`
    case 'amount_too_large':
      return base === undefined
        ? `amount beyond ${amountText(largestMinor, decimals)}`
        : `amount beyond ${amountText(base.largestMinor, base.decimals)} ${base.currency}, or ${amountText(largestMinor, decimals)} as it is sent`
    case 'rate_missing':
      return base === undefined
        ? 'no rate to the base currency'
        : `no rate to ${base.currency} above 0 (amounts.base.rate: ${base.rate})`
    default:
      return QUARANTINE_REASONS.find((reason) => reason.code === code)!.what
  }
}

/** The bit that stands for `code` in a row's set of reasons; the lowest bit set is the primary reason. */
export const reasonBit = (code: QuarantineReason): number =>
  powerOfTwo(QUARANTINE_REASONS.findIndex((reason) => reason.code === code))
