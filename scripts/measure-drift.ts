/**
 * How often drift is called without drift, and how often drift is found, on simulated banks: the numbers of
 * docs/drift.md. Run: `npx tsx scripts/measure-drift.ts [seeds] [looks] [first seed]` (default 5, 100 and 1;
 * some 40 CPU seconds a seed).
 */

import { DriftDetector } from '../src/drift/drift-detector.ts'
import type { DriftLook } from '../src/drift/drift-look.ts'
import type { DayProfile } from '../src/drift/profile-book.ts'
import { isAtLeast } from '../src/drift/severity.ts'
import { SimulatedBank } from '../src/drift/simulated-bank.test-kit.ts'
import type { Random } from '../src/foundation/random.ts'

const HISTORY = 60

/** Days of each seed at which each change begins. */
const TRIALS = 4

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

const main = (): void => {
  const seeds = Number(process.argv[2] ?? 5)
  const looks = Number(process.argv[3] ?? 100)
  const first = Number(process.argv[4] ?? 1)
  const banks = Array.from({ length: seeds }, (_, at) => {
    const bank = new SimulatedBank(first + at)
    return { seed: first + at, bank, days: bank.days(0, HISTORY + looks) }
  })
  const { names } = banks[0]!.bank
  console.log(
    `${names.length} features, the score and 4 segments; about 10,000 rows a day; ${HISTORY} days of history`,
  )
  tellFalseAlarms(banks.map(({ seed, bank, days }) => ({ seed, looks: looksOf(bank, days) })))
  console.log(
    `\nOne feature changed: looks that found it on that feature (${TRIALS} days a seed and feature)`,
  )
  tellPower(banks)
}

const looksOf = (bank: SimulatedBank, days: readonly DayProfile[]): DriftLook[] => {
  const detector = new DriftDetector({ layout: bank.layout, history: days.slice(0, HISTORY) })
  return days.slice(HISTORY).map((day) => detector.look(day))
}

const tellFalseAlarms = (
  bySeed: readonly { readonly seed: number; readonly looks: readonly DriftLook[] }[],
): void => {
  console.log('\nNo drift: looks that raised anything')
  for (const { seed, looks } of bySeed) {
    const raised = looks.filter(({ isRaised }) => isRaised)
    const columns = raised.flatMap((look) =>
      [...look.features, look.score, ...look.segments].flatMap((drift) =>
        drift.chart?.isBeyond === true
          ? ['feature' in drift ? drift.feature : `score ${drift.segment ?? ''}`]
          : [],
      ),
    )
    console.log(`  seed ${seed}: ${raised.length} of ${looks.length}   ${columns.join(' ')}`)
  }
  const all = bySeed.flatMap(({ looks }) => looks)
  console.log(`  all: ${withInterval(all.filter(({ isRaised }) => isRaised).length, all.length)}`)
  for (const least of ['moderate', 'severe', 'critical'] as const)
    console.log(
      `  told as ${least} or more: ${all.filter(({ severity }) => isAtLeast(severity, least)).length}`,
    )
  const naive = all.filter(({ features }) => features.some(({ tests }) => tests.pValue < 0.05))
  const adjusted = all.filter(({ features }) => features.some(({ tests }) => tests.adjustedPValue < 0.05))
  console.log(
    `  p < .05 of any Kolmogorov-Smirnov or chi-squared test: ${naive.length}; after Benjamini-Hochberg: ${adjusted.length}`,
  )
}

const tellPower = (
  banks: readonly { readonly bank: SimulatedBank; readonly days: readonly DayProfile[] }[],
) => {
  const tallies = CHANGES.map(() => ({ found: 0, told: 0, trials: 0 }))
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
  for (const [at, { title }] of CHANGES.entries()) {
    const { found, told, trials } = tallies[at]!
    console.log(`  ${title}: ${withInterval(found, trials)}; of these at least moderate: ${told}`)
  }
}

/** Share with Wilson's 95 % interval (1927). */
const withInterval = (hits: number, all: number): string => {
  const z = 1.96
  const share = hits / all
  const middle = (share + (z * z) / (2 * all)) / (1 + (z * z) / all)
  const half = (z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all))) / (1 + (z * z) / all)
  return `${hits} of ${all} (${share.toFixed(3)}, 95 % interval ${Math.max(0, middle - half).toFixed(3)} to ${(middle + half).toFixed(3)})`
}

main()
