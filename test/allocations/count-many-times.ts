// node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 --import tsx count-many-times.ts: prints
// `CountingGrowth`.
import { PerformanceObserver } from 'node:perf_hooks'
import { DAY_MS } from '../../src/foundation/days.ts'
import { DecisionsByDay } from '../../src/monitoring/decisions-by-day.ts'
import { FIRST_DAY, watchedModel as loadedModel } from '../../src/monitoring/monitored-log.test-kit.ts'
import { watchedModel } from '../../src/monitoring/monitored-model.ts'

/** Bytes of heap that counting a decision takes, and how often memory was collected meanwhile. */
export interface CountingGrowth {
  readonly collections: number
  readonly bytesOfDecision: number
}

const DECISIONS = 200_000
const loaded = loadedModel(0)
const byDay = new DecisionsByDay(watchedModel(loaded))
const by = { key: loaded.key, computed: loaded.computed }
const vectors = Array.from({ length: 16 }, (_, n) =>
  Float64Array.from({ length: loaded.computed.length }, (_, f) => (n * 7 + f) % 11),
)
/** Of two days in alternation, in some segments. */
const transactions = Array.from({ length: 16 }, (_, n) => ({
  eventTimeMs: (FIRST_DAY + (n % 2)) * DAY_MS + n,
  transactionType: ['purchase', 'withdrawal', 'transfer'][n % 3]!,
}))

const count = (decisions: number): void => {
  for (let n = 0; n < decisions; n++) {
    const at = n % 16
    byDay.add(n, transactions[at]!, false, by, vectors[at]!, at / 16)
  }
}

let collections = 0
const collected = new PerformanceObserver((list) => {
  collections += list.getEntries().length
})
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

count(DECISIONS / 10)
await nextTurn()
count(DECISIONS / 10)
globalThis.gc!()
await nextTurn()
collected.observe({ entryTypes: ['gc'] })
const before = process.memoryUsage().heapUsed
count(DECISIONS)
const after = process.memoryUsage().heapUsed
await nextTurn()
collected.disconnect()
const growth: CountingGrowth = { collections, bytesOfDecision: (after - before) / DECISIONS }
process.stdout.write(JSON.stringify(growth))
