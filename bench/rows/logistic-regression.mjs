import { readFileSync, writeFileSync } from 'node:fs'
import { built, madeOnce } from '../data.mjs'

const FEATURES = 60
const LARGEST_DIFFERENCE = 1e-4

/**
 * Standardise and fit, from a file of raw columns; both sides penalise alike and read the file within the
 * time.
 */
export const logisticRegression = {
  name: 'logistic-regression',
  title: 'logistic regression, 500 k x 60, standardise and fit',
  goal: { text: 'no slower, coefficients equal to 1e-4', ratio: 1 },
  prepare: async ({ folder, smoke }) => {
    const rows = smoke ? 5_000 : 500_000
    const columns = await madeOnce(folder, `logistic-${rows}.f64`, (path) => writeColumns(path, rows))
    return { columns, rows, features: FEATURES, c: 1 }
  },
  outEnding: '.json',
  ours: async () => {
    const { fitLogisticRegression } = await built('learning/logistic-regression.js')
    return async ({ columns: path, rows, features, c }) => {
      const bytes = readFileSync(path)
      const column = (index) => new Float64Array(bytes.buffer, bytes.byteOffset + index * rows * 8, rows)
      const indexes = Array.from({ length: features }, (_, index) => index)
      const table = {
        names: indexes.map((index) => `f${index}`),
        rowCount: rows,
        columns: indexes.map(column),
      }
      const options = { c, classWeight: 'none', maxIterations: 100, tolerance: 1e-8 }
      const { coefficients, intercept, iterations } = fitLogisticRegression(table, column(features), options)
      return { rows, coefficients: [...coefficients, intercept], iterations }
    }
  },
  peers: { 'scikit-learn': { python: 'logistic-regression.py', needs: 'sklearn' } },
  check: async ({ results }) => {
    const { ours, ...peers } = results
    const compared = [`${ours.iterations} Newton steps`]
    for (const [peer, { coefficients, iterations }] of Object.entries(peers)) {
      const differences = coefficients.map((value, index) => Math.abs(value - ours.coefficients[index]))
      const largest = Math.max(...differences)
      if (!(largest <= LARGEST_DIFFERENCE))
        throw new Error(`a coefficient differs by ${largest} from ${peer}`)
      compared.push(`coefficients within ${largest.toExponential(1)} of ${peer} (${iterations} iterations)`)
    }
    return compared.join('; ')
  },
}

/**
 * Correlated features of unlike scales, then labels drawn from a known model, the rarer of them 1; column
 * after column.
 */
const writeColumns = async (path, rows) => {
  const { createRandom } = await built('foundation/random.js')
  const random = createRandom(7)
  const values = new Float64Array((FEATURES + 1) * rows)
  const shared = Float64Array.from({ length: rows }, () => random.normal())
  const margin = new Float64Array(rows).fill(-4)
  for (let f = 0; f < FEATURES; f++) {
    const scale = 10 ** ((f % 7) - 3)
    const effect = 0.5 * random.normal()
    for (let row = 0; row < rows; row++) {
      const value = 0.5 * shared[row] + random.normal()
      values[f * rows + row] = scale * value
      margin[row] += effect * value
    }
  }
  for (let row = 0; row < rows; row++) {
    values[FEATURES * rows + row] = random.next() < 1 / (1 + Math.exp(-margin[row])) ? 1 : 0
  }
  writeFileSync(path, values)
}
