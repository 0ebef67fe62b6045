import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { unwatched } from '../disk/work.ts'
import { createRandom } from '../foundation/random.ts'
import { fitAlone, type TrainingData } from '../learning/algorithm.ts'
import { ALGORITHMS } from '../learning/algorithms/index.ts'
import type { ModelKind } from '../learning/model.ts'
import { algorithmSettings, modelSettings } from '../pipelines/training/model-settings.ts'
import { findAlgorithm, fitOnThreads, type ThreadedFit } from './fit-on-threads.ts'
import { shareData } from './share-data.ts'

describe('law: any number of threads gives the bytes of one', () => {
  // XGBoost's library divides its work among threads of its own, and is held to this where it is installed.
  const ours = (Object.keys(ALGORITHMS) as ModelKind[]).filter((name) => name !== 'xgboost')
  test.each(ours)('%s', async (name) => {
    const settings = settingsOf(name)
    const data = invented(3000)
    const alone = JSON.stringify(fitAlone(await findAlgorithm(name), data, settings, 7))
    for (const threads of [1, 2, 3])
      expect(
        JSON.stringify(await fitInvented({ algorithm: name, data, settings, threads })),
        `${threads}`,
      ).toBe(alone)
  })
})

describe('a crew of threads', () => {
  test('meets at every wait, shares counters and buffers, and keeps the order of parts', async () => {
    const model = await faulty({ do: 'count', meetings: 3000 })
    expect(model).toEqual([0, 1, 2].map((index) => ({ index, size: 3, sum: 3 * 3000, taken: true })))
  })

  test('tells its progress', async () => {
    const told: string[] = []
    await faulty({ do: 'count', meetings: 2 }, { onProgress: (done, total) => told.push(`${done}/${total}`) })
    expect(told).toEqual(['1/2', '2/2'])
  })

  test('uses columns where they lie when that is shared memory', () => {
    const data = shareData(invented(10))
    expect(shareData(data).table.columns[0]?.buffer).toBe(data.table.columns[0]?.buffer)
  })
})

describe('a fit that cannot go on', () => {
  test('is interrupted while one thread computes and the others wait for it', async () => {
    const interruption = new AbortController()
    const fitting = faulty({ do: 'loop' }, { work: interruption, onProgress: () => interruption.abort() })
    await expect(fitting).rejects.toThrow('Interrupted while training the faulty one')
  })

  test('does not begin when it was interrupted before', async () => {
    await expect(
      faulty({ do: 'count', meetings: 1 }, { work: { signal: AbortSignal.abort() } }),
    ).rejects.toThrow('Interrupted')
  })

  test('ends with the error of the one thread that failed, though the others wait', async () => {
    await expect(faulty({ do: 'throw', index: 1 })).rejects.toThrow('thread 1 is out of luck')
  })

  test('passes errors of the registry on as they were', async () => {
    const data = invented(50)
    const fitting = fitInvented({
      algorithm: 'logistic_regression',
      data: { ...data, labels: new Uint8Array(50) },
    })
    await expect(fitting).rejects.toMatchObject({
      code: 'LEARNING_ONE_CLASS',
      details: { rows: 50, frauds: 0 },
    })
  })

  test('says so when a thread ends without a word', async () => {
    await expect(faulty({ do: 'exit', index: 2 })).rejects.toMatchObject({
      code: 'PIPELINE_THREAD_ENDED',
      message: 'A thread that was training the faulty one ended without a result',
    })
  })

  test('is refused before it begins when memory is short, with what it needs', async () => {
    await expect(faulty({ do: 'count', meetings: 1 }, { memoryLimitBytes: 1e5 })).rejects.toMatchObject({
      code: 'PIPELINE_MEMORY_SHORT',
      // Two columns of 8 bytes and a label for each of 10,000 rows; the shared buffers; a million bytes for
      // each of three threads.
      message:
        'Training the faulty one on 10000 rows with 2 features needs about 0.0032 GB of memory; 0.00010 GB may be used',
    })
  })
})

let folder: string
let algorithms: string
let before: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-threads-'))
  const path = join(folder, 'algorithms.mjs')
  await writeFile(path, FAULTY_ALGORITHMS)
  algorithms = pathToFileURL(path).href
})
afterAll(() => rm(folder, { recursive: true, force: true }))

// Each running thread has a port that counts as a resource of this one.
const runningThreads = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort').length
beforeEach(() => {
  before = runningThreads()
})
afterEach(() => {
  expect(runningThreads(), 'threads left running').toBe(before)
})

/** An algorithm that does what its settings say, on every thread or on the one of an index. */
const FAULTY_ALGORITHMS = `
const fit = (data, settings, seed, crew) => {
  if (settings.do !== 'count' && (settings.index ?? crew.index) !== crew.index) crew.wait()
  if (settings.do === 'throw') throw new Error('thread ' + crew.index + ' is out of luck')
  if (settings.do === 'exit') process.exit(0)
  if (settings.do === 'loop' && crew.index > 0) crew.wait()
  if (settings.do === 'loop') { crew.reportProgress(0, 1); for (;;); }
  const sum = new Int32Array(crew.parts.memory.buffer, crew.parts.places.sum.offset, 1)
  let taken = true
  for (let meeting = 0; meeting < settings.meetings; meeting++) {
    const next = crew.takeNext(3)
    if (next < meeting * crew.size || next >= (meeting + 1) * crew.size) taken = false
    Atomics.add(sum, 0, 1)
    crew.wait()
    if (Atomics.load(sum, 0) !== (meeting + 1) * crew.size) taken = false
    crew.wait()
    crew.reportProgress(meeting + 1, settings.meetings)
  }
  return { index: crew.index, size: crew.size, sum: sum[0], taken }
}
const algorithm = {
  name: 'random_forest', title: 'Faulty one', isParallel: true, fit,
  memory: () => ({ sum: 4 }), ownMemory: () => 1e6, assemble: (parts) => parts,
}
export const ALGORITHMS = { random_forest: algorithm }
`

const fitInvented = (changes: Partial<ThreadedFit>): Promise<unknown> =>
  fitOnThreads({
    algorithm: 'random_forest',
    data: invented(10_000),
    settings: settingsOf(changes.algorithm ?? 'random_forest'),
    seed: 7,
    threads: 3,
    memoryLimitBytes: 1e9,
    work: unwatched(),
    ...changes,
  })

const faulty = (settings: unknown, changes: Partial<ThreadedFit> = {}): Promise<unknown> =>
  fitInvented({ algorithms, settings, ...changes })

const settingsOf = (name: ModelKind): Readonly<Record<string, unknown>> => {
  const { models } = loadTrainingConfig({
    environment: {},
    assignments: ['models.gradient_boosting.trees=20'],
    workingDirectory: folder,
  }).settings
  return algorithmSettings(modelSettings(models[name]))
}

/** Two features with gaps; large values of either raise the probability. */
const invented = (rowCount: number): TrainingData => {
  const random = createRandom(1)
  const column = () =>
    Float64Array.from({ length: rowCount }, () => (random.next() < 0.05 ? Number.NaN : random.next()))
  const columns = [column(), column()]
  const labels = Uint8Array.from({ length: rowCount }, (_, row) =>
    (columns[0]![row] || 0) + (columns[1]![row] || 0) + random.next() > 2.2 ? 1 : 0,
  )
  return { table: { names: ['a', 'b'], rowCount, columns }, labels }
}
