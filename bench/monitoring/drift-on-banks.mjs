#!/usr/bin/env node
// How often drift is called on generated banks without drift, and how often a change is found.
//
// node bench/monitoring/drift-on-banks.mjs [--seeds <list>] [--rows <n>] [--peers <python>] [--set <n=v>…]
//   --seeds  of the banks; default 1,2,3,4,5. Rules were chosen on seeds from 101 on: those are for choosing.
//   --rows   transactions of a bank of 260 days; default 2,600,000. 60,000 show in a minute that it works
//   --peers  a Python that has evidently 0.7.23, nannyml 0.13.1, alibi-detect 0.13.0 and pyarrow 21
//            (26 needs NumPy 2, alibi-detect NumPy 1): on the kept days of each bank
//   --set    a setting of the detector
//
// A bank is made once (some minutes, 200 MB that stay) in .vigia/bench/monitoring.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { built, ROOT, sql } from '../data.mjs'
import { CALENDAR, daysOf, KEPT_DAYS, madeBank } from './banks.mjs'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3,4,5' },
    rows: { type: 'string', default: '2600000' },
    peers: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
})

const { DriftDetector } = await built('drift/drift-detector.js')
const { observe, unseen } = await built('alerts/observe.js')
const { createRandom } = await built('foundation/random.js')
const { shareWithInterval } = await built('performance/estimate.js')
const { profileLayoutOf } = await built('drift/profile-layout.js')
const { WindowProfile } = await built('drift/window-profile.js')

const FOLDER = join(ROOT, '.vigia/bench/monitoring')
const DAY_MS = 86_400_000
const SETTINGS = Object.fromEntries(
  options.set.map((setting) => setting.split('=')).map(([name, value]) => [name, Number(value)]),
)
/** As the alerts of a server have them. */
const RULES = {
  confirm: {
    moderate: { looks: 2, of: 3 },
    severe: { looks: 2, of: 3 },
    critical: { looks: 1, of: 1 },
  },
  recoveryLooks: 3,
}

/** What drifts by being what it is: clock, calendar, and what grows as long as a bank goes on. */
const BY_NATURE =
  /^(hour|minute|second|weekday|day_of|month|is_(night|weekend|business))|_life$|_age$|labelled_count/

/** Kolmogorov-Smirnov of numbers, chi-squared of codes, against the training, as textbooks use them. */
const TEXTBOOK = {
  'any test below .05': ({ tests }) => tests.pValue < 0.05,
  'the same after Bonferroni': ({ tests }, of) => tests.pValue < 0.05 / of,
  'the same after Benjamini and Hochberg': ({ tests }) => tests.adjustedPValue < 0.05,
}

const told = (count, of) => {
  const { value, low, high } = shareWithInterval(count, of)
  return `${count} of ${of} (${value.toFixed(3)}, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)})`
}

const detectorAt = ({ layout, importance, days }, first) =>
  new DriftDetector({
    layout,
    importance,
    history: days.filter(({ at }) => at < first),
    settings: SETTINGS,
  })

const looksOf = (bank) => {
  const detector = detectorAt(bank, CALENDAR.looks[0])
  return bank.days.filter(({ at }) => at >= CALENDAR.looks[0]).map((day) => detector.look(day))
}

/** Times that an alert on drift would begin to fire. */
const notifications = (looks) => {
  let state = unseen({ model: 'fraud', kind: 'drift', segment: 'all' }, 0)
  let begun = 0
  for (const [at, { severity }] of looks.entries()) {
    const before = state.status
    state = observe(state, { severity, summary: '' }, RULES, at * DAY_MS)
    if (state.status === 'firing' && before !== 'firing' && before !== 'recovering') begun++
  }
  return begun
}

const columnsRaised = (look) =>
  [...look.features, look.score, ...look.segments].flatMap((drift) =>
    drift.chart?.isBeyond === true
      ? ['feature' in drift ? drift.feature : `score ${drift.segment ?? ''}`]
      : [],
  )

