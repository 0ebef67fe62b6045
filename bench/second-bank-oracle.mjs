// What can be known of examples/second-bank by who knows how it was simulated: for a transaction, the
// probability that it is fraud, by Bayes over all that had happened, and all labels that were known, by then.
//
// The simulator (the card-fraud handbook's): 4,000 terminals and 2,500 customers. Each day two terminals are
// compromised for 28 days: all their transactions are fraud (scenario 2). Each day three customers are
// compromised for 14 days: a third of their transactions are fraud, at five times the amount (scenario 3).
// A genuine amount of a customer is normal, mean m and deviation m / 2, and uniform up to 2 m where that is
// below 0; m is uniform from 5 to 100. Whatever is above 220 is fraud (scenario 1, where no other is).
//
// The oracle knows no seed of the simulator and nothing later than the transaction. It knows more than a
// bank: with a label comes the scenario, which tells whether the terminal or the card was compromised. So no
// model that sees the same transactions can be expected to rank better. It leaves out that exactly two
// terminals and three cards are compromised each day: a day on which two are known has no third.

const DAY_S = 86_400
const DELAY_DAYS = 7
const TERMINALS = { count: 4000, compromisedADay: 2, days: 28 }
const CUSTOMERS = { count: 2500, compromisedADay: 3, days: 14 }
const FRAUD_SHARE = 1 / 3
const CERTAIN_ABOVE_CENTS = 22_000

/**
 * The oracle's probability of fraud for each row of `asked`; NaN for the others.
 *
 * @param rows in order of arrival, by column: `time` (seconds since day 0), `customer`, `terminal`, `cents`,
 *   `scenario` (0 genuine)
 * @param asked 1 for the rows whose probability is wanted
 * @param knowsFiveCents whether it uses that five times a whole number of cents is a multiple of five of
 *   them, which no real fraud would tell
 */
export const oracleOf = (rows, asked, { knowsFiveCents }) => {
  const terminal = compromisedTerminals(rows, asked)
  const card = fraudsOfCards(rows, asked, knowsFiveCents)
  return Float64Array.from(asked, (isAsked, row) => {
    if (isAsked !== 1) return Number.NaN
    if (rows.cents[row] > CERTAIN_ABOVE_CENTS) return 1
    return 1 - (1 - terminal[row]) * (1 - card[row])
  })
}

/**
 * By row, the probability that its terminal is compromised on its day. A terminal's hidden state is the days
 * since it was last compromised, 28 for none; filtered day by day over labels, then carried over the days
 * without any.
 */
const compromisedTerminals = (rows, asked) => {
  const { days, count, compromisedADay } = TERMINALS
  const probability = new Float64Array(rows.time.length)
  const age = (states) => nextDay(states, days, compromisedADay / count)
  const see = (states, row) => {
    const scenario = rows.scenario[row]
    // Of a transaction that a compromised card made fraud, nothing is learnt about the terminal.
    if (scenario === 3) return
    if (scenario === 2) states[days] = 0
    else states.fill(0, 0, days)
    scale(states)
  }
  for (const own of groupsOf(rows.terminal)) {
    const known = beforeAny(days)
    let [knownDay, next] = [-1, 0]
    for (const row of own) {
      if (asked[row] !== 1) continue
      const [today, knownUntil] = [dayOf(rows, row), rows.time[row] - DELAY_DAYS * DAY_S]
      for (; next < own.length && rows.time[own[next]] <= knownUntil; next++) {
        for (; knownDay < dayOf(rows, own[next]); knownDay++) age(known)
        see(known, own[next])
      }
      const states = known.slice()
      for (let day = knownDay; day < today; day++) age(states)
      probability[row] = 1 - states[days]
    }
  }
  return probability
}

/** Mean amounts that a customer may have, evenly spaced in the logarithm, and their prior. */
const MEANS = Float64Array.from({ length: 160 }, (_, at) => 5 * 20 ** ((at + 0.5) / 160))

/**
 * By row, the probability that it is fraud because its card is compromised. Hidden are the customer's mean
 * amount and the days since the card was last compromised, 14 for none. Amounts tell of both before any
 * label does: what is not labelled yet counts as a mixture.
 */
