import { exp } from '../../foundation/elementary/exponential.ts'
import type { Random } from '../../foundation/random.ts'
import { CITIES, distanceKm } from './cities.ts'
import { cityOn } from './customers.ts'
import type { EventBuffer, GeneratedEvent } from './event-buffer.ts'
import type { DayEpisode, FraudEpisode, LongEpisode } from './fraud-plan.ts'
import {
  amountAt,
  inflation,
  payAs,
  payWithCard,
  placeIn,
  priced,
  SECONDS_PER_DAY,
  secondOfDay,
  thiefDevice,
  useDevice,
  type World,
} from './spending.ts'
import { DEVICE_TYPES, FRAUD_PATTERNS, TRANSACTION_TYPES } from './vocabulary.ts'
import type { WeightedChoice } from './weighted-choice.ts'

/** What a fraudster of one day has to work with. */
export interface FraudScene {
  readonly world: World
  readonly day: number
  /** Draws a customer who is active on that day. */
  readonly drawCustomer: WeightedChoice
  /** The day so far, whose first `honestCount` rows are honest; a copied card is used after one of those. */
  readonly today: EventBuffer
  readonly honestCount: number
  readonly random: Random
  /** Receives one fraud; the event is reused. It may lie on a later day. */
  readonly emit: (event: GeneratedEvent) => void
  readonly event: GeneratedEvent
}

type LongAct = (scene: FraudScene, episode: LongEpisode) => void
type DayAct = (scene: FraudScene, episode: DayEpisode) => void

const MOBILE = DEVICE_TYPES.indexOf('mobile')
const DESKTOP = DEVICE_TYPES.indexOf('desktop')
/** A thief's device is one and the same thing each time it is used: its number says which. */
const DEVICE_PARITY = [MOBILE, DESKTOP] as const
const TRANSFER = TRANSACTION_TYPES.indexOf('transfer')

/** Commits one planned episode: emits exactly `episode.events` frauds. */
export const commitFraud = (scene: FraudScene, episode: FraudEpisode): void => {
  scene.event.pattern = 1 + FRAUD_PATTERNS.indexOf(episode.pattern)
  const { kind, from_day, strength } = scene.world.settings.drift
  const changed = kind === 'concept' && scene.day >= from_day && scene.random.next() < strength
  if (changed) imitateVictim(scene, episode)
  else if ('seconds' in episode) LONG_ACTS[episode.pattern](scene, episode)
  else DAY_ACTS[episode.pattern](scene, episode)
}

/** Purchases of the holder's kind, with the holder's device and place, but several times the amount. */
const amountBurst: LongAct = ({ world, random, emit, event }, { victim, seconds }) => {
  const { minimum_multiple, maximum_multiple } = world.settings.patterns.amount_burst
  event.customer = victim
  for (const second of seconds) {
    const day = dayOf(second)
    event.second = second
    pickMerchant(world, victim, random, event)
    payAs(world, victim, world.customers.homeCity[victim]!, day, random, event)
    const multiple = minimum_multiple + (maximum_multiple - minimum_multiple) * random.next()
    event.amountMinor = amountAt(world, victim, event.merchant, multiple, day, random)
    emit(event)
  }
}

/** Card number used online: tests of small amounts within minutes, then large ones. */
const stolenCard: LongAct = ({ world, random, emit, event }, { victim, seconds, tests }) => {
  const settings = world.settings.patterns.stolen_card
  event.customer = victim
  const device = thiefDevice(world.customers, random.integer(2 ** 24))
  const city = random.next() < 0.5 ? world.customers.homeCity[victim]! : random.integer(CITIES.length)
  seconds.forEach((second, i) => {
    const day = dayOf(second)
    event.second = second
    pickOnline(world, random, event)
    payAs(world, victim, city, day, random, event)
    useDevice(event, device, DEVICE_PARITY[(device >>> 3) % 2]!)
    placeIn(event, city, random)
    event.amountMinor =
      i < tests
        ? priced(
            settings.test_amount * 100 * exp(0.6 * random.normal()) * inflation(world, day),
            false,
            random,
          )
        : amountAt(
            world,
            victim,
            event.merchant,
            settings.large_multiple * exp(0.4 * random.normal()),
            day,
            random,
          )
    emit(event)
  })
}

