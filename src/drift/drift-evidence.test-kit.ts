import type { Random } from '../foundation/random.ts'
import { DriftDetector } from './drift-detector.ts'
import type { DriftLook } from './drift-look.ts'
import type { DayProfile } from './profile-book.ts'
import { SimulatedBank } from './simulated-bank.test-kit.ts'

/** Days of history before the first look. */
export const HISTORY = 60

/** Days of each seed at which each change begins. */
export const TRIALS = 4

interface Change {
  readonly title: string
  readonly features: readonly string[]
  /** Days that it lasts before it counts as not found. */
  readonly days: number
  readonly change: (values: Float64Array, random: Random) => void
}

const shift = (by: number) => (values: Float64Array) => {
  for (let i = 0; i < values.length; i++) values[i]! += by
}

/** As many rows more as the category has go over to it, from all others alike. */
const doubleCategory =
  (code: number) =>
  (values: Float64Array, { next }: Random) => {
    const share = values.filter((value) => value === code).length / values.length
    for (let i = 0; i < values.length; i++)
      if (values[i] !== code && next() < share / (1 - share)) values[i] = code
  }

const loseMore =
  (share: number) =>
  (values: Float64Array, { next }: Random) => {
    for (let i = 0; i < values.length; i++) if (next() < share) values[i] = Number.NaN
  }

const NUMERIC = ['plain_0', 'plain_3', 'user_1', 'user_4', 'risk_2', 'gaps_1']
const INDEPENDENT = ['plain_0', 'plain_3', 'gaps_1']

const CHANGES: readonly Change[] = [
  { title: '.1 sd, independent rows, the same day', features: INDEPENDENT, days: 1, change: shift(0.1) },
  { title: '.05 sd, independent rows, within 3 days', features: INDEPENDENT, days: 3, change: shift(0.05) },
  {
    title: '.1 sd, rows of the same users and risks with memory too, the same day',
    features: NUMERIC,
    days: 1,
    change: shift(0.1),
  },
  { title: '.05 sd, the same, within 3 days', features: NUMERIC, days: 3, change: shift(0.05) },
  {
    title: 'a category of 1 % doubled, the same day',
    features: ['category_4', 'category_5'],
    days: 1,
    change: doubleCategory(13),
  },
  {
    title: 'missing values 2 % to 4 %, the same day',
    features: ['gaps_0', 'gaps_2', 'gaps_5'],
    days: 1,
    change: loseMore(0.0204),
  },
]

/** A bank without drift: what it is like, and its days, those of history first. */
export interface LookedAtBank {
  readonly seed: number
  readonly bank: SimulatedBank
  readonly days: readonly DayProfile[]
}

export const simulatedBanks = (first: number, seeds: number, looks: number): LookedAtBank[] =>
  Array.from({ length: seeds }, (_, at) => {
    const bank = new SimulatedBank(first + at)
    return { seed: first + at, bank, days: bank.days(0, HISTORY + looks) }
  })

/** A look at each day after the history. */
export const looksAt = ({ bank, days }: LookedAtBank): DriftLook[] => {
  const detector = new DriftDetector({ layout: bank.layout, history: days.slice(0, HISTORY) })
  return days.slice(HISTORY).map((day) => detector.look(day))
}

/** How often one kind of change was found. */
export interface FoundChange {
  readonly title: string
  /** Looks that found it on the feature that changed. */
  found: number
  /** Looks that told of anything. */
  told: number
  trials: number
}

/** Each kind of change, on each of its features, from some days of each bank on. */
export const changesFound = (banks: readonly LookedAtBank[]): readonly FoundChange[] => {
  const tallies = CHANGES.map(({ title }): FoundChange => ({ title, found: 0, told: 0, trials: 0 }))
  for (const { bank, days } of banks)
    for (let trial = 0; trial < TRIALS; trial++) {
      const from = HISTORY + trial * Math.floor((days.length - HISTORY - 3) / TRIALS)
      const options = { layout: bank.layout, history: days.slice(from - HISTORY, from) }
      const shared = new DriftDetector(options)
      for (const [at, { features, days: lasting, change }] of CHANGES.entries())
        for (const feature of features) {
          const changed = days.slice(from, from + lasting).map((day) => bank.changed(day, feature, change))
          const detector = lasting === 1 ? shared : new DriftDetector(options)
          const looks = changed.map((day) => (lasting === 1 ? detector.assess(day) : detector.look(day)))
          const own = looks.map((look) => look.features.find((each) => each.feature === feature)!)
          const tally = tallies[at]!
          tally.trials++
          if (own.some(({ chart }) => chart?.isBeyond === true)) tally.found++
          if (looks.some(({ found }) => found !== 'none')) tally.told++
        }
    }
  return tallies
}

/** Wilson's 95 % interval of a share (1927). */
export const intervalOf = (hits: number, all: number): { readonly low: number; readonly high: number } => {
  const z = 1.96
  const share = hits / all
  const middle = (share + (z * z) / (2 * all)) / (1 + (z * z) / all)
  const half = (z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all))) / (1 + (z * z) / all)
  return { low: Math.max(0, middle - half), high: middle + half }
}
