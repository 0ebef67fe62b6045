import type { GenerateSettings } from '../../config/sections/generate.ts'
import type { Random } from '../../foundation/random.ts'
import { activeCustomers, type DrawActive } from './active-customers.ts'
import { type CompromisedWindow, planWindows } from './compromised-windows.ts'
import { evenDays } from './even-days.ts'
import { SECONDS_PER_DAY, secondOfDay, type World } from './spending.ts'
import { FRAUD_PATTERNS, type FraudPattern } from './vocabulary.ts'

/** Patterns whose acts may last beyond a day. */
type LongPattern = 'amount_burst' | 'stolen_card' | 'account_takeover'

/** What the data see of one act that may last beyond a day. */
export interface LongEpisode {
  readonly pattern: LongPattern
  /** Day of the first fraud that the data see. */
  readonly day: number
  readonly events: number
  readonly victim: number
  /** When each event happens, in seconds since the start of the data; in the act's order. */
  readonly seconds: readonly number[]
  /** How many of the events, the first ones, test a stolen card; 0 for other patterns. */
  readonly tests: number
}

/** `events` frauds of one pattern, all on `day`. */
export type DayEpisode =
  | { readonly pattern: 'impossible_travel' | 'odd_hours'; readonly day: number; readonly events: number }
  | {
      readonly pattern: 'compromised_merchant'
      readonly day: number
      readonly events: number
      readonly merchant: number
    }

/** One act of a fraudster. */
export type FraudEpisode = LongEpisode | DayEpisode

export interface FraudPlan {
  /** Episodes by the day on which they begin. */
  readonly byDay: readonly (readonly FraudEpisode[])[]
  readonly windows: readonly CompromisedWindow[]
  /** Number of frauds: `fraud_rate` of all transactions, rounded. */
  readonly frauds: number
}

/** Number of frauds among `transactions`. */
export const fraudsAmong = (transactions: number, settings: GenerateSettings): number =>
  Math.round(transactions * settings.fraud_rate)

/**
 * Plans every fraud before the first day: how many of each pattern, in episodes of random length, on which
 * day.
 *
 * - The total is exact, whatever the mix of patterns: the last episode of a pattern is cut short.
 * - Every day expects the same number of frauds of each pattern, the first and the last day too: no pattern
 *   grows, fades or comes in waves unless drift is asked for. Drift changes nothing here.
 * - Memory is proportional to the number of frauds, and to the customers while it plans.
 */