/** Transfers and purchases from a device and a place that the account has never seen. */
const accountTakeover: LongAct = ({ world, day, random, emit, event }, { victim, seconds }) => {
  const settings = world.settings.patterns.account_takeover
  event.customer = victim
  // A thief's device lives a week: several victims then share it, and no device is known for ever.
  const weekly = (world.settings.fraud_rate * world.settings.rows * 7) / world.settings.days / 20
  const devicesOfWeek = Math.max(1, Math.round(weekly / settings.victims_per_device))
  const device = 2 ** 25 + Math.floor(day / 7) * 4096 + random.integer(Math.min(4096, devicesOfWeek))
  const city = random.integer(CITIES.length)
  for (const second of seconds) {
    event.second = second
    pickOnline(world, random, event)
    payAs(world, victim, city, dayOf(second), random, event)
    if (random.next() < 0.3) event.transactionType = TRANSFER
    useDevice(event, thiefDevice(world.customers, device), DEVICE_PARITY[device % 2]!)
    placeIn(event, city, random)
    const multiple = settings.multiple * exp(0.6 * random.normal())
    event.amountMinor = amountAt(world, victim, event.merchant, multiple, dayOf(second), random)
    emit(event)
  }
}

/**
 * A copy of the card in a far city, minutes after the holder has paid somewhere; on the same day, so that
 * each day has the frauds that are planned for it.
 */
const impossibleTravel: DayAct = (scene, { events }) => {
  const { world, day, today, honestCount, random, emit, event } = scene
  const settings = world.settings.patterns.impossible_travel
  const columns = today.columns
  const anchor = honestCount > 0 ? random.integer(honestCount) : -1
  const victim = anchor < 0 ? victimOf(event, scene.drawCustomer, random) : columns.customer[anchor]!
  event.customer = victim
  const city = farFrom(
    columns.latitude[anchor] ?? 40,
    columns.longitude[anchor] ?? -4,
    settings.minimum_distance,
    random,
  )
  const start = anchor < 0 ? day * SECONDS_PER_DAY : columns.second[anchor]!
  const lasting = Math.min(settings.window_minutes * 60, (day + 1) * SECONDS_PER_DAY - 1 - start)
  const pool = world.merchants.drawInCity[city]!
  for (let i = 0; i < events; i++) {
    const part = (i + 0.1 + 0.9 * random.next()) / events
    event.second = Math.floor(start + 1 + part * (lasting - 1))
    payWithCard(world, victim, pool.members[pool.popular(random)]!, event)
    if (world.merchants.online[event.merchant] === 1) placeIn(event, city, random)
    event.amountMinor = amountAt(world, victim, event.merchant, 1.2 * exp(0.4 * random.normal()), day, random)
    emit(event)
  }
}

/**
 * An ordinary transaction at the compromised merchant, by somebody who might well shop there: only merchant
 * and time tell.
 */
const compromisedMerchant: DayAct = ({ world, day, drawCustomer, random, emit, event }, episode) => {
  const { customers, merchants, settings } = world
  for (let i = 0; i < episode.events; i++) {
    event.merchant = 'merchant' in episode ? episode.merchant : random.integer(merchants.count)
    const victim = localVictim(world, event.merchant, day, random) ?? drawCustomer(random)
    event.customer = victim
    event.second = day * SECONDS_PER_DAY + secondOfDay(customers, victim, day, random)
    payAs(world, victim, cityOn(customers, victim, day, settings.lookalikes.travel), day, random, event)
    event.amountMinor = amountAt(world, victim, event.merchant, 1, day, random)
    emit(event)
  }
}

/**
 * A customer who lives where a physical merchant stands and has joined by `day`; none for an online merchant.
 */
