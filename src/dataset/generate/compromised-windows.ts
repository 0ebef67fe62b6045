import type { Random } from '../../foundation/random.ts'
import { evenDays } from './even-days.ts'
import type { World } from './spending.ts'

/**
 * A merchant whose transactions from `firstDay` (included) to `lastDay` (excluded) are partly frauds. It may
 * begin before the data, and end after them.
 */
export interface CompromisedWindow {
  readonly merchant: number
  readonly firstDay: number
  readonly lastDay: number
  /** Those that the data see. */
  readonly frauds: number
}

/** One fraud at a compromised merchant. */
export interface FraudAtMerchant {
  readonly day: number
  readonly merchant: number
}

interface OpenWindow {
  readonly merchant: number
  readonly firstDay: number
  readonly lastDay: number
  /** Frauds a day that its honest transactions ask for. */
  readonly rate: number
  frauds: number
}

/** Frauds that a window asks for at least: fewer are no compromise. */
const LEAST_FRAUDS = 5
const TRIES = 50

/**
 * Compromises merchants such that every day expects the same number of frauds, `count` in all.
 *
 * Days of the frauds are drawn first, evenly. Then, day by day, merchants are compromised until their honest
 * volume asks for the frauds of a day, and each fraud of the day goes to one of them. The windows open on day
 * 0 have begun on any of the days before. A merchant that would take more than half of what a day has is left
 * alone while there are smaller ones: else the most popular merchant would have most frauds of the pattern.
 */
export const planWindows = (
  world: World,
  honestPerDay: ArrayLike<number>,
  count: number,
  random: Random,
): { readonly windows: readonly CompromisedWindow[]; readonly frauds: readonly FraudAtMerchant[] } => {
  const { days, patterns } = world.settings
  const length = patterns.compromised_merchant.window_days
  const windows: OpenWindow[] = []
  const frauds: FraudAtMerchant[] = []
  const daysOfFrauds = evenDays(Array(count).fill(1), days, random.fork('days'))
  let open: OpenWindow[] = []
  let next = 0
  for (let day = 0; day < days; day++) {
    open = open.filter(({ lastDay }) => lastDay > day)
    let rate = open.reduce((sum, window) => sum + window.rate, 0)
    while (rate < count / days && open.length < world.merchants.count) {
      const firstDay = day === 0 ? -random.integer(length) : day
      const window = openWindow(world, honestPerDay, { firstDay, count, open }, random)
      rate += window.rate
      open.push(window)
      windows.push(window)
    }
    for (; daysOfFrauds[next] === day; next++) {
      const window = drawByRate(open, rate, random)
      window.frauds++
      frauds.push({ day, merchant: window.merchant })
    }
  }
  return { windows: windows.filter((window) => window.frauds > 0), frauds }
}

/** Compromises a merchant that is not yet, whose volume fits if there is one. */
const openWindow = (
  { merchants, settings }: World,
  honestPerDay: ArrayLike<number>,
  { firstDay, count, open }: { firstDay: number; count: number; open: readonly OpenWindow[] },
  random: Random,
): OpenWindow => {
  const { window_days, volume_multiple } = settings.patterns.compromised_merchant
  const lastDay = firstDay + window_days
  const least = LEAST_FRAUDS / Math.min(window_days, settings.days)
  const most = Math.max(least, count / settings.days / 2)
  const taken = new Set(open.map(({ merchant }) => merchant))
  const honest = meanOf(honestPerDay, Math.max(0, firstDay), Math.min(settings.days, lastDay))
  let merchant = 0
  let rate = 0
  for (let tries = 0; tries < TRIES; tries++) {
    merchant = random.integer(merchants.count)
    while (taken.has(merchant)) merchant = (merchant + 1) % merchants.count
    const share = merchants.popularity[merchant]! / merchants.totalPopularity
    rate = honest * share * volume_multiple * (0.5 + random.next())
    if (rate >= least && rate <= most) break
  }
  return { merchant, firstDay, lastDay, rate: Math.min(most, Math.max(least, rate)), frauds: 0 }
}

const drawByRate = (open: readonly OpenWindow[], total: number, random: Random): OpenWindow => {
  let left = random.next() * total
  for (const window of open) {
    left -= window.rate
    if (left < 0) return window
  }
  // What rounding leaves over.
  return open.at(-1)!
}

const meanOf = (values: ArrayLike<number>, from: number, to: number): number => {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i]!
  return sum / (to - from)
}