export const planFrauds = (
  world: World,
  transactions: number,
  honestPerDay: ArrayLike<number>,
  random: Random,
): FraudPlan => {
  const { settings } = world
  const frauds = fraudsAmong(transactions, settings)
  const byDay: FraudEpisode[][] = Array.from({ length: settings.days }, () => [])
  const windows: CompromisedWindow[] = []
  const drawVictim = activeCustomers(world.customers)
  const add = (episode: FraudEpisode): void => {
    byDay[episode.day]!.push(episode)
  }
  for (const [pattern, count] of apportion(frauds, settings)) {
    const stream = random.fork(pattern)
    if (pattern === 'compromised_merchant') {
      const planned = planWindows(world, honestPerDay, count, stream)
      windows.push(...planned.windows)
      for (const { day, merchant } of planned.frauds) add({ pattern, day, events: 1, merchant })
      continue
    }
    const acts = actsOf(pattern, count, settings, stream)
    const lengths = acts.map(({ events }) => events)
    evenDays(lengths, settings.days, stream).forEach((day, index) => {
      const { events, tests } = acts[index]!
      if (pattern === 'odd_hours' || pattern === 'impossible_travel') add({ pattern, day, events })
      else longEpisodes(world, { pattern, day, events, tests }, drawVictim, stream).forEach(add)
    })
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

interface Act {
  readonly events: number
  /** Of them, those that test a stolen card. */
  readonly tests: number
}

/** Acts of random length that have `count` events together. */
const actsOf = (
  pattern: FraudPattern,
  count: number,
  settings: GenerateSettings,
  random: Random,
): readonly Act[] => {
  const acts: Act[] = []
  for (let left = count; left > 0; ) {
    const act = drawAct(pattern, settings, random)
    const events = Math.min(left, act.events)
    // A thief who is cut short still takes something.
    acts.push({ events, tests: Math.min(act.tests, events - 1) })
    left -= events
  }
  return acts
}

const drawAct = (pattern: FraudPattern, settings: GenerateSettings, random: Random): Act => {
  const { amount_burst, stolen_card, account_takeover, impossible_travel, odd_hours } = settings.patterns
  const ofLength = (least: number, most: number): Act => ({ events: between(least, most, random), tests: 0 })
  switch (pattern) {
    case 'amount_burst':
      return ofLength(amount_burst.minimum_events, amount_burst.maximum_events)
    case 'stolen_card': {
      const tests = between(stolen_card.minimum_tests, stolen_card.maximum_tests, random)
      return { events: tests + between(1, stolen_card.maximum_large, random), tests }
    }
    case 'account_takeover':
      return ofLength(account_takeover.minimum_events, account_takeover.maximum_events)
    case 'impossible_travel':
      return ofLength(1, impossible_travel.maximum_events)
    case 'odd_hours':
      return ofLength(odd_hours.minimum_events, odd_hours.maximum_events)
    case 'compromised_merchant':
      return ofLength(1, 1)
  }
}

/** Whole number from `least` to `most`, both included; `least` when they are the wrong way round. */
const between = (least: number, most: number, random: Random): number =>
  least + random.integer(Math.max(1, most - least + 1))

/**
 * What the data see of an act that begins on `day`.
 *
 * The data are a stretch of something that has begun before and goes on: what an act does after their end is
 * not seen, and as much is seen, at their beginning, of an act that began before them. So the number of
 * frauds is exact, and the first day has as many as any other.
 */
const longEpisodes = (
  { customers, settings }: World,
  { pattern, day, events, tests }: Act & { readonly pattern: LongPattern; readonly day: number },
  drawVictim: DrawActive,
  random: Random,
): LongEpisode[] => {
  const victim = drawVictim(day, random)
  // A burst is among the holder's own purchases; thieves have hours of their own.
  const hours = pattern === 'amount_burst' ? victim : random.integer(customers.count)
  const start = day * SECONDS_PER_DAY + secondOfDay(customers, hours, day, random)
  const end = settings.days * SECONDS_PER_DAY
  const parts = new Map<number, { seconds: number[]; tests: number }>()
  for (let i = 0; i < events; i++) {
    const second = Math.floor(start + secondsAfterStart(pattern, i, events, settings, random))
    const lap = Math.floor(second / end)
    const part = parts.get(lap) ?? { seconds: [], tests: 0 }
    part.seconds.push(second - lap * end)
    if (i < tests) part.tests++
    parts.set(lap, part)
  }
  return [...parts].map(([lap, { seconds, tests }]) => {
    const day = Math.floor(Math.min(...seconds) / SECONDS_PER_DAY)
    return {
      pattern,
      day,
      events: seconds.length,
      victim: lap === 0 ? victim : drawVictim(day, random),
      seconds,
      tests,
    }
  })
}

/** When the event `i` of `events` happens, after the start of its act. */
const secondsAfterStart = (
  pattern: LongPattern,
  i: number,
  events: number,
  { patterns }: GenerateSettings,
  random: Random,
): number => {
  switch (pattern) {
    case 'amount_burst':
      return i > 0 ? random.next() * patterns.amount_burst.window_hours * 3600 : 0
    case 'stolen_card':
      return ((i + random.next()) / events) * patterns.stolen_card.window_minutes * 60
    case 'account_takeover':
      return ((i + random.next()) / events) * patterns.account_takeover.window_hours * 3600
  }
}
