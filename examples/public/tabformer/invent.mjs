import { createRandom, csvText, dateAt, inventedName, inventPayments } from '../invent.mjs'

const HEADER =
  'User,Card,Year,Month,Day,Time,Amount,Use Chip,Merchant Name,Merchant City,Merchant State,Zip,MCC,Errors?,Is Fraud?'
const MCCS = ['5411', '5812', '5541', '4829', '5300', '7538', '4784', '5912']
const ERRORS = [
  'Bad PIN,',
  'Insufficient Balance,',
  'Technical Glitch,',
  'Bad CVV,',
  'Bad PIN,Insufficient Balance,',
]

/**
 * TabFormer: several cards a user, amounts as text with a currency sign, refunds. In attributes: the errors
 * of the terminal and a foreign place. In histories: bursts and compromised merchants.
 */
export const set = {
  file: 'tabformer.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 3000)
    const days = 150
    const cards = Math.max(30, Math.round(rows / 30))
    const receivers = Math.max(30, Math.round(rows / 40))
    const payments = inventPayments({ rows, days, payers: cards, receivers, fraudShare, seed, knowledge })
    const merchants = Array.from({ length: receivers }, (_, n) => ({
      name: merchantName(n),
      mcc: random.pick(MCCS),
      place: [
        `${inventedName(n % 40)} City`,
        random.pick(['CA', 'TX', 'NY']),
        `${10_000 + random.integer(80_000)}.0`,
      ],
    }))
    return csvText(
      HEADER.split(','),
      payments.map(({ second, payer, receiver, amount, isFraud, tell }) => {
        const date = dateAt('2018-03-01T00:00:00Z', second)
        const { name, mcc, place } = merchants[receiver]
        const online = tell + 1.2 * random.normal() > 1.9 || random.chance(0.1)
        const foreign = !online && tell + 0.8 * random.normal() > 2
        const refund = !isFraud && random.chance(0.05)
        const check = random.chance(isFraud ? 0.03 : 0.003)
        return [
          // Card counts from 0 for each user: the same number is another card with another user.
          payer >> 1,
          payer & 1,
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
          date.toISOString().slice(11, 16),
          check ? '$0.00' : `$${refund ? '-' : ''}${amount.toFixed(2)}`,
          online ? 'Online Transaction' : random.chance(0.3) ? 'Chip Transaction' : 'Swipe Transaction',
          name,
          ...(online ? ['ONLINE', '', ''] : foreign ? ['Rome', 'Italy', ''] : place),
          mcc,
          tell + random.normal() > 2.6 || random.chance(0.01) ? random.pick(ERRORS) : '',
          isFraud ? 'Yes' : 'No',
        ]
      }),
    )
  },
}

/** A 64-bit integer, negative for every second merchant. */
const merchantName = (n) => {
  const digits = (BigInt(n + 1) * 6_364_136_223_846_793_005n) & 0x7fff_ffff_ffff_ffffn
  return String(n % 2 === 0 ? digits : -digits)
}
