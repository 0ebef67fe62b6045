// node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 --import tsx score-many-times.ts
// <model>: prints `HeapGrowth`.
import { PerformanceObserver } from 'node:perf_hooks'
import { createRandom, type Random } from '../../src/foundation/random.ts'
import type { Calibration } from '../../src/learning/calibration/calibration.ts'
import type { Model } from '../../src/learning/model.ts'
import type { Tree } from '../../src/learning/trees/tree-ensemble.ts'
import { createExplainer } from '../../src/model/explain/create-explainer.ts'
import { createModelScorer } from '../../src/model/scorer.ts'

/** Bytes of heap that one call takes, by call, and how often memory was collected while that was counted. */
export interface HeapGrowth {
  readonly collections: number
  /** Rows of a call of `scoreMany`. */
  readonly rows: number
  readonly bytesOfCall: Readonly<Record<string, number>>
}

/**
 * Nothing is collected while they run: what each of them left, were it a single number, would fit into the
 * youngest generation.
 */
const CALLS = 200_000
const ROWS = 16
const WIDTH = 8
const random = createRandom(1)

/** A complete tree of depth 5; with categories, every third inner node asks by them. */
const completeTree = (source: Random, withCategories: boolean): Tree => {
  const nodes = Array.from({ length: 63 }, (_, node) => node)
  const inner = nodes.filter((node) => node < 31)
  const at = (make: (node: number) => number, otherwise = (_: number) => 0): number[] =>
    nodes.map((node) => (node < 31 ? make(node) : otherwise(node)))
  return {
    feature: at(
      () => source.integer(WIDTH),
      () => -1,
    ),
    threshold: at(() => source.normal()),
    left: at((node) => 2 * node + 1),
    missingLeft: at(() => source.integer(2)),
    value: at(
      () => 0,
      () => source.normal() / 10,
    ),
    cover: nodes.map((node) => 2 ** (5 - Math.floor(Math.log2(node + 1)))),
    gain: at(() => 1),
    ...(withCategories && {
      categories: Object.fromEntries(inner.filter((node) => node % 3 === 0).map((node) => [node, [0, 2]])),
    }),
  }
}

const treesOf = (withCategories: boolean): Model => ({
  kind: 'gradient_boosting',
  featureNames: Array.from({ length: WIDTH }, (_, f) => `f${f}`),
  link: 'logistic',
  base: -1,
  trees: Array.from({ length: 4 }, () => completeTree(random, withCategories)),
})

const ofWidth = (value: number): number[] => new Array<number>(WIDTH).fill(value)

const MODELS: Readonly<Record<string, Model>> = {
  'trees without categories': treesOf(false),
  'trees with categories': treesOf(true),
  'logistic regression': {
    kind: 'logistic_regression',
    featureNames: Array.from({ length: WIDTH }, (_, f) => `f${f}`),
    means: ofWidth(0.1),
    scales: ofWidth(1.1),
    coefficients: ofWidth(0.3),
    intercept: -2,
    iterations: 6,
    converged: true,
  },
}

const CALIBRATION: Calibration = { method: 'platt', slope: 1.1, intercept: 0.1 }

/** Numbers, some of them codes of categories, some missing. */
const rows = Float64Array.from({ length: ROWS * WIDTH }, (_, place) =>
  place % 7 === 0 ? Number.NaN : place % 3 === 0 ? random.integer(4) : random.normal(),
)
const columns = Array.from({ length: WIDTH }, (_, f) =>
  Float64Array.from({ length: ROWS }, (_, row) => rows[row * WIDTH + f]!),
)
const table = { names: MODELS['logistic regression']!.featureNames, columns, rowCount: ROWS }
const scores = new Float64Array(ROWS)
const contributions = new Float64Array(WIDTH)

const callsOf = (model: Model): Readonly<Record<string, (times: number) => void>> => {
  const scorer = createModelScorer(model, CALIBRATION)
  const explainer = createExplainer(model)
  return {
    scoreOne: (times) => {
      for (let call = 0; call < times; call++) scores[0] = scorer.scoreOne(rows, (call % ROWS) * WIDTH)
    },
    scoreMany: (times) => {
      for (let call = 0; call < times; call++) scorer.scoreMany(table, scores)
    },
    explainOne: (times) => {
      for (let call = 0; call < times; call++)
        explainer.explainOne(rows, (call % ROWS) * WIDTH, contributions)
    },
  }
}

let collections = 0
const collected = new PerformanceObserver((list) => {
  collections += list.getEntries().length
})
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Bytes of a call. What the compiler itself leaves on the heap is the same for few calls and for many. */
const bytesOfCall = async (run: (times: number) => void): Promise<number> => {
  run(CALLS / 10)
  await nextTurn()
  run(CALLS / 10)
  globalThis.gc!()
  await nextTurn()
  collected.observe({ entryTypes: ['gc'] })
  const before = process.memoryUsage().heapUsed
  run(CALLS)
  const after = process.memoryUsage().heapUsed
  await nextTurn()
  collected.disconnect()
  return (after - before) / CALLS
}

const model = MODELS[process.argv[2]!]!
const measured: Record<string, number> = {}
for (const [call, run] of Object.entries(callsOf(model))) measured[call] = await bytesOfCall(run)
process.stdout.write(JSON.stringify({ collections, rows: ROWS, bytesOfCall: measured } satisfies HeapGrowth))