const fraudsOfCards = (rows, asked, knowsFiveCents) => {
  const { days, count, compromisedADay } = CUSTOMERS
  const probability = new Float64Array(rows.time.length)
  const start = compromisedADay / count
  for (const own of groupsOf(rows.customer)) {
    const density = own.map((row) => densitiesOf(rows.cents[row], knowsFiveCents))
    const known = Float64Array.from(
      [...MEANS].flatMap((mean) => [...beforeAny(days)].map((one) => one * mean)),
    )
    let [knownDay, next] = [-1, 0]
    const states = new Float64Array(known.length)
    own.forEach((row, place) => {
      if (asked[row] !== 1) return
      const today = dayOf(rows, row)
      for (; dayOf(rows, own[next]) < today - DELAY_DAYS; next++) {
        for (; knownDay < dayOf(rows, own[next]); knownDay++) nextDay(known, days, start)
        seeAmount(known, density[next], rows.scenario[own[next]])
      }
      states.set(known)
      let day = knownDay
      for (let seen = next; seen < place; seen++) {
        for (; day < dayOf(rows, own[seen]); day++) nextDay(states, days, start)
        const isKnown = rows.time[own[seen]] <= rows.time[row] - DELAY_DAYS * DAY_S
        seeAmount(states, density[seen], isKnown ? rows.scenario[own[seen]] : undefined)
      }
      for (; day < today; day++) nextDay(states, days, start)
      probability[row] = shareOfFraud(states, density[place])
    })
  }
  return probability
}

/** Densities of an amount, at each mean: genuine, and five times a genuine one. */
const densitiesOf = (cents, knowsFiveCents) => {
  // Among multiples of five cents, those of frauds stand five times as dense.
  const isPossible = !knowsFiveCents || cents % 5 === 0
  const scaleOfFraud = knowsFiveCents ? 1 : 1 / 5
  return {
    genuine: MEANS.map((mean) => amountDensity(cents / 100, mean)),
    fraud: MEANS.map((mean) => (isPossible ? amountDensity(cents / 500, mean) * scaleOfFraud : 0)),
  }
}

/** Share of a normal distribution that lies two deviations or more below its mean. */
const BELOW_ZERO = 0.022750131948179195

const amountDensity = (amount, mean) => {
  const z = (amount - mean) / (mean / 2)
  const redrawn = amount <= 2 * mean ? BELOW_ZERO / (2 * mean) : 0
  return Math.exp((-z * z) / 2) / ((mean / 2) * Math.sqrt(2 * Math.PI)) + redrawn
}

/** A transaction seen, with its scenario where the label is known: states weigh what they make of it. */
const seeAmount = (states, { genuine, fraud }, scenario) => {
  const size = CUSTOMERS.days + 1
  MEANS.forEach((_, at) => {
    const [asGenuine, asFraud] = [
      scenario === 3 ? 0 : genuine[at],
      scenario === 3 || scenario === undefined ? fraud[at] : 0,
    ]
    const compromised = (1 - FRAUD_SHARE) * asGenuine + FRAUD_SHARE * asFraud
    const first = at * size
    for (let age = 0; age < CUSTOMERS.days; age++) states[first + age] *= compromised
    states[first + CUSTOMERS.days] *= asGenuine
  })
  scale(states)
}

const shareOfFraud = (states, { genuine, fraud }) => {
  const size = CUSTOMERS.days + 1
  let [frauds, all] = [0, 0]
  MEANS.forEach((_, at) => {
    const first = at * size
    let compromised = 0
    for (let age = 0; age < CUSTOMERS.days; age++) compromised += states[first + age]
    const fraudHere = compromised * FRAUD_SHARE * fraud[at]
    frauds += fraudHere
    all += fraudHere + (compromised * (1 - FRAUD_SHARE) + states[first + CUSTOMERS.days]) * genuine[at]
  })
  return frauds / all
}

/** Before the first day nothing is compromised. */
const beforeAny = (days) => Float64Array.from({ length: days + 1 }, (_, age) => (age === days ? 1 : 0))

/** One day on, in blocks of `days` + 1 ages: any may be compromised anew, the oldest end. */
const nextDay = (states, days, start) => {
  for (let first = 0; first < states.length; first += days + 1) {
    let all = 0
    for (let age = 0; age <= days; age++) all += states[first + age]
    const ended = states[first + days] + states[first + days - 1]
    for (let age = days - 1; age > 0; age--) states[first + age] = states[first + age - 1] * (1 - start)
    states[first] = all * start
    states[first + days] = ended * (1 - start)
  }
}

const scale = (states) => {
  let all = 0
  for (let at = 0; at < states.length; at++) all += states[at]
  if (!(all > 0)) throw new Error('the rows contradict the simulator')
  for (let at = 0; at < states.length; at++) states[at] /= all
}

const dayOf = (rows, row) => Math.floor(rows.time[row] / DAY_S)

/** Row numbers of each key, in order. */
const groupsOf = (keys) => {
  const groups = new Map()
  keys.forEach((key, row) => {
    const own = groups.get(key)
    if (own === undefined) groups.set(key, [row])
    else own.push(row)
  })
  return [...groups.values()]
}
