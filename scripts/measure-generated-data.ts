/**
 * What an ideal model could reach on generated data, and what one raw column reaches: the numbers of
 * docs/data-generation.md. Run: `npx tsx scripts/measure-generated-data.ts [rows]` (default 400000; about 20
 * s).
 */
import { Value } from 'typebox/value'
import { GenerateSchema, type GenerateSettings } from '../src/config/sections/generate.ts'
import { aucOf } from '../src/dataset/column-power.ts'
import { distanceKm } from '../src/dataset/generate/cities.ts'
import { cityOn, RHYTHMS } from '../src/dataset/generate/customers.ts'
import type { EventBuffer } from '../src/dataset/generate/event-buffer.ts'
import { allRows, rawColumnPower } from '../src/dataset/generate/raw-column-power.ts'
import { prepareSimulation, type Simulation } from '../src/dataset/generate/simulation.ts'
import { CATEGORIES, FRAUD_PATTERNS } from '../src/dataset/generate/vocabulary.ts'

const DAY = 86_400

const main = (): void => {
  const rows = Number(process.argv[2] ?? 400_000)
  const settings = Value.Default(GenerateSchema, {
    rows,
    users: Math.round(rows / 50),
    merchants: Math.round(rows / 170),
  }) as GenerateSettings
  const simulations = [1, 2, 3, 4, 5].map((seed) => prepareSimulation(settings, seed, rows))

  console.log(`\nOne raw column alone (seed 1, ${rows} rows, learnt on days 0-59, measured on days 60-119)`)
  for (const { column, auc } of rawColumnPower(simulations[0]!))
    console.log(`  ${column.padEnd(20)} ${auc.toFixed(3)}`)

  const worlds = simulations.map((simulation) => ({ simulation, rows: allRows(simulation) }))
  const measured = worlds[4]!
  const labels = measured.rows.columns.pattern.slice(0, measured.rows.length)

  console.log(
    '\nUpper bound: every pattern known, but frauds at a compromised merchant only as its true rate',
  )
  const bound = boundScores(measured.simulation, measured.rows)
  console.log(
    `  ROC-AUC ${aucOf(bound, labels).toFixed(4)}  average precision ${averagePrecision(bound, labels).toFixed(3)}`,
  )

  console.log(
    '\nOracle of the past: knows the hidden state, sees nothing later; table learnt on seeds 1-4, measured on 5',
  )
  const table = new Map<string, { rows: number; frauds: number }>()
  for (const { simulation, rows } of worlds.slice(0, 4)) {
    const cells = hiddenCells(simulation, rows)
    for (let row = 0; row < rows.length; row++) {
      const entry = table.get(cells[row]!) ?? { rows: 0, frauds: 0 }
      entry.rows++
      if (rows.columns.pattern[row]! > 0) entry.frauds++
      table.set(cells[row]!, entry)
    }
  }
  const cells = hiddenCells(measured.simulation, measured.rows)
  const scores = Float64Array.from(cells, (cell) => {
    const entry = table.get(cell)
    return ((entry?.frauds ?? 0) + 0.01) / ((entry?.rows ?? 0) + 1)
  })
  console.log(
    `  ROC-AUC ${aucOf(scores, labels).toFixed(4)}  average precision ${averagePrecision(scores, labels).toFixed(3)}`,
  )
  const alerts = Array.from(scores.keys())
    .sort((a, b) => scores[b]! - scores[a]!)
    .slice(0, Math.round(rows * settings.fraud_rate))
  const alerted = new Set(alerts)
  console.log('  caught when as many alerts as frauds are raised:')
  FRAUD_PATTERNS.forEach((pattern, index) => {
    const frauds = Array.from(labels.keys()).filter((row) => labels[row] === index + 1)
    const caught = frauds.filter((row) => alerted.has(row)).length / frauds.length
    const hidden = frauds.filter((row) => scores[row]! < 0.02).length / frauds.length
    console.log(
      `    ${pattern.padEnd(22)} ${percent(caught)} caught   ${percent(hidden)} look honest (score under 2 %)`,
    )
  })
}

/**
 * 1 for frauds with a trace, the share of frauds in its window for all at a compromised merchant, 0 for the
 * rest.
 */
const boundScores = (simulation: Simulation, rows: EventBuffer): Float64Array => {
  const rate = windowRates(simulation, rows)
  return Float64Array.from({ length: rows.length }, (_, row) => {
    const pattern = rows.columns.pattern[row]!
    return pattern > 0 && FRAUD_PATTERNS[pattern - 1] !== 'compromised_merchant' ? 1 : rate[row]!
  })
}

