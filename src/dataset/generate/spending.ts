import type { GenerateSettings } from '../../config/sections/generate.ts'
import { exp } from '../../foundation/elementary/exponential.ts'
import type { Random } from '../../foundation/random.ts'
import { CITIES } from './cities.ts'
import {
  type Customers,
  cardOf,
  cityOn,
  DEVICE_SLOTS,
  desktopOf,
  FAVOURITES,
  phoneOf,
  RHYTHMS,
  tabletOf,
} from './customers.ts'
import type { GeneratedEvent } from './event-buffer.ts'
import { type Merchants, round4 } from './merchants.ts'
import { CATEGORIES, DEVICE_TYPES, type DeviceType, TRANSACTION_TYPES } from './vocabulary.ts'

/** The unchanging part of a generated world. */
export interface World {
  readonly settings: GenerateSettings
  readonly customers: Customers
  readonly merchants: Merchants
}

export const SECONDS_PER_DAY = 86_400

const device = (name: DeviceType): number => DEVICE_TYPES.indexOf(name)
const MOBILE = device('mobile')
const DESKTOP = device('desktop')
const TABLET = device('tablet')
const POS = device('pos')
const ATM = device('atm')
const TYPE_OF_CATEGORY = CATEGORIES.map((category) => TRANSACTION_TYPES.indexOf(category.transactionType))
export const WITHDRAWAL = TRANSACTION_TYPES.indexOf('withdrawal')

/** Public devices that anybody may borrow. */
const PUBLIC_DEVICES = 40

/** Fills `event` with an honest transaction of a customer on a day, at a time of the customer's rhythm. */
export const honestTransaction = (
  world: World,
  customer: number,
  day: number,
  random: Random,
  event: GeneratedEvent,
): void => {
  event.customer = customer
  event.second = day * SECONDS_PER_DAY + secondOfDay(world.customers, customer, day, random)
  event.pattern = 0
  const city = cityOn(world.customers, customer, day, world.settings.lookalikes.travel)
  chooseMerchant(world, customer, city, day, random, event)
  payAs(world, customer, city, day, random, event)
  event.amountMinor = amountAt(world, customer, event.merchant, honestMultiple(world, random), day, random)
}

/**
 * Seconds since midnight (UTC) at which a customer is about, by rhythm; an hour later on Saturdays and
 * Sundays.
 */
export const secondOfDay = (customers: Customers, customer: number, day: number, random: Random): number => {
  const peaks = RHYTHMS[customers.rhythm[customer]!]!.peaks
  const [hour, spread] = peaks[random.integer(3)]!
  const shift = customers.shiftHours[customer]! + (day % 7 >= 5 ? 1 : 0)
  const second = Math.floor((hour + shift + spread * random.normal()) * 3600) % SECONDS_PER_DAY
  return second < 0 ? second + SECONDS_PER_DAY : second
}

/** Most purchases go to favourites, some to other merchants of the place, some online. */
const chooseMerchant = (
  world: World,
  customer: number,
  city: number,
  day: number,
  random: Random,
  event: GeneratedEvent,
): void => {
  const { customers, merchants, settings } = world
  const drift = settings.drift
  const away = city !== customers.homeCity[customer]
  const choice = random.next()
  if (drift.kind === 'merchants' && day >= drift.from_day && random.next() < drift.strength) {
    event.merchant = merchants.drawOnline.members[merchants.drawOnline.reversed(random)]!
  } else if (choice < (away ? 0.2 : 0.7)) {
    // The square favours the first favourites; a favourite at home is out of reach on a journey.
    const drawn = random.next()
    const favourite = Math.floor(FAVOURITES * (drawn * drawn))
    const merchant = customers.favourites[customer * FAVOURITES + favourite]!
    event.merchant = away && merchants.online[merchant] === 0 ? anyIn(merchants, city, random) : merchant
  } else if (choice < 0.8) {
    event.merchant = merchants.drawOnline.members[merchants.drawOnline.popular(random)]!
  } else {
    event.merchant = anyIn(merchants, city, random)
  }
}

const anyIn = (merchants: Merchants, city: number, random: Random): number => {
  const pool = merchants.drawInCity[city]!
  return pool.members[pool.popular(random)]!
}

/**
 * Sets type, device and place of a payment at `event.merchant` by somebody who is in `city` and is who he
 * says.
 */
