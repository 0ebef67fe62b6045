import { readFileSync, writeFileSync } from 'node:fs'
import { built } from '../data.mjs'
import { explanation } from './explanation.mjs'
import { readTable } from './training-data.mjs'

const LARGEST_DIFFERENCE = 1e-6

/** Rows with ready features, one thread each: every side holds the same model, XGBoost's own. */
export const scoring = {
  name: 'scoring',
  title: 'scoring of 200 k rows with ready features, 100 trees of depth 6, 60 features, one thread',
  goal: { text: '100,000 transactions/s a core, features included: this row is the scoring alone' },
  prepare: async (environment) => {
    const prepared = await explanation.prepare(environment)
    const onnx = `${prepared.model}.onnx`
    if (environment.python !== undefined) {
      const { importXgboostModel } = await built('learning/xgboost/import-model.js')
      const { encodeOnnx } = await built('model/onnx/encode-onnx.js')
      writeFileSync(onnx, encodeOnnx(importXgboostModel(readFileSync(prepared.model)), { method: 'none' }))
    }
    return { ...prepared, onnx }
  },
  outEnding: '.f64',
  ours: async () => {
    const { importXgboostModel } = await built('learning/xgboost/import-model.js')
    const { createModelScorer } = await built('model/scorer.js')
    return async ({ model, out, ...data }) => {
      const scorer = createModelScorer(importXgboostModel(readFileSync(model)), { method: 'none' })
      const { table } = readTable(data, data.rows, data.rows + data.judged)
      const scores = new Float64Array(table.rowCount)
      const started = performance.now()
      scorer.scoreMany(table, scores)
      const seconds = (performance.now() - started) / 1000
      writeFileSync(out, scores)
      return { rows: data.judged, seconds }
    }
  },
  peers: {
    XGBoost: { python: 'scoring-xgboost.py', needs: 'xgboost' },
    onnxruntime: { python: 'scoring-onnxruntime.py', needs: 'onnxruntime' },
  },
  check: async ({ outs }) => {
    const own = readFloats(outs.ours)
    const compared = []
    for (const [peer, path] of Object.entries(outs.peers)) {
      const theirs = readFloats(path)
      if (theirs.length !== own.length) throw new Error(`${peer} scored ${theirs.length} rows`)
      const largest = own.reduce((most, value, row) => Math.max(most, Math.abs(value - theirs[row])), 0)
      if (!(largest <= LARGEST_DIFFERENCE)) throw new Error(`a probability of ${peer} differs by ${largest}`)
      compared.push(`${peer} within ${largest.toExponential(1)}`)
    }
    return compared.length === 0 ? 'no peer to compare with' : `probabilities: ${compared.join(', ')}`
  },
}

const readFloats = (path) => {
  const bytes = readFileSync(path)
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
}