/** Of each row, the true share of compromised-merchant frauds in the window it lies in; 0 outside. */
const windowRates = (simulation: Simulation, rows: EventBuffer): Float64Array => {
  const byMerchant = new Map<number, (typeof simulation.plan.windows)[number][]>()
  for (const window of simulation.plan.windows)
    byMerchant.set(window.merchant, [...(byMerchant.get(window.merchant) ?? []), window])
  const { merchant, second, pattern } = rows.columns
  const windowOf = (row: number) =>
    byMerchant
      .get(merchant[row]!)
      ?.find(({ firstDay, lastDay }) => second[row]! >= firstDay * DAY && second[row]! < lastDay * DAY)
  const counts = new Map<object, { rows: number; frauds: number }>()
  for (let row = 0; row < rows.length; row++) {
    const window = windowOf(row)
    if (window === undefined) continue
    const count = counts.get(window) ?? { rows: 0, frauds: 0 }
    count.rows++
    if (FRAUD_PATTERNS[pattern[row]! - 1] === 'compromised_merchant') count.frauds++
    counts.set(window, count)
  }
  return Float64Array.from({ length: rows.length }, (_, row) => {
    const window = windowOf(row)
    const count = window && counts.get(window)
    return count ? count.frauds / count.rows : 0
  })
}

/**
 * What an observer of the past would look at who also knows the true levels and rhythms, in cells: is the
 * device known for this customer, or for anybody? expected place? amount, now and in the last day, against
 * the true levels of customer and merchant; the hour against the true rhythm; velocity; speed; the true rate
 * of the merchant's window.
 */
const hiddenCells = (simulation: Simulation, rows: EventBuffer): string[] => {
  const { customers, merchants, settings } = simulation.world
  const rate = windowRates(simulation, rows)
  const recent = new Map<number, number[]>()
  const surprises = new Float64Array(rows.length)
  const usedBy = new Map<number, Set<number>>()
  return Array.from({ length: rows.length }, (_, row) => {
    const at = (field: keyof typeof rows.columns): number => rows.columns[field][row]!
    const customer = at('customer')
    const day = Math.floor(at('second') / DAY)
    const users = usedBy.get(at('device')) ?? new Set<number>()
    const device = users.has(customer) ? 0 : users.size > 0 ? 1 : 2
    usedBy.set(at('device'), users.add(customer))
    const place = at('city') === cityOn(customers, customer, day, settings.lookalikes.travel) ? 0 : 1
    const spread = CATEGORIES[merchants.category[at('merchant')]!]!.spread
    const expected = merchants.logPrice[at('merchant')]! + 0.7 * customers.logSpending[customer]!
    surprises[row] = (Math.log(at('amountMinor')) - expected) / spread
    const seconds = rows.columns.second
    const before = (recent.get(customer) ?? []).filter((other) => seconds[other]! > at('second') - DAY)
    recent.set(customer, [...before, row])
    const lastHour = before.filter((other) => seconds[other]! > at('second') - 3600).length
    const last = before.at(-1)
    const { latitude, longitude } = rows.columns
    const fast =
      last !== undefined &&
      distanceKm(latitude[row]!, longitude[row]!, latitude[last]!, longitude[last]!) >
        (900 * (at('second') - seconds[last]!)) / 3600 + 100
    const level = (surprise: number): number => Math.max(-1, Math.min(3, Math.floor(surprise)))
    return [
      device,
      place,
      level(surprises[row]!),
      Math.max(0, level(Math.max(-1, ...before.map((other) => surprises[other]!)))),
      unusualHour(simulation, customer, at('second')),
      Math.min(2, lastHour),
      fast ? 1 : 0,
      Math.min(4, Math.ceil(rate[row]! * 5)),
    ].join(' ')
  })
}

/** 0 within two, 1 within three, 2 beyond three standard deviations of every peak of the customer's day. */
const unusualHour = ({ world: { customers } }: Simulation, customer: number, second: number): number => {
  const shift = customers.shiftHours[customer]! + (Math.floor(second / DAY) % 7 >= 5 ? 1 : 0)
  const hour = (second % DAY) / 3600
  const deviations = RHYTHMS[customers.rhythm[customer]!]!.peaks.map(([peak, spread]) => {
    const apart = Math.abs(hour - ((peak + shift + 24) % 24))
    return Math.min(apart, 24 - apart) / spread
  })
  const least = Math.min(...deviations)
  return least < 2 ? 0 : least < 3 ? 1 : 2
}

const averagePrecision = (scores: Float64Array, labels: Float64Array): number => {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
  const total = labels.reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0)
  let found = 0
  let sum = 0
  for (let start = 0; start < order.length; ) {
    let end = start
    let here = 0
    // Equal scores are one step of the curve: their order carries no information.
    while (end < order.length && scores[order[end]!] === scores[order[start]!])
      if (labels[order[end++]!]! > 0) here++
    found += here
    sum += here * (found / end)
    start = end
  }
  return sum / total
}

const percent = (share: number): string => `${(100 * share).toFixed(1).padStart(5)} %`

main()
