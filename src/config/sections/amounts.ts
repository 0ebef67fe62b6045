import { type Static, Type } from 'typebox'
import { MOST_DECIMALS } from '../../transaction/amount-rules.ts'

/** Which amounts are transactions, and how exactly they are kept. */
export const AmountsSchema = Type.Object(
  {
    currency: Type.String({
      default: '',
      pattern: '^([A-Z]{3})?$',
      unit: 'ISO 4217',
      description:
        'Currency of every amount, for instance JPY. Empty: not said. It decides how many decimals amounts have; rows that say another go to the quarantine, and requests are refused.',
    }),
    base: Type.Object(
      {
        currency: Type.String({
          default: '',
          pattern: '^([A-Z]{3})?$',
          unit: 'ISO 4217',
          description:
            'Currency in which features see every amount, for instance EUR, where amounts are of several. Empty: they are of one. Transactions keep their own amount and currency; amounts.currency stays empty.',
        }),
        rate: Type.String({
          default: '',
          unit: 'attribute',
          description:
            'Attribute of kind number (source.attributes) with the rate at the time of the transaction: how many units of the base currency a unit of its own currency is. Rows without one go to the quarantine, requests are refused; what is of the base currency itself needs none.',
        }),
      },
      {
        default: {},
        additionalProperties: false,
        description: 'One currency for the features of amounts that are of several.',
      },
    ),
    decimals: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 0, maximum: MOST_DECIMALS })], {
      default: 'auto',
      unit: 'decimals',
      description:
        'Decimals that an amount may have: its minor unit. `auto` takes those of the currency from ISO 4217 (JPY 0, EUR 2, KWD 3), 2 when no currency is said, as most have, and with a base currency 4, the most that any has: amounts are then read with so many whatever their currency.',
    }),
    rounding: Type.Union(
      [Type.Literal('refuse'), Type.Literal('half_even'), Type.Literal('half_up'), Type.Literal('down')],
      {
        default: 'refuse',
        description:
          'What becomes of an amount with more decimals. `refuse`: the row goes to the quarantine, a request is refused, because a wrong mapping should be seen; `half_even`, `half_up` (halves away from zero) and `down` (cut off) round its size.',
      },
    ),
    largest: Type.Union([Type.Literal('auto'), Type.Number({ exclusiveMinimum: 0 })], {
      default: 'auto',
      unit: 'currency units',
      description:
        'Largest amount, in either direction. `auto`: just below a billion, or below the power of ten up to which sums over the windows of features.state stay exact (below 2^53 minor units). A larger one is refused with the bound. With a base currency it is the largest converted amount.',
    }),
    zero: Type.Boolean({
      default: true,
      description:
        'Whether an amount of 0 is a transaction. It is, because a check of a card is one, and the classical sign of testing stolen cards.',
    }),
    refunds: Type.Boolean({
      default: true,
      description:
        'Whether an amount below 0 is one: a refund or reversal. Sums and means of payments leave refunds out, which have features of their own. false: such rows go to the quarantine, and no state counts refunds.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'Which amounts are transactions.' },
)

export type AmountsSettings = Static<typeof AmountsSchema>
