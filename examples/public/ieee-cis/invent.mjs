import { createRandom, csvText, inventPayments } from '../invent.mjs'

const numbered = (name, count, width = 0) =>
  Array.from({ length: count }, (_, n) => `${name}${String(n + 1).padStart(width, '0')}`)

const HEADER = [
  ...'TransactionID,isFraud,TransactionDT,TransactionAmt,ProductCD'.split(','),
  ...numbered('card', 6),
  ...'addr1,addr2,dist1,dist2,P_emaildomain,R_emaildomain'.split(','),
  ...numbered('C', 14),
  ...numbered('D', 15),
  ...numbered('M', 9),
  ...numbered('V', 339),
  ...numbered('id_', 38, 2),
  'DeviceType',
  'DeviceInfo',
]
/** The columns of the second file; the first has the others. */
const IDENTITY = ['TransactionID', ...HEADER.slice(HEADER.indexOf('id_01'))]
const DOMAINS = ['post.example', 'mail.example', 'quick.example', 'letters.example', 'anon.example']

/**
 * IEEE-CIS, both files joined: 434 columns, mostly missing. In attributes: counts C, times D and a dozen of
 * the V columns, each with much noise. In histories: bursts of a card and e-mail domains that are abused
 * for weeks.
 */
export const set = {
  file: 'ieee-cis.csv.gz',
  keptRows: 1200,
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 6000)
    const days = 120
    const payers = Math.max(40, Math.round(rows / 20))
    const receivers = Math.max(30, Math.round(rows / 40))
    const payments = inventPayments({ rows, days, payers, receivers, fraudShare, seed, knowledge })
    const cards = Array.from({ length: payers }, () => cardOf(random))
    return csvText(
      HEADER,
      payments.map((payment, row) => {
        const { second, payer, isFraud, amount } = payment
        const product = random.pick(['W', 'W', 'W', 'C', 'R', 'H', 'S'])
        return [
          3_000_000 + row,
          isFraud ? 1 : 0,
          86_400 + second,
          // Amounts of product C were converted from another currency: three decimals.
          product === 'C' ? amount.toFixed(2).concat(String(1 + random.integer(9))) : amount.toFixed(2),
          product,
          ...cards[payer].values,
          ...columnsOf(random, payment, cards[payer]),
        ]
      }),
    )
  },
  /**
   * The two files as they come: the columns of the joined one told apart. Who has no identity has no row in the
   * second, and every row there has a type of device.
   */
  beside: (joined) => {
    const [, ...lines] = joined.trimEnd().split('\n')
    const rows = lines.map((line) => line.split(','))
    const columns = (names) => {
      const places = names.map((name) => HEADER.indexOf(name))
      return (row) => places.map((at) => row[at])
    }
    const transaction = HEADER.filter((name) => name === 'TransactionID' || !IDENTITY.includes(name))
    const hasIdentity = (row) => row[HEADER.indexOf('DeviceType')] !== ''
    return {
      'train_transaction.csv.gz': csvText(transaction, rows.map(columns(transaction))),
      'train_identity.csv.gz': csvText(IDENTITY, rows.filter(hasIdentity).map(columns(IDENTITY))),
    }
  },
}

const cardOf = (random) => ({
  firstDay: -random.integer(400),
  values: [
    String(1000 + random.integer(17_000)),
    `${100 + random.integer(500)}.0`,
    '150.0',
    random.pick(['visa', 'mastercard', 'discover']),
    `${100 + random.integer(137)}.0`,
    random.pick(['debit', 'debit', 'credit']),
    `${100 + random.integer(440)}.0`,
    '87.0',
  ],
})

/** dist1, dist2, e-mail domains, C, D, M, V, id, device. */
const columnsOf = (random, { second, receiver, tell }, { firstDay }) => {
  const day = Math.floor(second / 86_400)
  const hasIdentity = random.chance(0.25)
  const noisy = () => tell + 1.5 * random.normal()
  const optional = (share, value) => (random.chance(share) ? value() : '')
  const counts = Array.from({ length: 14 }, (_, n) =>
    n === 2 ? '0.0' : `${Math.max(0, Math.round((n % 3 === 0 ? noisy() : random.normal()) + 1))}.0`,
  )
  const times = Array.from({ length: 15 }, (_, n) => {
    if (n === 0) return `${day - firstDay}.0`
    return optional(n === 14 ? 0.8 : 0.3, () => `${Math.max(0, Math.round(30 - 9 * noisy()))}.0`)
  })
  const matches = Array.from({ length: 9 }, (_, n) => {
    if (n === 3) return optional(0.5, () => random.pick(['M0', 'M1', 'M2']))
    return optional(0.5, () => (random.normal() > 0.2 * tell ? 'T' : 'F'))
  })
  // In blocks that are there or missing together, as the real ones are.
  const values = Array.from({ length: 339 }, () => '')
  for (let block = 0; block < 339; block += 35) {
    if (!random.chance(block === 0 || block === 280 ? 0.9 : 0.12)) continue
    for (let n = block; n < Math.min(339, block + 35); n++)
      values[n] = `${Math.max(0, Math.round((n % 29 === 0 ? noisy() : random.normal()) + 0.6))}.0`
  }
  const identity = Array.from({ length: 38 }, (_, n) => {
    if (!hasIdentity || !random.chance(n < 6 ? 0.9 : 0.2)) return ''
    if ([12, 15, 16, 27, 28, 29].includes(n + 1)) return random.pick(['Found', 'NotFound', 'New'])
    if ([23, 30, 31, 33, 34].includes(n + 1)) return `version ${random.integer(9)}`
    if (n >= 34) return random.pick(['T', 'F'])
    return `${Math.round(10 * noisy())}.0`
  })
  return [
    optional(0.4, () => `${random.integer(300)}.0`),
    optional(0.06, () => `${random.integer(900)}.0`),
    `${receiver}.${DOMAINS[receiver % DOMAINS.length]}`,
    optional(0.25, () => random.pick(DOMAINS)),
    ...counts,
    ...times,
    ...matches,
    ...values,
    ...identity,
    ...(hasIdentity
      ? [tell > 1.5 || random.chance(0.3) ? 'mobile' : 'desktop', `Model ${random.integer(60)} Build/X`]
      : ['', '']),
  ]
}
