import type { GenerateSettings } from '../../config/sections/generate.ts'
import { exp } from '../../foundation/elementary/exponential.ts'
import { createRandom, type Random } from '../../foundation/random.ts'
import { activityOn } from './active-customers.ts'
import { createCustomers } from './customers.ts'
import { EventBuffer, emptyEvent, OPTIONAL_VALUES } from './event-buffer.ts'
import { commitFraud } from './fraud-patterns.ts'
import { type FraudPlan, fraudsAmong, planFrauds } from './fraud-plan.ts'
import { createMerchants } from './merchants.ts'
import { honestTransaction, SECONDS_PER_DAY, type World } from './spending.ts'
import { weightedChoice } from './weighted-choice.ts'

/** A world and what will go wrong in it: all that is decided before the first day. */
export interface Simulation {
  readonly world: World
  readonly plan: FraudPlan
  /** Honest transactions of each day. */
  readonly honestPerDay: Int32Array
  readonly random: Random
  /** Number of transactions, duplicates not counted. */
  readonly transactions: number
}

/**
 * Prepares the simulation of `settings` from `seed`.
 *
 * Every part draws from its own fork, and every day from a fork of its part, so that a setting changes only
 * what it names: data with drift equal those without until the day of the drift.
 */
export const prepareSimulation = (
  settings: GenerateSettings,
  seed: number | string,
  transactions: number,
): Simulation => {
  const random = createRandom(seed)
  const merchants = createMerchants(settings.merchants, random.fork('merchants'))
  const nightOwls = settings.lookalikes.night_owls
  const customers = createCustomers(
    settings.users,
    settings.days,
    nightOwls,
    merchants,
    random.fork('customers'),
  )
  const world: World = { settings, customers, merchants }
  const honest = transactions - fraudsAmong(transactions, settings)
  const honestPerDay = quotas(world, honest, random.fork('quotas'))
  const plan = planFrauds(world, transactions, honestPerDay, random.fork('plan'))
  return { world, plan, honestPerDay, random, transactions }
}

/**
 * The transactions of one day after the other, each day sorted by time and numbered on. The buffer is reused.
 *
 * Steps of a day: honest transactions of customers drawn by activity -> frauds that begin today -> frauds
 * that earlier acts left for today -> gaps of optional values -> order.
 */
export function* simulateDays(
  simulation: Simulation,
): Generator<{ events: EventBuffer; order: Float64Array }> {
  const { world, plan, honestPerDay, random } = simulation
  const { days } = world.settings
  const today = new EventBuffer()
  let later = new EventBuffer()
  let number = 0
  for (let day = 0; day < days; day++) {
    const drawCustomer = weightedChoice(activityOn(world.customers, day))
    today.clear()
    addHonest(world, day, honestPerDay[day]!, drawCustomer, random.fork(`honest ${day}`), today)
    const honestCount = today.length

    const dayEnd = (day + 1) * SECONDS_PER_DAY
    const stillLater = new EventBuffer()
    for (let row = 0; row < later.length; row++)
      (later.columns.second[row]! < dayEnd ? today : stillLater).copy(later, row)
    later = stillLater
    const fraudRandom = random.fork(`fraud ${day}`)
    const emit = (event: ReturnType<typeof emptyEvent>): void => {
      ;(event.second < dayEnd ? today : later).add(event)
    }
    const scene = {
      world,
      day,
      drawCustomer,
      today,
      honestCount,
      random: fraudRandom,
      emit,
      event: emptyEvent(),
    }
    for (const episode of plan.byDay[day]!) commitFraud(scene, episode)

    const order = today.orderedBy('second')
    for (let i = 0; i < order.length; i++) today.columns.transaction[order[i]!] = ++number
    markMissing(world.settings, today, order, random.fork(`missing ${day}`))
    yield { events: today, order }
  }
}

const addHonest = (
  world: World,
  day: number,
  count: number,
  drawCustomer: (random: Random) => number,
  random: Random,
  buffer: EventBuffer,
): void => {
  const { lookalikes, disorder } = world.settings
  const dayEnd = (day + 1) * SECONDS_PER_DAY
  const event = emptyEvent()
  for (let i = 0; i < count; i++) {
    const previousSecond = event.second
    const chance = random.next()
    const sameSecond = i > 0 && chance < disorder.same_second_share
    const session = i > 0 && !sameSecond && chance > 1 - lookalikes.session
    const customer = sameSecond || session ? event.customer : drawCustomer(random)
    honestTransaction(world, customer, day, random, event)
    if (sameSecond) event.second = previousSecond
    else if (session) event.second = Math.min(dayEnd - 1, previousSecond + 20 + random.integer(1200))
    buffer.add(event)
  }
}

/**
 * Splits the honest transactions over the days, exactly, by how many customers there are and what weekday it
 * is.
 */
const quotas = (world: World, honest: number, random: Random): Int32Array => {
  const { days } = world.settings
  const weights = new Float64Array(days)
  let total = 0
  for (let day = 0; day < days; day++) {
    const activity = activityOn(world.customers, day).reduce((sum, value) => sum + value, 0)
    weights[day] = activity * exp(0.05 * random.normal())
    total += weights[day]!
  }
  const perDay = new Int32Array(days)
  let weight = 0
  let given = 0
  for (let day = 0; day < days; day++) {
    weight += weights[day]!
    const upTo = day === days - 1 ? honest : Math.round((honest * weight) / total)
    perDay[day] = upTo - given
    given = upTo
  }
  return perDay
}

const markMissing = (
  { missing }: GenerateSettings,
  events: EventBuffer,
  order: Float64Array,
  random: Random,
): void => {
  for (let bit = 0; bit < OPTIONAL_VALUES.length; bit++) {
    const name = OPTIONAL_VALUES[bit]!
    const share = missing[name]
    const stream = random.fork(name)
    if (share > 0)
      for (const row of order) if (stream.next() < share) events.columns.missing[row]! += 1 << bit
  }
}
