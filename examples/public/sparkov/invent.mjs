import {
  createRandom,
  csvText,
  dateAt,
  dayAndTime,
  inventedName,
  inventPayments,
  scrambled,
} from '../invent.mjs'

const HEADER =
  ',trans_date_trans_time,cc_num,merchant,category,amt,first,last,gender,street,city,state,zip,lat,long,city_pop,job,dob,trans_num,unix_time,merch_lat,merch_long,is_fraud'
const CATEGORIES = [
  'gas_transport',
  'grocery_pos',
  'home',
  'shopping_net',
  'shopping_pos',
  'misc_net',
  'travel',
  'food_dining',
]
const JOBS = [
  'Baker',
  'Clockmaker',
  'Engineer, invented',
  'Farmer',
  'Librarian',
  'Tailor',
  'Teacher, evening',
  'Weaver',
]
/** `unix_time` of this set is years before its local time. */
const YEARS_APART = 220_924_800

/**
 * Sparkov: a card holder a card, with home and job in every row. In attributes: the shop lies far from
 * home, and the category is one of the two that are bought on the net. In histories: bursts and compromised
 * merchants.
 */
export const set = {
  file: 'sparkov.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 2000)
    const days = 120
    const payers = Math.max(30, Math.round(rows / 30))
    const receivers = Math.max(30, Math.round(rows / 40))
    const payments = inventPayments({ rows, days, payers, receivers, fraudShare, seed, knowledge })
    const holders = Array.from({ length: payers }, (_, n) => holderOf(random, n))
    const categories = Array.from({ length: receivers }, () => random.pick(CATEGORIES))
    return csvText(
      HEADER.split(','),
      payments.map(({ second, payer, receiver, amount, isFraud, tell }, row) => {
        const holder = holders[payer]
        const date = dateAt('2019-01-01T00:00:00Z', second)
        const far = 0.1 + 0.35 * Math.max(0, tell + 0.5 * random.normal())
        return [
          row,
          dayAndTime(date),
          holder.card,
          `fraud_${inventedName(receiver)}, ${inventedName(receiver * 7 + 3)} and ${inventedName(receiver * 3 + 5)} ${receiver}`,
          tell > 1.8 && random.chance(0.6) ? random.pick(['shopping_net', 'misc_net']) : categories[receiver],
          amount.toFixed(2),
          ...holder.person,
          holder.latitude.toFixed(4),
          holder.longitude.toFixed(4),
          holder.population,
          holder.job,
          holder.born,
          scrambled(row, 12).repeat(3).slice(0, 32),
          Math.floor(date.getTime() / 1000) - YEARS_APART,
          (holder.latitude + far * (random.chance(0.5) ? 1 : -1)).toFixed(6),
          (holder.longitude + random.between(-far, far)).toFixed(6),
          isFraud ? 1 : 0,
        ]
      }),
    )
  },
}

const holderOf = (random, n) => ({
  card: `4${scrambled(n, 14)}`,
  person: [
    inventedName(n),
    inventedName(n * 5 + 11),
    random.pick(['F', 'M']),
    `${1 + random.integer(900)} ${inventedName(n + 40)} Lane`,
    `${inventedName(n % 23)}ville`,
    random.pick(['AA', 'BB', 'CC', 'DD']),
    String(10_000 + random.integer(80_000)),
  ],
  latitude: random.between(32, 46),
  longitude: random.between(-118, -78),
  population: Math.round(2 ** random.between(7, 20)),
  job: random.pick(JOBS),
  born: `${1935 + random.integer(65)}-0${1 + random.integer(9)}-${10 + random.integer(18)}`,
})
