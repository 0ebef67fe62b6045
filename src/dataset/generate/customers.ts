import { exp } from '../../foundation/elementary/exponential.ts'
import type { Random } from '../../foundation/random.ts'
import { CITIES } from './cities.ts'
import { type Merchants, round4 } from './merchants.ts'
import { noise } from './noise.ts'
import { weightedChoice } from './weighted-choice.ts'

/** All customers, one entry of each array per customer. */
export interface Customers {
  readonly count: number
  /** First day with transactions; half of the customers are there from day 0. */
  readonly joinDay: Int32Array
  /** Relative number of transactions on a working day. */
  readonly activity: Float64Array
  /** Factor on `activity` on Saturdays and Sundays. */
  readonly weekendFactor: Float64Array
  /** Natural logarithm of how much more than the median customer this one spends. */
  readonly logSpending: Float64Array
  /** Index into RHYTHMS. */
  readonly rhythm: Uint8Array
  /** Hours by which this customer is later than the rhythm. */
  readonly shiftHours: Float64Array
  /** Index into CITIES. */
  readonly homeCity: Uint8Array
  readonly homeLatitude: Float64Array
  readonly homeLongitude: Float64Array
  /** Share of online transactions made on a desktop, and on a tablet; the rest on the phone. */
  readonly desktopShare: Float64Array
  readonly tabletShare: Float64Array
  /** Day on which the phone is replaced; mostly beyond the end. */
  readonly newPhoneDay: Int32Array
  /** FAVOURITES favourite merchants of each customer, the dearest first. */
  readonly favourites: Int32Array
  /** Of each city of CITIES, the customers who live there. */
  readonly residents: readonly (readonly number[])[]
  /** Salt of the customer's noise (travel). */
  readonly salt: number
}

/** Number of favourite merchants of a customer. */
export const FAVOURITES = 10

/** A rhythm of the day: three peaks (hour of day, standard deviation in hours), equally frequent. */
export interface Rhythm {
  readonly name: string
  readonly share: number
  readonly peaks: readonly (readonly [hour: number, spread: number])[]
}

/** Rhythms without the night owls, whose share is a setting. */
export const RHYTHMS: readonly Rhythm[] = [
  {
    name: 'office',
    share: 0.5,
    peaks: [
      [8.5, 0.8],
      [14, 1.2],
      [19.5, 1.6],
    ],
  },
  {
    name: 'day',
    share: 0.3,
    peaks: [
      [10.5, 1.5],
      [13, 1.8],
      [17, 1.8],
    ],
  },
  {
    name: 'evening',
    share: 0.2,
    peaks: [
      [13, 2],
      [19, 1.8],
      [21.5, 1.2],
    ],
  },
  {
    name: 'night owl',
    share: 0,
    peaks: [
      [15, 2.5],
      [22.5, 2],
      [26.5, 1.8],
    ],
  },
]

/** Index of the rhythm of those who are awake at night. */
export const NIGHT_OWL = 3

/** Makes `count` customers who spend, travel, join and sleep each in their own way. */
export const createCustomers = (
  count: number,
  days: number,
  nightOwls: number,
  merchants: Merchants,
  random: Random,
): Customers => {
  const drawCity = weightedChoice(CITIES.map((city) => city.weight))
  const drawRhythm = weightedChoice(RHYTHMS.map((rhythm) => rhythm.share))
  const residents: number[][] = CITIES.map(() => [])
  const customers: Customers = {
    count,
    joinDay: new Int32Array(count),
    activity: new Float64Array(count),
    weekendFactor: new Float64Array(count),
    logSpending: new Float64Array(count),
    rhythm: new Uint8Array(count),
    shiftHours: new Float64Array(count),
    homeCity: new Uint8Array(count),
    homeLatitude: new Float64Array(count),
    homeLongitude: new Float64Array(count),
    desktopShare: new Float64Array(count),
    tabletShare: new Float64Array(count),
    newPhoneDay: new Int32Array(count),
    favourites: new Int32Array(count * FAVOURITES),
    residents,
    salt: random.integer(2 ** 32),
  }
  for (let i = 0; i < count; i++) {
    const city = drawCity(random)
    // The first customer is always there, so that every day has somebody.
    customers.joinDay[i] = i === 0 || random.next() < 0.5 ? 0 : random.integer(days)
    customers.activity[i] = exp(0.7 * random.normal())
    customers.weekendFactor[i] = exp(0.4 * random.normal())
    customers.logSpending[i] = 0.55 * random.normal()
    customers.rhythm[i] = random.next() < nightOwls ? NIGHT_OWL : drawRhythm(random)
    customers.shiftHours[i] = 0.7 * random.normal()
    customers.homeCity[i] = city
    residents[city]!.push(i)
    customers.homeLatitude[i] = round4(CITIES[city]!.latitude + 0.05 * random.normal())
    customers.homeLongitude[i] = round4(CITIES[city]!.longitude + 0.05 * random.normal())
    customers.desktopShare[i] = random.next() < 0.6 ? 0.5 * random.next() : 0
    customers.tabletShare[i] = random.next() < 0.25 ? 0.3 * random.next() : 0
    customers.newPhoneDay[i] = random.integer(Math.max(days, 365) * 2)
    for (let k = 0; k < FAVOURITES; k++) {
      const pool = random.next() < 0.35 ? merchants.drawOnline : merchants.drawInCity[city]!
      customers.favourites[i * FAVOURITES + k] = pool.members[pool.popular(random)]!
    }
  }
  return customers
}

/** A journey is at most this long, and there is at most one in each such period. */
const TRAVEL_PERIOD_DAYS = 14

/**
 * Where a customer is on a day: a city other than home while on a journey.
 *
 * `travelShare` is the share of 14-day periods with a journey, of 2 to 9 days.
 */
export const cityOn = (customers: Customers, customer: number, day: number, travelShare: number): number => {
  const home = customers.homeCity[customer]!
  const shifted = day + (customer % TRAVEL_PERIOD_DAYS)
  const period = Math.floor(shifted / TRAVEL_PERIOD_DAYS)
  const bits = noise(customer, period, customers.salt)
  if (bits >= travelShare * 2 ** 32) return home
  const journey = noise(customer, period, customers.salt ^ 0x5bd1e995)
  const length = 2 + (journey % 8)
  const first = (journey >>> 8) % (TRAVEL_PERIOD_DAYS - length)
  const dayOfPeriod = shifted % TRAVEL_PERIOD_DAYS
  return dayOfPeriod >= first && dayOfPeriod < first + length ? (journey >>> 16) % CITIES.length : home
}

/** Devices are whole numbers; mixing makes them identifiers, alike for customers and thieves. */
export const DEVICE_SLOTS = 5

/** The card of a customer, as a terminal sees it. */
export const cardOf = (customer: number): number => customer * DEVICE_SLOTS

/** The phone that a customer has on a day. */
export const phoneOf = (customers: Customers, customer: number, day: number): number =>
  customer * DEVICE_SLOTS + (day < customers.newPhoneDay[customer]! ? 1 : 2)

/** One customer in eight shares the desktop with the customer before, as families do. */
export const desktopOf = (customer: number): number =>
  (customer % 8 === 7 ? customer - 1 : customer) * DEVICE_SLOTS + 3

export const tabletOf = (customer: number): number => customer * DEVICE_SLOTS + 4
