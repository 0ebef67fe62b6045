import { readFileSync, writeFileSync } from 'node:fs'
import { built, madeOnce } from '../data.mjs'

export const FEATURES = 60

/**
 * Files of rows to learn from and of rows to judge by: columns of doubles, then a byte a row with the label.
 */
export const trainingFiles = async (folder, smoke) => {
  const rows = smoke ? 6_000 : 500_000
  const judged = smoke ? 3_000 : 200_000
  const path = await madeOnce(folder, `training-${rows}.bin`, (target) => writeRows(target, rows + judged))
  return { path, rows, judged, features: FEATURES }
}

/** Our own view of the file: a table in shared memory of the rows `from` to `to`, and their labels. */
export const readTable = ({ path, rows, judged, features }, from, to) => {
  const bytes = readFileSync(path)
  const all = rows + judged
  const columns = Array.from({ length: features }, (_, f) => {
    const column = new Float64Array(new SharedArrayBuffer((to - from) * 8))
    column.set(new Float64Array(bytes.buffer, bytes.byteOffset + f * all * 8, all).subarray(from, to))
    return column
  })
  const labels = new Uint8Array(new SharedArrayBuffer(to - from))
  labels.set(bytes.subarray(features * all * 8 + from, features * all * 8 + to))
  return { table: { names: columns.map((_, f) => `f${f}`), rowCount: to - from, columns }, labels }
}

/** Average precision of a file of probabilities of the judged rows. */
export const averagePrecisionOf = async (scoresPath, data) => {
  const { averagePrecision } = await built('evaluation/average-precision.js')
  const { labels } = readTable({ ...data, features: data.features }, data.rows, data.rows + data.judged)
  const bytes = readFileSync(scoresPath)
  return averagePrecision(labels, new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8))
}

/** Scores the judged rows with our model into a file of doubles. */
export const writeScores = async (model, data, out) => {
  const { createModelScorer } = await built('model/scorer.js')
  const { table } = readTable(data, data.rows, data.rows + data.judged)
  const scores = new Float64Array(table.rowCount)
  createModelScorer(model, { method: 'none' }).scoreMany(table, scores)
  writeFileSync(out, scores)
}

/**
 * Correlated features as transactions have them: amounts with long tails, counts, plain numbers, numbers with
 * gaps, flags, small numbers. About one row in fifty is fraud, mostly far out in the tails of a few features.
 */
const writeRows = async (path, count) => {
  const { createRandom } = await built('foundation/random.js')
  const random = createRandom(7)
  const shared = Float64Array.from({ length: count }, () => random.normal())
  const margin = new Float64Array(count).fill(-5.2)
  const values = new Float64Array(FEATURES * count)
  for (let f = 0; f < FEATURES; f++) {
    const kind = f % 6
    const effect = f < 24 ? 0.15 * random.normal() : 0
    const tail = f < 24 && (kind === 0 || kind === 5) ? 3 : 0
    for (let row = 0; row < count; row++) {
      const z = 0.5 * shared[row] + 0.87 * random.normal()
      margin[row] += effect * z + (z > 2.5 ? tail : 0)
      values[f * count + row] = SHAPES[kind](z, random)
    }
  }
  const bytes = Buffer.alloc(FEATURES * count * 8 + count)
  bytes.set(new Uint8Array(values.buffer))
  for (let row = 0; row < count; row++)
    bytes[FEATURES * count * 8 + row] = random.next() < 1 / (1 + Math.exp(-margin[row])) ? 1 : 0
  writeFileSync(path, bytes)
}

const SHAPES = [
  (z) => Math.round(2000 * Math.exp(1.2 * z)) / 100,
  (z) => Math.floor(Math.exp(z)),
  (z) => z,
  (z, random) => (random.next() < 0.1 ? Number.NaN : 100 * z),
  (z) => (z > 1 ? 1 : 0),
  (z) => Math.round(1000 * Math.abs(z) ** 3 * Math.sign(z)) / 1000,
]
