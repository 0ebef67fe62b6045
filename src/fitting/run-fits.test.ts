import { describe, expect, test } from 'vitest'
import { unwatched } from '../disk/work.ts'
import { fitAlone } from '../learning/algorithm.ts'
import { takeRows } from '../learning/search/take-rows.ts'
import { findAlgorithm } from './fit-on-threads.ts'
import { type FitJob, type Fits, type LabelledTable, runFits } from './run-fits.ts'
import { scoreTable } from './score-table.ts'

describe('many small fits', () => {
  test('law: each scores as it would alone, on any number of threads', async () => {
    const algorithm = await findAlgorithm('logistic_regression')
    const alone = jobs.map(({ settings, seed, training, scored }) =>
      scoreTable(fitAlone(algorithm, take(training), settings, seed), take(scored).table),
    )
    for (const threads of [1, 2, 9]) expect(await scoresOf({ threads })).toEqual(alone)
  })

  test('nothing to do is done at once', async () => {
    expect(await scoresOf({ jobs: [] })).toEqual([])
  })

  test('run one at a time where memory has room for one, and not at all where it has none', async () => {
    expect(await scoresOf({ memoryLimitBytes: 20_000 })).toHaveLength(3)
    await expect(scoresOf({ memoryLimitBytes: 4_000 })).rejects.toThrow(
      'Training the logistic regression on 200 rows with 1 features needs about',
    )
  })

  test('an interruption ends them, and what was told before stays told', async () => {
    const interruption = new AbortController()
    const told: number[] = []
    const fitting = scoresOf({
      threads: 1,
      work: interruption,
      onScores: (_, job) => {
        told.push(job)
        interruption.abort()
      },
    })
    await expect(fitting).rejects.toThrow('Interrupted while trying settings')
    expect(told).toEqual([0])
  })

  test('an error of a fit, or of who is told, ends them', async () => {
    const oneClass = { ...jobs[0]!, training: Int32Array.of(0, 1, 2) }
    await expect(scoresOf({ jobs: [...jobs, oneClass] })).rejects.toMatchObject({
      code: 'LEARNING_ONE_CLASS',
    })
    const onScores = () => Promise.reject(new Error('the disk is full'))
    await expect(scoresOf({ onScores })).rejects.toThrow('the disk is full')
  })
})

/** The larger the value, the likelier a fraud; the first hundred rows are genuine. */
const rows: LabelledTable = {
  table: { names: ['a'], rowCount: 300, columns: [Float64Array.from({ length: 300 }, (_, row) => row % 97)] },
  labels: Uint8Array.from({ length: 300 }, (_, row) => (row >= 100 && (row % 97) * (row % 7) > 100 ? 1 : 0)),
}

const take = (numbers: Int32Array) => takeRows(rows.table, rows.labels, numbers)

const range = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i)

const jobs: readonly FitJob[] = [1, 0.1, 0.01].map((c, fold) => ({
  algorithm: 'logistic_regression',
  settings: { c, classWeight: 'none', maxIterations: 50, tolerance: 1e-8 },
  seed: 1,
  training: range(0, 150 + 25 * fold),
  scored: range(250, 300 - fold),
}))

const scoresOf = async (changes: Partial<Fits>): Promise<Float64Array[]> => {
  const scores: Float64Array[] = []
  await runFits({
    rows,
    jobs,
    threads: 2,
    memoryLimitBytes: 1e9,
    activity: 'trying settings',
    work: unwatched(),
    onScores: (ofJob, job) => {
      scores[job] = ofJob
    },
    ...changes,
  })
  return scores
}
