import { createRandom, csvText, dateAt, inventPayments, scrambled } from '../invent.mjs'

const HEADER = 'tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id'

/**
 * AMLSim: accounts on both sides, a day is the finest time. In attributes: round amounts of a deposit. In
 * histories: accounts that send several times within a day, and accounts that collect over weeks.
 */
export const set = {
  file: 'amlsim.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 9000)
    const days = 150
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
    return csvText(
      HEADER.split(','),
      payments.map(({ second, payer, receiver, amount, isFraud, tell }, row) => {
        const isRound = tell + 0.4 * random.normal() > 2
        return [
          row + 1,
          nameOf(payer),
          nameOf(receiver),
          isRound && random.chance(0.7)
            ? 'DEPOSIT-CASH'
            : random.pick(['TRANSFER', 'TRANSFER', 'TRANSFER', 'DEPOSIT-CASH']),
          isRound ? Math.max(1, Math.round(amount)) * 10 : (amount * 10).toFixed(2),
          `${dateAt('2017-01-01T00:00:00Z', second).toISOString().slice(0, 10)}T00:00:00Z`,
          isFraud ? 'True' : 'False',
          // The alert is part of the answer.
          isFraud ? 100 + (receiver % 50) : -1,
        ]
      }),
    )
  },
}

/** The number of an account; scrambled, since numbers in the order of how common accounts are would tell it. */
const nameOf = (account) => Number(scrambled(account, 9))
