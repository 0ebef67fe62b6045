// What the invented data sets have in common: a seeded random generator, a history of payments with frauds
// in it, and CSV text.

/** Seeded random numbers (mulberry32): the same seed gives the same numbers on every machine. */
export const createRandom = (seed) => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  /**
   * A sum of twelve: near enough to normal, and without logarithms, which differ in their last bit between
   * machines.
   */
  const normal = () => {
    let sum = -6
    for (let draw = 0; draw < 12; draw++) sum += next()
    return sum
  }
  return {
    next,
    normal,
    integer: (below) => Math.floor(next() * below),
    between: (least, most) => least + (most - least) * next(),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (probability) => next() < probability,
    /** Few are common, many are rare: place 0 is drawn most. */
    ranked: (count) => Math.floor(count * next() ** 2),
  }
}

const DAY = 86_400

/**
 * Payments of `days` days in the order of their time, frauds among them.
 *
 * - `attributes`: these frauds look like anybody's payment by their history; their `tell` is high, from
 *   which each set makes columns that give them away. Honest payments have a high one now and then.
 * - `histories`: these have an ordinary `tell`. One half are bursts: four to seven within forty minutes by
 *   one payer (or to one receiver). The other half go to a receiver that is compromised for three weeks.
 * - `both`: one half of the frauds of each kind, so that who sees only columns or only histories misses the
 *   other half.
 *
 * @param {{ rows: number, days: number, payers: number, receivers: number, fraudShare: number, seed: number,
 *   knowledge: 'attributes' | 'histories' | 'both', burstOn?: 'payer' | 'receiver' }} options
 */
export const inventPayments = (options) => {
  const { rows, days, payers, receivers, fraudShare, seed, knowledge, burstOn = 'payer' } = options
  const random = createRandom(seed)
  const people = Array.from({ length: payers }, () => ({
    level: random.between(2.2, 4.6),
    usual: Array.from({ length: 5 }, () => random.ranked(receivers)),
  }))
  const payments = []
  const pay = (second, payer, receiver, isFraud, tell) => {
    const { level } = people[payer]
    const amount =
      Math.max(1, Math.round(100 * 2 ** (level + 0.9 * random.normal() + (isFraud ? 0.3 : 0)))) / 100
    payments.push({ second: Math.floor(second), payer, receiver, amount, isFraud, tell })
  }
  const receiverOf = (payer) =>
    random.chance(0.8) ? random.pick(people[payer].usual) : random.ranked(receivers)
  const moment = () => {
    const hour = random.chance(0.9) ? 7 + 16 * ((random.next() + random.next()) / 2) : 24 * random.next()
    return DAY * random.integer(days) + 3600 * hour
  }
  const honestTell = () => (random.chance(0.01) ? 2 : 0) + random.normal()

  const frauds = Math.round(rows * fraudShare)
  const inHistories = { attributes: 0, histories: frauds, both: frauds >> 1 }[knowledge]
  const honest = rows - frauds
  while (payments.length < honest) {
    const payer = random.ranked(payers)
    const second = moment()
    pay(second, payer, receiverOf(payer), false, honestTell())
    if (random.chance(0.06) && payments.length < honest)
      pay(second + random.between(60, 1800), payer, receiverOf(payer), false, honestTell())
  }
  for (let left = frauds - inHistories; left > 0; left--) {
    const payer = random.ranked(payers)
    pay(moment(), payer, receiverOf(payer), true, 3 + 0.8 * random.normal())
  }
  let left = inHistories
  while (left > inHistories / 2) {
    const [payer, receiver, start] = [random.ranked(payers), random.ranked(receivers), moment()]
    for (let count = Math.min(left, 4 + random.integer(4)); count > 0; count--, left--) {
      const second = start + random.between(0, 2400)
      if (burstOn === 'payer') pay(second, payer, random.ranked(receivers), true, random.normal())
      else pay(second, random.ranked(payers), receiver, true, random.normal())
    }
  }
  while (left > 0) {
    const receiver = receivers - 1 - random.ranked(receivers >> 1)
    const firstDay = random.integer(Math.max(1, days - 21))
    for (let count = Math.min(left, 12); count > 0; count--, left--) {
      const second = (moment() % DAY) + DAY * (firstDay + random.integer(Math.min(21, days - firstDay)))
      pay(second, random.ranked(payers), receiver, true, random.normal())
    }
  }
  return payments
    .filter(({ second }) => second < days * DAY)
    .map((payment, order) => ({ ...payment, order }))
    .sort((a, b) => a.second - b.second || a.order - b.order)
}

/** Time of `second` after `start` (`2019-01-01T00:00:00Z`), as a date whose UTC parts are the local ones. */
export const dateAt = (start, second) => new Date(Date.parse(start) + second * 1000)

/** `2019-01-31 09:05:00`. */
export const dayAndTime = (date) => date.toISOString().slice(0, 19).replace('T', ' ')

/** Numbers like an identifier's digits, the same for the same number and never the same for two. */
export const scrambled = (number, digits) => {
  const modulus = 10 ** digits
  return String((number * 7_368_787 + 15_485_863) % modulus).padStart(digits, '0')
}

/** Names that are nobody's: two syllables of each list. */
export const inventedName = (number) => {
  const [heads, tails] = [
    [
      'Bar',
      'Cel',
      'Dor',
      'Fen',
      'Gil',
      'Hal',
      'Jun',
      'Kor',
      'Lum',
      'Mar',
      'Nev',
      'Or',
      'Pel',
      'Quin',
      'Ros',
      'Sil',
    ],
    [
      'ada',
      'bert',
      'co',
      'dine',
      'emo',
      'fax',
      'gard',
      'holm',
      'ister',
      'kin',
      'low',
      'mond',
      'nor',
      'quist',
      'row',
    ],
  ]
  return `${heads[number % heads.length]}${tails[Math.floor(number / heads.length) % tails.length]}`
}

/**
 * Text of a CSV file; values with a delimiter, a quote or a line break stand in quotes, as RFC 4180 has it.
 */
export const csvText = (header, rows) =>
  [header, ...rows]
    .map((row) => row.map((value) => csvValue(value)).join(','))
    .join('\n')
    .concat('\n')

const csvValue = (value) => {
  const text = value === null || value === undefined ? '' : String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
