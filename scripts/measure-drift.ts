/**
 * How often drift is called without drift, and how often drift is found, on simulated banks: the numbers of
 * docs/drift.md. Run: `npx tsx scripts/measure-drift.ts [seeds] [looks] [first seed]` (default 5, 100 and 1;
 * some 40 CPU seconds a seed).
 */

import {
  changesFound,
  HISTORY,
  intervalOf,
  type LookedAtBank,
  looksAt,
  simulatedBanks,
  TRIALS,
} from '../src/drift/drift-evidence.test-kit.ts'
import { isAtLeast } from '../src/drift/severity.ts'

const main = (): void => {
  const [seeds, looks, first] = [2, 3, 4].map((at, n) => Number(process.argv[at] ?? [5, 100, 1][n]))
  const banks = simulatedBanks(first!, seeds!, looks!)
  const { names } = banks[0]!.bank
  console.log(
    `${names.length} features, the score and 4 segments; about 10,000 rows a day; ${HISTORY} days of history`,
  )
  tellFalseAlarms(banks)
  console.log(
    `\nOne feature changed: looks that found it on that feature (${TRIALS} days a seed and feature)`,
  )
  for (const { title, found, told, trials } of changesFound(banks))
    console.log(`  ${title}: ${withInterval(found, trials)}; of these at least moderate: ${told}`)
}

const tellFalseAlarms = (banks: readonly LookedAtBank[]): void => {
  const bySeed = banks.map((bank) => ({ seed: bank.seed, looks: looksAt(bank) }))
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

const withInterval = (hits: number, all: number): string => {
  const { low, high } = intervalOf(hits, all)
  return `${hits} of ${all} (${(hits / all).toFixed(3)}, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)})`
}

main()
