/**
 * Prints the figures of docs/retraining.md, seeded: `npx tsx scripts/measure-retraining.ts [regained]
 * [size] [budget]`.
 *
 * - `regained`: banks whose frauds change their ways, played day by day from the look to the watch
 * - `budget`: how far alerts are from the budget, in parts of it, when scores move and a threshold is applied
 * - `size`: how often the paired test tells equal models apart, and how often it finds a better one
 */
import { comparePaired, PAIRED_FIGURES } from '../src/evaluation/paired-comparison.ts'
import { createRandom } from '../src/foundation/random.ts'
import { pairOf } from '../src/retraining/retraining.test-kit.ts'
import { meanOf, playToyBank } from '../src/retraining/toy-bank.test-kit.ts'

const SEEDS = 20
const WORLDS = 1000

const asked = process.argv.slice(2)
const isAsked = (part: string): boolean => asked.length === 0 || asked.includes(part)

if (isAsked('regained')) {
  console.log('| seed | before | changed | promoted after days | regained on the day of the run | regained |')
  const shares: number[] = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const changeDay = 10
    const days = 60
    const { precision, champions, book } = await playToyBank({ seed, changeDay, foundAfterDays: 3, days })
    const before = meanOf(precision, 0, changeDay)
    const promoted = champions.findIndex((champion) => champion !== champions[0])
    if (promoted === -1) {
      const last = book.records.at(-1)
      console.log(`| ${seed} | ${before.toFixed(2)} | | never: ${last?.to}, ${last?.why} | | 0 |`)
      shares.push(0)
      continue
    }
    const during = meanOf(precision, changeDay, promoted)
    const after = meanOf(precision, promoted, days)
    const comparison = [...book.episodes.values()].find((episode) => episode.comparison)?.comparison
    const onRun = comparison?.figures.precisionAtBudget.challenger ?? Number.NaN
    const share = (value: number): number => (value - during) / (before - during)
    shares.push(share(after))
    console.log(
      `| ${seed} | ${before.toFixed(2)} | ${during.toFixed(2)} | ${promoted - changeDay} | ${share(onRun).toFixed(2)} | ${share(after).toFixed(2)} |`,
    )
  }
  const enough = shares.filter((share) => share >= 0.8).length
  console.log(
    `at least 80 % regained: ${enough} of ${shares.length}; least ${Math.min(...shares).toFixed(2)}`,
  )
}

if (isAsked('budget')) {
  const [alertsPerDay, changeDay] = [2000, 2]
  const sinceMs = Date.UTC(2026, 0, 1 + changeDay)
  const shift = {
    kind: 'covariate_shift',
    severity: 'severe',
    movedScores: true,
    sinceMs,
    what: 'x0',
  } as const
  const apart: number[][] = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const { alerts } = await playToyBank({
      seed: `budget ${seed}`,
      changeDay,
      foundAfterDays: 0,
      days: 5,
      rows: 40_000,
      alertsPerDay,
      historyDays: 2,
      shift: 0.7,
      rules: { threshold: 'apply', leastFrauds: 1e6 },
      findings: (day) => (day >= changeDay ? [shift] : []),
    })
    apart.push(alerts.map((count) => count / alertsPerDay - 1))
  }
  console.log('| day | mean | root mean square | farthest |')
  for (let day = 0; day < 5; day++) {
    const of = apart.map((play) => play[day]!)
    const mean = meanOf(of, 0, of.length)
    const rootMeanSquare = Math.sqrt(
      meanOf(
        of.map((value) => value * value),
        0,
        of.length,
      ),
    )
    const farthest = Math.max(...of.map(Math.abs))
    const told = [mean, rootMeanSquare, farthest].map((value) => `${(100 * value).toFixed(1)} %`)
    console.log(`| ${day - changeDay} | ${told.join(' | ')} |`)
  }
  console.log(`by chance: ${(100 * Math.sqrt(2 / alertsPerDay)).toFixed(1)} %`)
}

if (isAsked('size')) {
  for (const lifts of [
    [1.5, 1.5],
    [1.5, 1.7],
    [1.5, 2],
  ] as const) {
    const apart = new Map<string, number>(PAIRED_FIGURES.map((figure) => [figure, 0]))
    let better = 0
    for (let world = 0; world < WORLDS; world++) {
      const random = createRandom(`size ${world}`)
      const rows = pairOf(`${lifts.join()} ${world}`, lifts)
      const { figures, verdict } = comparePaired(rows, { alertsPerDay: 20, resamples: 300, random })
      if (verdict === 'better') better++
      for (const figure of PAIRED_FIGURES)
        if (figures[figure].low > 0 || figures[figure].high < 0) apart.set(figure, apart.get(figure)! + 1)
    }
    const told = [...apart].map(([figure, count]) => `${figure} ${((100 * count) / WORLDS).toFixed(1)} %`)
    console.log(
      `lifts ${lifts.join(' and ')}: told apart by ${told.join(', ')}; better ${((100 * better) / WORLDS).toFixed(1)} %`,
    )
  }
}
