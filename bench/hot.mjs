#!/usr/bin/env node
// What entities cost that fit their rings, and one that does not: payments in order through the engine alone
// (every feature of user, merchant and device; states in memory), microseconds of processor time each. Pairs
// alternate between this build and another (--before), after a round that is not counted.
//
//     node scripts/build.mjs && node bench/hot.mjs [--payments 200000] [--pairs 7] [--before DIST]
//
// docs/serving.md has the figures of it.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from './data.mjs'

const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '200000' },
    pairs: { type: 'string', default: '7' },
    // Another build, to compare with.
    before: { type: 'string' },
  },
})
const [payments, pairs] = [values.payments, values.pairs].map(Number)
const START_MS = Date.UTC(2026, 6, 1)
const DAY_MS = 86_400_000

const open = async (dist) => {
  const load = (path) => import(join(dist, path))
  const { loadTrainingConfig } = await load('config/config-manager.js')
  const { readFeatureSettings } = await load('features/feature-settings.js')
  const { FeatureEngineer } = await load('features/feature-engineer.js')
  const { separateBlocks } = await load('features/state/entity-state.js')
  const { readTransaction } = await load('features/transaction-event.js')
  const { DEFAULT_AMOUNTS } = await load('transaction/amount-rules.js')
  const { createRandom } = await load('foundation/random.js')
  const config = loadTrainingConfig({ environment: {}, assignments: [], workingDirectory: '/' })
  const { features, labels } = config.settings
  const fitted = { amountBandEdgesMinor: [500, 2000], vocabularies: {} }

  /** Microseconds a payment of `merchants` with rings of `ring`, in `days`; the first half is not counted. */
  return ({ merchants, ring, days }) => {
    const state = { ...features.state, merchant_transactions: ring }
    const settings = readFeatureSettings({ ...features, state }, labels, DEFAULT_AMOUNTS)
    const engineer = new FeatureEngineer(settings, fitted, separateBlocks)
    const random = createRandom(7)
    const states = new Map(engineer.kinds.map((kind) => [kind, new Map()]))
    const vector = new Float64Array(engineer.featureNames.length)
    const pick = (prefix, count) => `${prefix}${Math.floor(random.next() * count)}`
    const stateOf = (kind) => {
      const token = engineer.entityToken(kind)
      const held = states.get(kind)
      const known = held.get(token) ?? engineer.keeperOf(kind).create()
      held.set(token, known)
      return known
    }
    let before
    for (let n = 0; n < payments; n++) {
      if (n === payments / 2) before = process.cpuUsage()
      readTransaction(engineer.event, {
        transactionId: `t${n}`,
        userId: pick('u', 2000),
        merchantId: pick('m', merchants),
        deviceId: pick('d', 3000),
        location: pick('p', 40),
        amountMinor: 1 + Math.floor(random.next() * 30_000),
        eventTimeMs: START_MS + Math.floor((n * days * DAY_MS) / payments),
      })
      engineer.createAllFeatures(
        Object.fromEntries(engineer.kinds.map((kind) => [kind, stateOf(kind)])),
        vector,
      )
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (payments / 2)
  }
}

const now = await open(join(ROOT, 'dist'))
const other = values.before === undefined ? undefined : await open(values.before)
const CASES = {
  '300 merchants, rings are not full': { merchants: 300, ring: 65_536, days: 60 },
  'one merchant, its ring is not full': { merchants: 1, ring: 1_048_576, days: 60 },
  'one merchant, its ring holds a twentieth': { merchants: 1, ring: 4096, days: 60 },
}
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]
for (const [name, one] of Object.entries(CASES)) {
  const measured = Array.from({ length: pairs + 1 }, (_, round) => {
    const [first, second] = round % 2 === 0 ? [now, other] : [other, now]
    const [a, b] = [first?.(one), second?.(one)]
    return round % 2 === 0 ? [a, b] : [b, a]
  }).slice(1)
  const ours = median(measured.map(([a]) => a))
  const ratios = measured.map(([a, b]) => a / b)
  const told =
    other === undefined
      ? ''
      : `, before ${median(measured.map(([, b]) => b)).toFixed(2)}, ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
  process.stdout.write(`${name}: ${ours.toFixed(2)} µs${told}\n`)
}