const tellFalseAlarms = (banks) => {
  console.log('\nNo drift: looks that raised anything')
  const all = []
  let begun = 0
  for (const { seed, bank } of banks) {
    const looks = looksOf(bank)
    all.push(...looks)
    begun += notifications(looks)
    const raised = looks.filter(({ isRaised }) => isRaised)
    const limits = looks.map(({ limit }) => limit)
    const range = `${Math.min(...limits).toFixed(2)} to ${Math.max(...limits).toFixed(2)}`
    console.log(`  seed ${seed}: ${raised.length} of ${looks.length}, limits ${range}`)
    for (const look of raised)
      console.log(`    look ${1 + look.day - looks[0].day}: ${columnsRaised(look).join(', ')}`)
  }
  console.log(`  all: ${told(all.filter(({ isRaised }) => isRaised).length, all.length)}`)
  for (const severity of ['moderate', 'severe', 'critical'])
    console.log(`  told as ${severity}: ${all.filter((look) => look.severity === severity).length}`)
  console.log(`  notifications: ${begun} in ${all.length} days`)
  const naive = (isDrift) =>
    all.filter(({ features }) => features.some((drift) => isDrift(drift, features.length))).length
  for (const [name, isDrift] of Object.entries(TEXTBOOK))
    console.log(
      `  ${name}: ${naive(isDrift)}; without clock, calendar and growth: ${naive((drift, of) => !BY_NATURE.test(drift.feature) && isDrift(drift, of))}`,
    )
}

/** Values of a feature on the kept days, by day. */
const keptValues = async (folder, name) => {
  const rows = await sql(
    1,
    `SELECT day, "${name}" FROM read_parquet('${join(folder, 'rows.parquet')}') ORDER BY day`,
  )
  const byDay = new Map()
  for (const [day, value] of rows) {
    if (!byDay.has(day)) byDay.set(day, [])
    byDay.get(day).push(value === null ? Number.NaN : value)
  }
  return new Map([...byDay].map(([day, values]) => [day, Float64Array.from(values)]))
}

const deviationOf = (values) => {
  const known = values.filter((value) => !Number.isNaN(value))
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length)
}

const shift = (by) => (values) => {
  const step = by * deviationOf(values)
  return values.map((value) => value + step)
}

/** As many rows more as have the code go over to it, from all others alike. */
const doubleCode = (code) => (values, random) => {
  const share = values.filter((value) => value === code).length / values.length
  return values.map((value) => (value !== code && random.next() < share / (1 - share) ? code : value))
}

const loseMore = (share) => (values, random) =>
  values.map((value) => (random.next() < share ? Number.NaN : value))

/** The day with another column. */
const withColumn = ({ layout, reference }, day, name, values) => {
  const alone = profileLayoutOf(reference, { features: [name] })
  const ofColumn = new WindowProfile(alone)
  ofColumn.addColumns([values], new Float64Array(values.length))
  const counts = day.profile.counts.slice()
  counts.set(ofColumn.countsOf(alone.columns[0]), layout.columns.find((column) => column.name === name).from)
  const profile = new WindowProfile(layout)
  profile.restore(counts, day.profile.rows, day.profile.alerts)
  return { ...day, profile }
}

const SHIFTED = [
  'amount_log',
  'user_mean_amount_30d',
  'user_tx_count_1d',
  'merchant_risk_30d',
  'distance_from_last',
]

/** Codes whose share of the reference is near one in a hundred, of each feature of codes one. */
const rareCodes = ({ reference }) =>
  Object.entries(reference.features).flatMap(([name, bins]) => {
    if (bins.kind !== 'categorical') return []
    const at = bins.counts.findIndex((count) => count >= 0.008 * bins.count && count <= 0.02 * bins.count)
    return at < 0 ? [] : [{ name, code: bins.codes[at] }]
  })

/** Features that miss values in between a hundredth and a twentieth of the rows. */
const gappy = ({ layout, days }) =>
  layout.columns.flatMap((column) => {
    const { profile } = days.at(-1)
    const share = profile.countsOf(column).at(-1) / profile.rows
    return column.name !== '(score)' && share > 0.01 && share < 0.05 ? [{ name: column.name, share }] : []
  })

