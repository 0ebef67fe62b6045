import { createRandom, csvText, dateAt, dayAndTime, inventPayments, scrambled } from '../invent.mjs'

const HEADER =
  'user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,ip_address,class'
/** Addresses are whole numbers from this one on, so far apart. */
const FIRST_ADDRESS = 100_000_000
const ADDRESS_STEP = 48_611
const COUNTRIES = [
  'Australia',
  'Brazil',
  'Canada',
  'Chile',
  'France',
  'Japan',
  'Kenya',
  'Korea Republic of',
  'Norway',
]

/**
 * fraudecom: every user once. In attributes: the purchase follows the sign-up within seconds. In histories:
 * one device (or address) with many users, within an hour or over weeks.
 */
export const set = {
  file: 'fraudecom.csv.gz',
  knowledge: ['both', 'attributes', 'histories'],
  invent: ({ rows, fraudShare, knowledge, seed }) => {
    const random = createRandom(seed + 7000)
    const days = 150
    const devices = Math.round(rows * 0.8)
    const addresses = Math.round(rows * 0.7)
    const payments = inventPayments({
      rows,
      days,
      payers: devices,
      receivers: addresses,
      fraudShare,
      seed,
      knowledge,
    })
    return csvText(
      HEADER.split(','),
      payments.map(({ second, payer, receiver, amount, isFraud, tell }, row) => {
        const isHasty = tell + 0.4 * random.normal() > 1.9
        const waits = isHasty ? 1 + random.integer(4) : 3600 + random.integer(100 * 86_400)
        return [
          1 + ((row * 7919) % 400_009),
          dayAndTime(dateAt('2015-03-01T00:00:00Z', second - waits)),
          dayAndTime(dateAt('2015-03-01T00:00:00Z', second)),
          Math.max(9, Math.min(154, Math.round(amount))),
          deviceName(payer),
          random.pick(['SEO', 'Ads', 'Direct']),
          random.pick(['Chrome', 'Opera', 'Safari', 'IE', 'FireFox']),
          random.pick(['M', 'F']),
          18 + random.integer(50),
          // An address as one number, with digits after the point that say nothing.
          `${FIRST_ADDRESS + receiver * ADDRESS_STEP}.${random.integer(90_000) + 10_000}`,
          isFraud ? 1 : 0,
        ]
      }),
    )
  },
  /** Countries by ranges of addresses. A few addresses lie between two ranges, in none. */
  beside: (_text, { rows, seed }) => {
    const random = createRandom(seed + 7500)
    const ranges = []
    const end = FIRST_ADDRESS + Math.round(rows * 0.7) * ADDRESS_STEP
    for (let lower = FIRST_ADDRESS; lower < end; ) {
      const size = 2 ** (16 + random.integer(6))
      // The lower bounds have a digit after the point, the upper ones have none.
      ranges.push([`${lower}.0`, lower + size - 1, random.pick(COUNTRIES)])
      lower += size + (random.chance(0.1) ? 2 ** 19 : 0)
    }
    const header = ['lower_bound_ip_address', 'upper_bound_ip_address', 'country']
    return { 'IpAddress_to_Country.csv.gz': csvText(header, ranges) }
  },
}

/** Thirteen capital letters, another thirteen for another number. */
const deviceName = (n) => scrambled(n, 13).replace(/./g, (digit) => 'QXBTLKMZRW'[Number(digit)])
