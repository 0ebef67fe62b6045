import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLogReader } from '../../src/adapters/segments/segment-files.ts'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'
import type { ProgressUpdate } from '../../src/foundation/progress.ts'
import { trainingSteps } from '../../src/pipelines/training-pipeline.ts'
import { runPipeline } from '../../src/steps/run-pipeline.ts'
import { SMALL_BANK, temporaryFolder } from './vigia-in-process.ts'

describe('a training that is interrupted', () => {
  const { path: work, remove } = temporaryFolder()
  beforeAll(async () => {
    await run('whole')
  })
  afterAll(remove)

  it('within the search goes on after the fits that were judged', async () => {
    await expect(
      run('search', ({ activity, done }) => /^searching/.test(activity) && done === 3),
    ).rejects.toThrow('Interrupted while searching settings')
    const told = await run('search')
    expect(told.filter(({ activity }) => /^searching/.test(activity)).map(({ done }) => done)).toEqual([4])
    expect(productsOf('search')).toEqual(productsOf('whole'))
  })

  it('between two models keeps the first', async () => {
    await expect(run('train', ({ activity }) => activity === 'training: random forest')).rejects.toThrow(
      'Interrupted while training the models',
    )
    const told = await run('train')
    const trained = [
      ...new Set(told.map(({ activity }) => activity).filter((name) => /^training/.test(name))),
    ]
    expect(trained).toEqual(['training: random forest', 'training: gradient boosting'])
    expect(productsOf('train')).toEqual(productsOf('whole'))
  })

  it('leaves nothing hidden behind when it has finished', () => {
    for (const folder of ['whole', 'search', 'train'])
      expect(readdirSync(join(work, folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  /** Runs up to the training step, interrupted at the first progress that `isAt`; returns all progress. */
  const run = async (
    folder: string,
    isAt: (update: ProgressUpdate) => boolean = () => false,
  ): Promise<readonly ProgressUpdate[]> => {
    const interruption = new AbortController()
    const told: ProgressUpdate[] = []
    const config = loadTrainingConfig({
      environment: {},
      assignments: [
        ...SMALL_BANK.filter((argument) => argument !== '--set'),
        'models.logistic_regression.grid={c: [0.1, 1]}',
        'search.folds=2',
      ],
      workingDirectory: work,
    })
    const steps = trainingSteps({
      config,
      workingDirectory: work,
      environment: {},
      folder: join(work, folder),
      workers: 1,
      readLog: openLogReader,
    })
    await runPipeline(steps.slice(0, 1 + steps.findIndex(({ name }) => name === 'train')), {
      folder: join(work, folder),
      world: { now: () => 0 },
      work: {
        signal: interruption.signal,
        reportProgress: (update) => {
          told.push(update)
          if (isAt(update)) interruption.abort()
        },
        database: { threads: 1, memoryLimit: '1GB', tempDirectory: join(work, 'spill') },
      },
      owner: { processId: 1, host: 'here', isAlive: () => false },
      runtime: 'test',
    })
    return told
  }

  /** What search and training leave, by file. */
  const productsOf = (folder: string): Record<string, string> =>
    Object.fromEntries(
      ['search', 'train'].flatMap((step) =>
        readdirSync(join(work, folder, step))
          .sort()
          .map((file) => [`${step}/${file}`, readFileSync(join(work, folder, step, file), 'utf8')]),
      ),
    )
})
