import type { Random } from '../../foundation/random.ts'
import type { Customers } from './customers.ts'
import { weightedChoice } from './weighted-choice.ts'

/** Draws a customer who is active on a day. */
export type DrawActive = (day: number, random: Random) => number

/** Relative number of transactions of each customer on a day: 0 before joining. */
export const activityOn = (customers: Customers, day: number): Float64Array => {
  const { count, joinDay } = customers
  const weights = new Float64Array(count)
  for (let i = 0; i < count; i++) if (joinDay[i]! <= day) weights[i] = activityOf(customers, i, day)
  return weights
}

/**
 * Prepares draws by `activityOn` any day, for what is planned before the days: nothing is kept for a day.
 */
export const activeCustomers = (customers: Customers): DrawActive => {
  const { count, joinDay } = customers
  const choiceOn = (day: number) =>
    weightedChoice(Float64Array.from({ length: count }, (_, i) => activityOf(customers, i, day)))
  const workday = choiceOn(0)
  const weekend = choiceOn(5)
  return (day, random) => {
    const draw = isWeekend(day) ? weekend : workday
    for (let tries = 0; tries < 1000; tries++) {
      const customer = draw(random)
      if (joinDay[customer]! <= day) return customer
    }
    // The first customer is always there.
    return 0
  }
}

const activityOf = ({ activity, weekendFactor }: Customers, customer: number, day: number): number =>
  activity[customer]! * (isWeekend(day) ? weekendFactor[customer]! : 1)

const isWeekend = (day: number): boolean => day % 7 >= 5
