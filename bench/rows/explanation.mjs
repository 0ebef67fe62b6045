import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { built } from '../data.mjs'
import { readTable, trainingFiles } from './training-data.mjs'

const ROWS = 2_000
const LARGEST_DIFFERENCE = 1e-6

/** One row after the other, as serving asks; both sides hold the same model, XGBoost's own. */
export const explanation = {
  name: 'explanation',
  title: 'explanation of one prediction, 100 trees of depth 6, one row at a time',
  goal: { text: 'at least as fast, equal to 1e-6 of the row', ratio: 1 },
  prepare: async ({ folder, smoke, python }) => {
    const data = await trainingFiles(folder, smoke)
    const model = `${folder}/explained-${data.rows}.json`
    if (python !== undefined) {
      const trained = spawnSync(python, [
        'bench/peers/train_explained.py',
        JSON.stringify({ ...data, out: model }),
      ])
      if (trained.status !== 0) throw new Error(String(trained.stderr))
    }
    return { ...data, model, explained: smoke ? 200 : ROWS }
  },
  outEnding: '.f64',
  ours: async () => {
    const { importXgboostModel } = await built('learning/xgboost/import-model.js')
    const { createExplainer } = await built('model/explain/create-explainer.js')
    return async ({ model: path, explained, out, ...data }) => {
      const model = importXgboostModel(readFileSync(path))
      const { table } = readTable(data, data.rows, data.rows + explained)
      const { baseline, explainOne } = createExplainer(model)
      const width = data.features
      const vector = new Float64Array(width)
      const contributions = new Float64Array(explained * (width + 1))
      const one = new Float64Array(width)
      const started = performance.now()
      for (let row = 0; row < explained; row++) {
        for (let f = 0; f < width; f++) vector[f] = table.columns[f][row]
        explainOne(vector, 0, one)
        contributions.set(one, row * (width + 1))
        contributions[row * (width + 1) + width] = baseline
      }
      const seconds = (performance.now() - started) / 1000
      const { writeFileSync } = await import('node:fs')
      writeFileSync(out, contributions)
      return { rows: explained, seconds }
    }
  },
  peers: { XGBoost: { python: 'explanation.py', needs: 'xgboost' } },
  check: async ({ data, outs }) => {
    const own = readFloats(outs.ours)
    const width = data.features + 1
    for (const path of Object.values(outs.peers)) {
      const theirs = readFloats(path)
      let largest = 0
      let largestShare = 0
      for (let row = 0; row < own.length; row += width) {
        const size = own.subarray(row, row + width).reduce((sum, value) => sum + Math.abs(value), 0)
        for (let i = row; i < row + width; i++) {
          const difference = Math.abs(own[i] - theirs[i])
          largest = Math.max(largest, difference)
          largestShare = Math.max(largestShare, difference / Math.max(1, size))
        }
      }
      // Theirs are sums of 32 bits, which round by the size of what they add up.
      if (!(largestShare <= LARGEST_DIFFERENCE))
        throw new Error(`a contribution differs by ${largestShare} of its row's`)
      return `contributions within ${largest.toExponential(1)}, ${largestShare.toExponential(1)} of their row's sum`
    }
    return 'no peer to compare with'
  },
}

const readFloats = (path) => {
  const bytes = readFileSync(path)
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
}
