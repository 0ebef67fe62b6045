import { createRandom, inventPayments, scrambled } from '../invent.mjs'

const HEADER = 'step,customer,age,gender,zipcodeOri,merchant,zipMerchant,category,amount,fraud'
const CATEGORIES = [
  'es_transportation',
  'es_food',
  'es_health',
  'es_wellnessandbeauty',
  'es_fashion',
  'es_leisure',
]

/**
 * BankSim: text in single quotes, a step is a day. In attributes: a category that this age group
 * does not buy. In histories: bursts within a day and compromised merchants.
 */
export const set = {
  file: 'banksim.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 4000)
    const days = 120
    const payers = Math.max(40, Math.round(rows / 25))
    const receivers = Math.max(20, Math.round(rows / 60))
    const payments = inventPayments({ rows, days, payers, receivers, fraudShare, seed, knowledge })
    const customers = Array.from({ length: payers }, () => ({
      age: random.chance(0.02) ? 'U' : String(random.integer(7)),
      gender: random.pick(['F', 'F', 'M', 'M', 'E', 'U']),
    }))
    const usual = Array.from({ length: receivers }, () => random.ranked(CATEGORIES.length))
    const rowsOf = payments.map(({ second, payer, receiver, amount, isFraud, tell }) => {
      const { age, gender } = customers[payer]
      // The young seldom travel, the rest seldom buy toys: each category is common, and odd for one age
      // group only.
      const [own, odd] =
        Number(age) < 3 ? ['es_sportsandtoys', 'es_travel'] : ['es_travel', 'es_sportsandtoys']
      const isOdd = tell + 0.5 * random.normal() > 1.9
      const category = isOdd ? odd : random.chance(0.35) ? own : CATEGORIES[usual[receiver]]
      return [
        Math.floor(second / 86_400),
        `'C${scrambled(payer, 10)}'`,
        `'${age}'`,
        `'${gender}'`,
        "'28007'",
        `'M${scrambled(9_000_000 + receiver, 9)}'`,
        "'28007'",
        `'${category}'`,
        amount.toFixed(2),
        isFraud ? 1 : 0,
      ].join(',')
    })
    return `${[HEADER, ...rowsOf].join('\n')}\n`
  },
}