const changesOf = (bank) => {
  const names = SHIFTED.filter((name) => bank.layout.columns.some((column) => column.name === name))
  return [
    ...names.map((name) => ({ title: `${name}: .1 sd, the same day`, name, days: 1, change: shift(0.1) })),
    ...names.map((name) => ({ title: `${name}: .05 sd, within 3 days`, name, days: 3, change: shift(0.05) })),
    ...rareCodes(bank).map(({ name, code }) => ({
      title: `${name}: a code of 1 % doubled, the same day`,
      name,
      days: 1,
      change: doubleCode(code),
    })),
    ...gappy(bank).map(({ name, share }) => ({
      title: `${name}: missing values doubled, the same day`,
      name,
      days: 1,
      change: loseMore(share),
    })),
  ]
}

const tellPower = async (banks) => {
  const tallies = new Map()
  for (const { folder, bank } of banks) {
    const random = createRandom('power')
    for (const first of KEPT_DAYS.filter((_, at) => at % 3 === 0)) {
      const shared = detectorAt(bank, first)
      for (const { title, name, days, change } of changesOf(bank)) {
        const values = await keptValues(folder, name)
        const detector = days === 1 ? shared : detectorAt(bank, first)
        const tally = tallies.get(title) ?? { found: 0, trials: 0 }
        tallies.set(title, tally)
        tally.trials++
        const isFound = (day) => {
          const usual = bank.days.find(({ at }) => at === day)
          const changed = withColumn(bank, usual, name, change(values.get(day), random))
          const look = days === 1 ? detector.assess(changed) : detector.look(changed)
          return look.features.find(({ feature }) => feature === name).chart?.isBeyond === true
        }
        if (Array.from({ length: days }, (_, at) => first + at).some(isFound)) tally.found++
      }
    }
  }
  console.log('\nOne feature changed: found on that feature')
  for (const [title, { found, trials }] of [...tallies].sort())
    console.log(`  ${title}: ${told(found, trials)}`)
}

const tellPeers = async (banks, python) => {
  console.log('\nPeers, no drift: windows of a day with at least one column called drifted')
  for (const peer of ['evidently', 'nannyml', 'alibi-detect']) {
    const windows = []
    let [version, cpuSeconds] = ['', 0]
    for (const { folder } of banks) {
      const files = []
      for (const day of KEPT_DAYS) {
        const file = join(folder, `peers/day-${day}.parquet`)
        await sql(
          1,
          `COPY (SELECT * FROM read_parquet('${join(folder, 'rows.parquet')}') WHERE day = ${day}) TO '${file}' (FORMAT parquet)`,
        )
        files.push(file)
      }
      const answer = execFileSync(
        python,
        [join(ROOT, 'bench/monitoring/peers.py'), peer, join(folder, 'peers/reference.parquet'), ...files],
        { encoding: 'utf8', maxBuffer: 1 << 28 },
      )
      const said = JSON.parse(answer.trim().split('\n').at(-1))
      version = said.version
      cpuSeconds += said.cpuSeconds
      windows.push(...said.windows)
    }
    const drifted = windows.filter((columns) => columns.length > 0)
    const chosen = windows.filter((columns) => columns.some((column) => !BY_NATURE.test(column)))
    const each = windows.reduce((sum, columns) => sum + columns.length, 0) / windows.length
    console.log(
      `  ${peer} ${version}: ${told(drifted.length, windows.length)}, without clock, calendar and growth ${chosen.length}, ${each.toFixed(1)} columns a window, ${(cpuSeconds / windows.length).toFixed(1)} CPU seconds a window`,
    )
  }
}

mkdirSync(FOLDER, { recursive: true })
const banks = []
for (const seed of options.seeds.split(',')) {
  const folder = await madeBank(FOLDER, seed, {
    rows: Number(options.rows),
    say: (text) => console.error(text),
  })
  banks.push({ seed, folder, bank: await daysOf(folder) })
}
const { layout, days } = banks[0].bank
console.log(
  `${layout.features} features, the score and its segments; ${days.length} days known, ${days.at(-1).profile.rows} rows on the last`,
)
tellFalseAlarms(banks)
await tellPower(banks)
if (options.peers !== undefined) await tellPeers(banks, options.peers)
