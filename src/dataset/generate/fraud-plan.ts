import type { GenerateSettings } from '../../config/sections/generate.ts'
import type { Random } from '../../foundation/random.ts'
import type { World } from './spending.ts'
import { FRAUD_PATTERNS, type FraudPattern } from './vocabulary.ts'

/** One act of a fraudster: `events` frauds of one pattern that begin on `day`. */
export interface FraudEpisode {
  readonly pattern: FraudPattern
  readonly day: number
  readonly events: number
  /** The compromised merchant; only that pattern has one. */
  readonly merchant?: number
}

/** A merchant whose transactions from `firstDay` (included) to `lastDay` (excluded) are partly frauds. */
export interface CompromisedWindow {
  readonly merchant: number
  readonly firstDay: number
  readonly lastDay: number
  readonly frauds: number
}

export interface FraudPlan {
  /** Episodes by the day on which they begin. */
  readonly byDay: readonly (readonly FraudEpisode[])[]
  readonly windows: readonly CompromisedWindow[]
  /** Number of frauds: `fraud_rate` of all transactions, rounded. */
  readonly frauds: number
}

/**
 * Plans every fraud before the first day: how many of each pattern, in episodes of random length, on random
 * days.
 *
 * The total is exact, whatever the mix of patterns: the last episode of a pattern is cut short. Memory is
 * proportional to the number of frauds.
 */
export const planFrauds = (world: World, transactions: number, random: Random): FraudPlan => {
  const { settings } = world
  const frauds = Math.round(transactions * settings.fraud_rate)
  const counts = frauds > 0 ? apportion(frauds, settings) : new Map<FraudPattern, number>()
  const byDay: FraudEpisode[][] = Array.from({ length: settings.days }, () => [])
  const windows: CompromisedWindow[] = []
  for (const [pattern, count] of counts) {
    const stream = random.fork(pattern)
    if (pattern === 'compromised_merchant') windows.push(...planWindows(world, transactions, count, stream))
    else
      for (let left = count; left > 0; ) {
        const events = Math.min(left, episodeLength(pattern, settings, stream))
        const day = stream.integer(settings.days)
        byDay[day]!.push({ pattern, day, events })
        left -= events
      }
  }
  const stream = random.fork('days of windows')
  for (const { merchant, firstDay, lastDay, frauds } of windows)
    for (let i = 0; i < frauds; i++) {
      const day = firstDay + stream.integer(lastDay - firstDay)
      byDay[day]!.push({ pattern: 'compromised_merchant', day, events: 1, merchant })
    }
  return { byDay, windows, frauds }
}

/** Splits `frauds` by the relative shares, exactly: rounding the running total never loses one. */
const apportion = (frauds: number, settings: GenerateSettings): Map<FraudPattern, number> => {
  const total = FRAUD_PATTERNS.reduce((sum, pattern) => sum + settings.patterns[pattern].share, 0)
  const counts = new Map<FraudPattern, number>()
  let share = 0
  let given = 0
  for (const pattern of FRAUD_PATTERNS) {
    // All shares 0: the patterns are equally frequent, since fraud_rate asks for frauds.
    share += total > 0 ? settings.patterns[pattern].share / total : 1 / FRAUD_PATTERNS.length
    const upTo = Math.min(frauds, Math.round(frauds * share))
    counts.set(pattern, upTo - given)
    given = upTo
  }
  return counts
}

const episodeLength = (pattern: FraudPattern, settings: GenerateSettings, random: Random): number => {
  const { amount_burst, stolen_card, account_takeover, impossible_travel, odd_hours } = settings.patterns
  switch (pattern) {
    case 'amount_burst':
      return between(amount_burst.minimum_events, amount_burst.maximum_events, random)
    case 'stolen_card':
      return (
        between(stolen_card.minimum_tests, stolen_card.maximum_tests, random) +
        between(1, stolen_card.maximum_large, random)
      )
    case 'account_takeover':
      return between(account_takeover.minimum_events, account_takeover.maximum_events, random)
    case 'impossible_travel':
      return between(1, impossible_travel.maximum_events, random)
    case 'odd_hours':
      return between(odd_hours.minimum_events, odd_hours.maximum_events, random)
    case 'compromised_merchant':
      return 1
  }
}

/** Whole number from `least` to `most`, both included; `least` when they are the wrong way round. */
const between = (least: number, most: number, random: Random): number =>
  least + random.integer(Math.max(1, most - least + 1))

/** Compromises one merchant after another until their windows hold `count` frauds. */
const planWindows = (
  world: World,
  transactions: number,
  count: number,
  random: Random,
): CompromisedWindow[] => {
  const { merchants, settings } = world
  const { window_days, volume_multiple } = settings.patterns.compromised_merchant
  const length = Math.min(window_days, settings.days)
  const windows: CompromisedWindow[] = []
  for (let left = count; left > 0; ) {
    const merchant = random.integer(merchants.count)
    const firstDay = random.integer(settings.days - length + 1)
    const expectedHonest =
      (transactions * (merchants.popularity[merchant]! / merchants.totalPopularity) * length) / settings.days
    const wished = Math.round(expectedHonest * volume_multiple * (0.5 + random.next()))
    const frauds = Math.min(left, Math.max(5, wished))
    windows.push({ merchant, firstDay, lastDay: firstDay + length, frauds })
    left -= frauds
  }
  return windows
}
