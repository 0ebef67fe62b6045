import { built } from '../data.mjs'
import { averagePrecisionOf, readTable, trainingFiles, writeScores } from './training-data.mjs'

const SETTINGS = { trees: 100, learningRate: 0.1, maxDepth: 6 }
/** What average precision may lack of XGBoost's exact method. */
const LEAST_DIFFERENCE = -0.005

/** Fit from columns in memory; scoring the judged rows is for the check and outside of the time. */
export const gradientBoosting = {
  name: 'gradient-boosting',
  title: 'gradient boosting, 100 trees of depth 6, 500 k x 60',
  goal: {
    text: "within 1.3x of XGBoost hist's time, faster than scikit-learn, average precision of XGBoost exact",
    ratio: { 'XGBoost hist': 1 / 1.3, 'scikit-learn': 1, 'XGBoost exact': 1 },
  },
  prepare: async ({ folder, smoke }) => ({
    ...(await trainingFiles(folder, smoke)),
    settings: { ...SETTINGS, ...(smoke && { trees: 20 }) },
    smoke,
  }),
  outEnding: '.f64',
  ours: async () => {
    const { fitOnThreads } = await built('fitting/fit-on-threads.js')
    return async ({ settings, cores, out, ...data }) => {
      const training = readTable(data, 0, data.rows)
      const started = performance.now()
      const model = await fitOnThreads({
        algorithm: 'gradient_boosting',
        data: training,
        settings: { ...DEFAULTS, ...settings },
        seed: 1,
        threads: cores,
        work: { signal: new AbortController().signal },
        memoryLimitBytes: 8e9,
      })
      const seconds = (performance.now() - started) / 1000
      await writeScores(model, data, out)
      return { rows: data.rows, seconds }
    }
  },
  peers: {
    'XGBoost hist': { python: 'boosting-xgboost-hist.py', needs: 'xgboost' },
    'XGBoost exact': { python: 'boosting-xgboost-exact.py', needs: 'xgboost', once: true },
    'scikit-learn': { python: 'boosting-scikit-learn.py', needs: 'sklearn' },
  },
  check: async ({ data, outs }) => {
    const own = await averagePrecisionOf(outs.ours, data)
    const compared = []
    for (const [peer, path] of Object.entries(outs.peers)) {
      const theirs = await averagePrecisionOf(path, data)
      compared.push(`${peer} ${theirs.toFixed(4)}`)
      // A few thousand rows say nothing about thousandths.
      if (peer === 'XGBoost exact' && !data.smoke && own - theirs < LEAST_DIFFERENCE)
        throw new Error(`average precision is ${own.toFixed(4)}, of ${peer} ${theirs.toFixed(4)}`)
    }
    return `average precision ${[`ours ${own.toFixed(4)}`, ...compared].join(', ')}`
  },
}

const DEFAULTS = {
  minChildWeight: 1,
  categoryPenalty: 1,
  l2: 1,
  minGain: 0,
  rowShare: 1,
  columnShare: 1,
  earlyStoppingRounds: 0,
  classWeight: 'none',
  monotone: {},
  maxBins: 0,
}