const localVictim = (
  { customers, merchants }: World,
  merchant: number,
  day: number,
  random: Random,
): number | undefined => {
  const residents = customers.residents[merchants.city[merchant]!]!
  if (merchants.online[merchant] === 1 || residents.length === 0) return undefined
  for (let tries = 0; tries < 50; tries++) {
    const resident = residents[random.integer(residents.length)]!
    if (customers.joinDay[resident]! <= day) return resident
  }
  return undefined
}

/** The holder's own device and habits, but while the holder sleeps; night owls are no victims. */
const oddHours: DayAct = ({ world, day, drawCustomer, random, emit, event }, { events }) => {
  const { first_hour, last_hour, multiple } = world.settings.patterns.odd_hours
  let victim = victimOf(event, drawCustomer, random)
  for (let tries = 0; tries < 50 && world.customers.rhythm[victim] === 3; tries++)
    victim = victimOf(event, drawCustomer, random)
  const length = Math.max(0.5, last_hour - first_hour)
  for (let i = 0; i < events; i++) {
    event.second = Math.floor(day * SECONDS_PER_DAY + (first_hour + length * random.next()) * 3600)
    pickMerchant(world, victim, random, event)
    payAs(world, victim, world.customers.homeCity[victim]!, day, random, event)
    event.amountMinor = amountAt(
      world,
      victim,
      event.merchant,
      multiple * exp(0.4 * random.normal()),
      day,
      random,
    )
    emit(event)
  }
}

/**
 * What fraudsters turn to when the concept drifts: the victim's hours, device, place, merchants and nearly
 * the amount. Each fraud stays on the day that was planned.
 */
const imitateVictim = (
  { world, drawCustomer, random, emit, event }: FraudScene,
  episode: FraudEpisode,
): void => {
  const victim = 'victim' in episode ? episode.victim : drawCustomer(random)
  event.customer = victim
  for (let i = 0; i < episode.events; i++) {
    const day = 'seconds' in episode ? dayOf(episode.seconds[i]!) : episode.day
    event.second = day * SECONDS_PER_DAY + secondOfDay(world.customers, victim, day, random)
    pickMerchant(world, victim, random, event)
    payAs(world, victim, world.customers.homeCity[victim]!, day, random, event)
    event.amountMinor = amountAt(world, victim, event.merchant, 1.3, day, random)
    emit(event)
  }
}

const LONG_ACTS: Readonly<Record<LongEpisode['pattern'], LongAct>> = {
  amount_burst: amountBurst,
  stolen_card: stolenCard,
  account_takeover: accountTakeover,
}

const DAY_ACTS: Readonly<Record<DayEpisode['pattern'], DayAct>> = {
  impossible_travel: impossibleTravel,
  compromised_merchant: compromisedMerchant,
  odd_hours: oddHours,
}

const dayOf = (second: number): number => Math.floor(second / SECONDS_PER_DAY)

const victimOf = (event: GeneratedEvent, drawCustomer: WeightedChoice, random: Random): number => {
  event.customer = drawCustomer(random)
  return event.customer
}

/** Any merchant within the holder's reach: cash is left out, for it needs the card and its number. */
const pickMerchant = (world: World, customer: number, random: Random, event: GeneratedEvent): void => {
  const { merchants, customers } = world
  const pool =
    random.next() < 0.45 ? merchants.drawOnline : merchants.drawInCity[customers.homeCity[customer]!]!
  event.merchant = pool.members[pool.popular(random)]!
}

const pickOnline = (world: World, random: Random, event: GeneratedEvent): void => {
  const pool = world.merchants.drawOnline
  event.merchant = pool.members[pool.popular(random)]!
}

/** A city at least `distance` km away from a point, or the farthest of the cities tried. */
const farFrom = (latitude: number, longitude: number, distance: number, random: Random): number => {
  let farthest = 0
  let reached = -1
  for (let tries = 0; tries < 100 && reached < distance * 1.05; tries++) {
    const city = random.integer(CITIES.length)
    const candidate = distanceKm(latitude, longitude, CITIES[city]!.latitude, CITIES[city]!.longitude)
    if (candidate > reached) {
      farthest = city
      reached = candidate
    }
  }
  return farthest
}
