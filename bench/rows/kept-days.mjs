import { built } from '../data.mjs'

const FEATURES = 60
const COMPUTED = 117
const DAY_MS = 86_400_000
const TYPES = ['purchase', 'withdrawal', 'transfer', undefined]

/** What a decision costs more where a server keeps its days: counting it, and what is saved. */
export const keptDays = {
  name: 'kept-days',
  title:
    'days that a server keeps as it decides: 1 M decisions of 60 features (of 117), events of two days in alternation',
  goal: {
    text: 'at most 3 % of a decision of 150 µs: 4.5 µs; a day under 200 kB',
    most: { microsecondsOfDecision: 4.5, bytesOfDay: 200_000 },
  },
  prepare: async ({ smoke }) => ({ rows: smoke ? 20_000 : 1_000_000 }),
  outEnding: '.bin',
  ours: async () => {
    const { DecisionsByDay } = await built('monitoring/decisions-by-day.js')
    const { nothingKept, withDecided } = await built('monitoring/kept-days.js')
    const { encodeKeptDays } = await built('monitoring/kept-days-file.js')
    const { watchedModel } = await built('monitoring/monitored-model.js')
    const { createRandom } = await built('foundation/random.js')
    const { profileNumbers } = await built('model/reference-profile.js')
    return async ({ rows, out }) => {
      const { normal } = createRandom(14)
      const model = watchedModel(modelOf(profileNumbers, normal))
      const by = { key: model.loaded.key, computed: model.loaded.computed }
      const vectors = Array.from({ length: 1000 }, () => Float64Array.from({ length: COMPUTED }, normal))
      const byDay = new DecisionsByDay(model, { segments: 1000 })
      const add = (from, count) => {
        for (let row = from; row < from + count; row++) {
          const transaction = {
            eventTimeMs: (20_000 + (row % 2)) * DAY_MS + row,
            transactionType: TYPES[row % TYPES.length],
          }
          byDay.add(row, transaction, false, by, vectors[row % vectors.length], (row % 997) / 997)
        }
      }
      add(1, Math.min(rows, 50_000))
      byDay.take()
      const started = process.cpuUsage()
      const from = performance.now()
      add(1, rows)
      const counted = process.cpuUsage(started)
      // A minute's decisions are put to the days, which become bytes.
      const kept = withDecided(nothingKept(0, false), byDay.take(), { through: rows, mark: undefined }, model)
      const again = process.cpuUsage()
      const bytes = encodeKeptDays({ kept, recent: [] }, model)
      const saved = process.cpuUsage(again)
      const seconds = (performance.now() - from) / 1000
      const { writeFileSync } = await import('node:fs')
      writeFileSync(out, bytes)
      const figures = {
        microsecondsOfDecision: (counted.user + counted.system) / rows,
        millisecondsOfEncoding: (saved.user + saved.system) / 1000,
        bytesOfDay: Math.max(...[...kept.days.values()].map((day) => day.bytes.length)),
      }
      return { rows, seconds, cpuSeconds: (counted.user + counted.system) / 1e6, figures, counted: kept.rows }
    }
  },
  peers: {},
  check: async ({ data, results }) => {
    const { counted, figures } = results.ours
    if (counted !== data.rows) throw new Error(`${counted} decisions were counted, ${data.rows} were given`)
    return `${counted} decisions, ${figures.microsecondsOfDecision.toFixed(2)} µs each, a day of ${figures.bytesOfDay} bytes`
  },
}

/** As much of a model as is watched: 60 of the features that it computes, in bins of 256 values and more. */
const modelOf = (profileNumbers, normal) => {
  const computed = Array.from({ length: COMPUTED }, (_, at) => `feature_${at}`)
  const featureNames = computed.filter((_, at) => at % 2 === 0 || at > COMPUTED - 4).slice(0, FEATURES)
  const draw = (count, of) => profileNumbers(Float64Array.from({ length: count }, of))
  const reference = {
    features: Object.fromEntries(featureNames.map((name) => [name, draw(100_000, normal)])),
    score: { profile: draw(100_000, () => 1 / (1 + Math.exp(4 - normal()))) },
  }
  return {
    key: '0'.repeat(16),
    description: { sha256: '0'.repeat(64) },
    artifact: { reference },
    scorer: { featureNames, threshold: 0.5 },
    computed,
  }
}
