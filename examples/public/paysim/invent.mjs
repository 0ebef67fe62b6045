import { createRandom, csvText, inventPayments, scrambled } from '../invent.mjs'

const HEADER =
  'step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud'

/**
 * PaySim: senders come once, receivers often. In attributes: the transfer empties the sender's account, and
 * the receiver's balance does not move. In histories: a receiver collects within an hour, or over weeks.
 */
export const set = {
  file: 'paysim.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 1000)
    const days = 30
    const receivers = Math.max(40, Math.round(rows / 25))
    const payments = inventPayments({
      rows,
      days,
      payers: rows,
      receivers,
      fraudShare,
      seed,
      knowledge,
      burstOn: 'receiver',
    })
    const balances = Array.from({ length: receivers }, () => Math.round(random.between(0, 300_000)))
    return csvText(
      HEADER.split(','),
      payments.map(({ second, receiver, amount: base, isFraud, tell }, row) => {
        const kind =
          isFraud || random.chance(0.5)
            ? random.pick(['TRANSFER', 'CASH_OUT'])
            : random.pick(['PAYMENT', 'PAYMENT', 'CASH_IN', 'DEBIT'])
        // A few frauds take nothing: PaySim has some, and they are frauds all the same.
        const amount = isFraud && random.chance(0.03) ? 0 : base * 100
        const empties = tell > 1.6
        const before = empties ? amount : random.chance(0.2) ? 0 : amount * random.between(0.3, 6)
        const after = kind === 'CASH_IN' ? before + amount : Math.max(0, before - amount)
        const old = balances[receiver]
        const isStill = tell + 0.7 * random.normal() > 1.6
        const isMerchant = kind === 'PAYMENT'
        const now = isStill ? old : old + amount
        balances[receiver] = now
        return [
          1 + Math.floor(second / 3600),
          kind,
          // As a spreadsheet saves it.
          amount >= 100_000 && random.chance(0.3) ? exponential(amount) : money(amount),
          `C${scrambled(row, 9)}`,
          money(before),
          money(after),
          `${isMerchant ? 'M' : 'C'}${scrambled(5_000_000 + receiver, 9)}`,
          isMerchant ? '0' : money(isStill ? 0 : old),
          isMerchant ? '0' : money(isStill ? 0 : now),
          isFraud ? 1 : 0,
          isFraud && amount > 200_000 ? 1 : 0,
        ]
      }),
    )
  },
}

const money = (amount) => String(Math.round(amount * 100) / 100)

/** `1.25E+05`, with the precision that spreadsheets keep. */
const exponential = (amount) =>
  amount
    .toExponential(2)
    .replace(/e\+(\d)$/, 'E+0$1')
    .replace('e', 'E')
