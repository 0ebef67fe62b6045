import { createRandom, csvText, dateAt, inventPayments, scrambled } from '../invent.mjs'

// Two columns have one name, as in the real file.
const HEADER =
  'Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,Payment Currency,Payment Format,Is Laundering'
const CURRENCIES = [
  ['US Dollar', 1],
  ['Euro', 0.9],
  ['Yuan', 7],
  ['Yen', 110],
  ['Rupee', 75],
  ['Bitcoin', 0.00009],
]
const FORMATS = ['Cheque', 'Credit Card', 'ACH', 'Cash', 'Wire', 'Reinvestment']

/**
 * IBM AML: any account sends and receives. In attributes: the format of the payment and a change of
 * currency. In histories: accounts that send many within an hour, and accounts that collect over weeks.
 */
export const set = {
  file: 'ibm-aml.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 8000)
    const days = 40
    const accounts = Math.max(60, Math.round(rows / 15))
    const payments = inventPayments({
      rows,
      days,
      payers: accounts,
      receivers: accounts,
      fraudShare,
      seed,
      knowledge,
    })
    const owned = Array.from({ length: accounts }, (_, n) => ({
      bank: String(random.integer(80)).padStart(3, '0'),
      name: Number(scrambled(n, 9)).toString(16).toUpperCase().padStart(8, '8').concat('0'),
      currency: CURRENCIES[random.ranked(CURRENCIES.length)],
    }))
    return csvText(
      HEADER.split(','),
      payments.map(({ second, payer, receiver, amount, isFraud, tell }) => {
        const [from, to] = [owned[payer], owned[receiver]]
        const changes = tell + 0.7 * random.normal() > 2.2
        const paid = from.currency
        const received = changes ? random.pick(CURRENCIES) : paid
        const large = random.chance(0.004) ? 100_000 : 40
        return [
          dateAt('2022-09-01T00:00:00Z', second)
            .toISOString()
            .slice(0, 16)
            .replaceAll('-', '/')
            .replace('T', ' '),
          from.bank,
          from.name,
          to.bank,
          to.name,
          inCurrency(amount * large, received),
          received[0],
          inCurrency(amount * large, paid),
          paid[0],
          tell + 0.6 * random.normal() > 1.7 ? 'ACH' : random.pick(FORMATS),
          isFraud ? 1 : 0,
        ]
      }),
    )
  },
}

/** Six decimals of a Bitcoin, two of any other currency. */
const inCurrency = (amount, [name, rate]) => (amount * rate).toFixed(name === 'Bitcoin' ? 6 : 2)