export const payAs = (
  world: World,
  customer: number,
  city: number,
  day: number,
  random: Random,
  event: GeneratedEvent,
): void => {
  const { customers, merchants, settings } = world
  const merchant = event.merchant
  event.transactionType = TYPE_OF_CATEGORY[merchants.category[merchant]!]!
  if (merchants.online[merchant] === 0) {
    payWithCard(world, customer, merchant, event)
    return
  }
  const chance = random.next()
  const desktop = customers.desktopShare[customer]!
  const tablet = customers.tabletShare[customer]!
  if (chance < desktop) useDevice(event, desktopOf(customer), DESKTOP)
  else if (chance < desktop + tablet) useDevice(event, tabletOf(customer), TABLET)
  else useDevice(event, phoneOf(customers, customer, day), MOBILE)

  if (random.next() < settings.lookalikes.borrowed_device) {
    const isPublic = random.next() < 0.5
    if (isPublic) useDevice(event, borrowable(customers, random.integer(PUBLIC_DEVICES)), DESKTOP)
    else useDevice(event, phoneOf(customers, random.integer(customers.count), day), MOBILE)
  }
  if (random.next() < settings.lookalikes.remote_network)
    placeIn(event, random.integer(CITIES.length), random)
  else if (city === customers.homeCity[customer]) {
    event.city = city
    event.latitude = round4(customers.homeLatitude[customer]! + 0.01 * random.normal())
    event.longitude = round4(customers.homeLongitude[customer]! + 0.01 * random.normal())
  } else placeIn(event, city, random)
}

/** The card itself at the merchant's terminal. */
export const payWithCard = (
  world: World,
  customer: number,
  merchant: number,
  event: GeneratedEvent,
): void => {
  const { merchants } = world
  event.merchant = merchant
  event.transactionType = TYPE_OF_CATEGORY[merchants.category[merchant]!]!
  useDevice(event, cardOf(customer), event.transactionType === WITHDRAWAL ? ATM : POS)
  event.city = merchants.city[merchant]!
  event.latitude = merchants.latitude[merchant]!
  event.longitude = merchants.longitude[merchant]!
}

export const useDevice = (event: GeneratedEvent, number: number, deviceType: number): void => {
  event.device = number
  event.deviceType = deviceType
}

/** Somewhere in a city. */
export const placeIn = (event: GeneratedEvent, city: number, random: Random): void => {
  event.city = city
  event.latitude = round4(CITIES[city]!.latitude + 0.05 * random.normal())
  event.longitude = round4(CITIES[city]!.longitude + 0.05 * random.normal())
}

/** Numbers after those of the customers: public devices first, then those of thieves. */
const borrowable = (customers: Customers, index: number): number => customers.count * DEVICE_SLOTS + index

/** The device of a thief. */
export const thiefDevice = (customers: Customers, index: number): number =>
  customers.count * DEVICE_SLOTS + PUBLIC_DEVICES + index

const honestMultiple = (world: World, random: Random): number =>
  random.next() < world.settings.lookalikes.big_purchase ? 2.5 + 5 * random.next() : 1

/**
 * Amount in minor units of a purchase at a merchant, `multiple` times what this customer would usually pay
 * there.
 *
 * Prices end as prices do, in both classes: cash in tens, a third of the rest in .00, .50, .95 or .99.
 */
export const amountAt = (
  world: World,
  customer: number,
  merchant: number,
  multiple: number,
  day: number,
  random: Random,
): number => {
  const { customers, merchants } = world
  const category = merchants.category[merchant]!
  // Groceries cost the rich a little more only: the exponent is below 1.
  const log =
    merchants.logPrice[merchant]! +
    0.7 * customers.logSpending[customer]! +
    CATEGORIES[category]!.spread * random.normal()
  const amount = exp(log) * multiple * inflation(world, day)
  return priced(amount, TYPE_OF_CATEGORY[category] === WITHDRAWAL, random)
}

/** Factor on all amounts of a day: 1 unless amounts drift. */
export const inflation = (world: World, day: number): number => {
  const { kind, from_day, strength } = world.settings.drift
  return kind === 'amount' && day >= from_day ? 1 + strength : 1
}

/** A positive amount as a price in minor units. */
export const priced = (amountMinor: number, isCash: boolean, random: Random): number => {
  const ending = random.next()
  if (isCash) return Math.max(1000, Math.round(amountMinor / 1000) * 1000)
  const whole = Math.max(100, Math.round(amountMinor / 100) * 100)
  if (ending < 0.12) return whole
  if (ending < 0.17) return whole + 50
  if (ending < 0.25) return whole - 5
  if (ending < 0.34) return whole - 1
  return Math.max(30, Math.round(amountMinor))
}
