import { built } from '../data.mjs'
import { averagePrecisionOf, readTable, trainingFiles, writeScores } from './training-data.mjs'

const LARGEST_DIFFERENCE = 0.005

/** Fit from columns in memory; scoring the judged rows is for the check and outside of the time. */
export const randomForest = {
  name: 'random-forest',
  title: 'random forest, 100 trees of any depth, 500 k x 60',
  goal: { text: 'at least 2x faster, average precision within .005', ratio: 2 },
  prepare: async ({ folder, smoke }) => ({
    ...(await trainingFiles(folder, smoke)),
    trees: smoke ? 20 : 100,
    smoke,
  }),
  outEnding: '.f64',
  ours: async () => {
    const { fitOnThreads } = await built('fitting/fit-on-threads.js')
    return async ({ trees, cores, out, ...data }) => {
      const training = readTable(data, 0, data.rows)
      const started = performance.now()
      const model = await fitOnThreads({
        algorithm: 'random_forest',
        data: training,
        settings: { ...DEFAULTS, trees },
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
  peers: { 'scikit-learn': { python: 'forest-scikit-learn.py', needs: 'sklearn' } },
  check: async ({ data, outs }) => {
    const own = await averagePrecisionOf(outs.ours, data)
    const compared = []
    for (const [peer, path] of Object.entries(outs.peers)) {
      const theirs = await averagePrecisionOf(path, data)
      compared.push(`${peer} ${theirs.toFixed(4)}`)
      if (!data.smoke && Math.abs(own - theirs) > LARGEST_DIFFERENCE)
        throw new Error(`average precision is ${own.toFixed(4)}, of ${peer} ${theirs.toFixed(4)}`)
    }
    return `average precision ${[`ours ${own.toFixed(4)}`, ...compared].join(', ')}`
  },
}

const DEFAULTS = {
  maxDepth: 0,
  minLeafRows: 1,
  categoryPenalty: 1,
  featuresPerSplit: 'sqrt',
  classWeight: 'none',
  rowShare: 1,
  maxBins: 0,
}
