import { log } from '../../foundation/elementary/logarithm.ts'
import { pow } from '../../foundation/elementary/power.ts'
import type { Random } from '../../foundation/random.ts'
import { CITIES } from './cities.ts'
import { CATEGORIES } from './vocabulary.ts'
import { type WeightedChoice, weightedChoice } from './weighted-choice.ts'

/** All merchants, one entry of each array per merchant. */
export interface Merchants {
  readonly count: number
  /** Index into CATEGORIES. */
  readonly category: Uint8Array
  /** 1: sells online only, and its place means nothing. */
  readonly online: Uint8Array
  /** Index into CITIES. */
  readonly city: Uint8Array
  readonly latitude: Float64Array
  readonly longitude: Float64Array
  /** Natural logarithm of the median amount in minor units. */
  readonly logPrice: Float64Array
  /** Relative number of transactions (Zipf). */
  readonly popularity: Float64Array
  /** Sum of `popularity`. */
  readonly totalPopularity: number
  /** Draws among the online merchants, by popularity. */
  readonly drawOnline: Pool
  /**
   * Draws among the physical merchants of each city of CITIES; falls back to online ones where there are
   * none.
   */
  readonly drawInCity: readonly Pool[]
}

/** Some merchants, drawn by popularity; `reversed` draws the unpopular ones often instead. */
export interface Pool {
  readonly members: Int32Array
  readonly popular: WeightedChoice
  readonly reversed: WeightedChoice
}

/** Zipf's exponent; 0.8 gives the busiest of 600 merchants about 6 % of all transactions. */
const ZIPF_EXPONENT = 0.8

/**
 * Makes `count` merchants: a category and a price level of their own, a city, and a popularity by Zipf's law.
 */
export const createMerchants = (count: number, random: Random): Merchants => {
  const drawCategory = weightedChoice(CATEGORIES.map((category) => category.share))
  const drawCity = weightedChoice(CITIES.map((city) => city.weight))
  const merchants = {
    count,
    category: new Uint8Array(count),
    online: new Uint8Array(count),
    city: new Uint8Array(count),
    latitude: new Float64Array(count),
    longitude: new Float64Array(count),
    logPrice: new Float64Array(count),
    popularity: new Float64Array(count),
  }
  const ranks = shuffled(count, random)
  for (let i = 0; i < count; i++) {
    // The first merchants are one of each category, so that small worlds have them all.
    const categoryIndex = i < CATEGORIES.length ? i : drawCategory(random)
    const category = CATEGORIES[categoryIndex]!
    const city = drawCity(random)
    merchants.category[i] = categoryIndex
    merchants.online[i] = random.next() < category.online ? 1 : 0
    merchants.city[i] = city
    merchants.latitude[i] = round4(CITIES[city]!.latitude + 0.03 * random.normal())
    merchants.longitude[i] = round4(CITIES[city]!.longitude + 0.03 * random.normal())
    merchants.logPrice[i] = log(category.medianMinor) + 0.4 * random.normal()
    merchants.popularity[i] = pow(ranks[i]! + 1, -ZIPF_EXPONENT)
  }
  let totalPopularity = 0
  for (const value of merchants.popularity) totalPopularity += value
  const drawOnline = poolOf(merchants.popularity, (i) => merchants.online[i] === 1 || count < 2)
  return {
    ...merchants,
    totalPopularity,
    drawOnline,
    drawInCity: CITIES.map((_, city) =>
      poolOf(
        merchants.popularity,
        (i) => merchants.online[i] === 0 && merchants.city[i] === city,
        drawOnline,
      ),
    ),
  }
}

const poolOf = (popularity: Float64Array, belongs: (merchant: number) => boolean, otherwise?: Pool): Pool => {
  const members = Int32Array.from(popularity.keys()).filter(belongs)
  if (members.length === 0) return otherwise ?? poolOf(popularity, () => true)
  const weights = Array.from(members, (merchant) => popularity[merchant]!)
  const reversedWeights = weights.map((weight) => 1 / weight)
  return { members, popular: weightedChoice(weights), reversed: weightedChoice(reversedWeights) }
}

const shuffled = (count: number, random: Random): Int32Array => {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const held = order[i]!
    order[i] = order[j]!
    order[j] = held
  }
  return order
}

/** Coordinates have four decimals (about 10 m), as terminals report them. */
export const round4 = (degrees: number): number => Math.round(degrees * 1e4) / 1e4
