#!/usr/bin/env node
// What late payments cost: one merchant with many payments in its month, then payments in order and with
// jitter, and single late ones, through the engine alone (features of user, merchant and device; states in
// memory). In pairs that alternate, after a round that is not counted; medians of processor time.
//
//     node scripts/build.mjs && node bench/late.mjs [--rows 60000] [--pairs 5] [--payments 4000] [--wide]
//
// docs/serving.md has the figures of it. --wide adds an entity with distinct values, habits and aggregates.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './data.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '60000' },
    pairs: { type: 'string', default: '5' },
    payments: { type: 'string', default: '4000' },
    rates: { type: 'string', default: '2,20,200' },
    wide: { type: 'boolean', default: false },
    // Another build, to compare with.
    dist: { type: 'string', default: join(ROOT, 'dist') },
  },
})
const [rows, pairs, payments] = [values.rows, values.pairs, values.payments].map(Number)
const load = (path) => import(join(values.dist, path))
const { loadTrainingConfig } = await load('config/config-manager.js')
const { readFeatureSettings } = await load('features/feature-settings.js')
const { FeatureEngineer } = await load('features/feature-engineer.js')
const { separateBlocks } = await load('features/state/entity-state.js')
const { readTransaction } = await load('features/transaction-event.js')
const { DEFAULT_AMOUNTS } = await load('transaction/amount-rules.js')
const { createRandom } = await load('foundation/random.js')

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const MONTH_MS = 30 * 24 * HOUR_MS
const START_MS = Date.UTC(2026, 6, 1)
const JITTER_MS = 500

const ATTRIBUTES = [
  { name: 'balance', kind: 'number' },
  { name: 'browser', kind: 'category' },
]
const BANK = {
  name: 'bank',
  id: ['merchant_id'],
  word: 'bank',
  features: ['counts', 'amounts', 'spread', 'maximum', 'life', 'time', 'risk', 'run'],
  windows: ['1h', '1d', '30d'],
  riskWindows: ['7d'],
  distinct: ['user', 'location'],
  habits: ['device'],
  transactions: 65_536,
}
const aggregate = (of, compute, windows = ['1d', '30d']) => ({
  name: `${compute}_${of}`,
  of,
  by: 'bank',
  compute,
  windows,
})
const AGGREGATES = [
  aggregate('balance', 'maximum'),
  aggregate('balance', 'mean'),
  aggregate('browser', 'distinct'),
  aggregate('browser', 'share'),
  aggregate('browser', 'last', []),
]

const settingsOf = () => {
  const config = loadTrainingConfig({ environment: {}, assignments: [], workingDirectory: '/' })
  const { features, labels } = config.settings
  const settings = readFeatureSettings(features, labels, DEFAULT_AMOUNTS)
  if (!values.wide) return settings
  const wide = { entities: [BANK], attributes: ATTRIBUTES, aggregates: AGGREGATES }
  return {
    ...settings,
    options: { ...settings.options, ...wide },
    limits: { ...settings.limits, bank: settings.limits.merchant },
  }
}
const settings = settingsOf()
const fitted = {
  amountBandEdgesMinor: [500, 2000],
  vocabularies: {},
  ...(values.wide && { attributes: ATTRIBUTES, entities: [BANK] }),
}

/** One merchant, with its month behind it. */
const openMerchant = () => {
  const engineer = new FeatureEngineer(settings, fitted, separateBlocks)
  const random = createRandom(7)
  const states = new Map()
  const vector = new Float64Array(engineer.featureNames.length)
  let n = 0
  const stateOf = (kind) => {
    const key = `${kind} ${engineer.entityToken(kind)}`
    if (!states.has(key)) states.set(key, engineer.keeperOf(kind).create())
    return states.get(key)
  }
  const pick = (prefix, count) => `${prefix}${Math.floor(random.next() * count)}`
  const payment = (eventTimeMs) => ({
    transactionId: `t${n++}`,
    userId: pick('u', 5000),
    merchantId: 'm',
    deviceId: pick('d', 5000),
    location: pick('p', 40),
    amountMinor: 1 + Math.floor(random.next() * 30_000),
    eventTimeMs,
    latitude: 40,
    longitude: 3,
    ...(values.wide && {
      attributes: { browser: pick('b', 4), ...(random.next() < 0.5 && { balance: random.next() * 1e4 }) },
    }),
  })
  const decide = (transaction) => {
    readTransaction(engineer.event, transaction)
    engineer.createAllFeatures(
      Object.fromEntries(engineer.kinds.map((kind) => [kind, stateOf(kind)])),
      vector,
    )
  }
  for (let i = 0; i < rows; i++) decide(payment(START_MS + Math.floor((i * MONTH_MS) / rows)))
  return { decide, payment, random }
}

/** Microseconds of processor time a decision at `rate` a second; of those jittered, in order of arrival. */
const decisions = (rate, jitterMs) => {
  const { decide, payment, random } = openMerchant()
  const arrivals = Array.from({ length: payments }, (_, i) => {
    const eventTimeMs = START_MS + MONTH_MS + Math.floor((i * SECOND_MS) / rate)
    return { at: eventTimeMs + random.next() * jitterMs, transaction: payment(eventTimeMs) }
  }).sort((a, b) => a.at - b.at)
  const before = process.cpuUsage()
  for (const { transaction } of arrivals) decide(transaction)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / payments
}

/** Microseconds of single payments that come `lateMs` late, twenty in time, ten a second, before each. */
const singles = (lateMs) => {
  const { decide, payment } = openMerchant()
  const took = []
  let t = START_MS + MONTH_MS
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 20; j++, t += 100) decide(payment(t))
    const late = payment(t - lateMs)
    const began = performance.now()
    decide(late)
    took.push((performance.now() - began) * 1000)
  }
  return took
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

decisions(20, JITTER_MS)
decisions(20, 0)
console.log(`${rows} payments in the month; microseconds a decision\n`)
console.log('| payments a second | in order | jitter of 0 to 500 ms | ratio |\n| ---: | ---: | ---: | ---: |')
for (const rate of values.rates.split(',').map(Number)) {
  const measured = Array.from({ length: pairs }, () => [decisions(rate, 0), decisions(rate, JITTER_MS)])
  const [inOrder, jittered] = [0, 1].map((side) => median(measured.map((pair) => pair[side])))
  const ratio = median(measured.map(([a, b]) => b / a))
  console.log(`| ${rate} | ${inOrder.toFixed(1)} | ${jittered.toFixed(1)} | ${ratio.toFixed(2)} |`)
}
console.log('\n| a single one late by | median | most |\n| --- | ---: | ---: |')
for (const [name, ms] of [
  ['350 ms', 350],
  ['1 hour', HOUR_MS],
  ['20 hours', 20 * HOUR_MS],
]) {
  const took = singles(ms)
  console.log(`| ${name} | ${median(took).toFixed(0)} | ${Math.max(...took).toFixed(0)} |`)
}
