import { describe, expect, it } from 'vitest'
import { unwatched } from '../../disk/work.ts'
import type { CommandContext } from '../command.ts'
import { readTrainingConfig } from '../config-option.ts'
import { estimateRun, holdToEstimate, type RunEstimate } from './run-estimate.ts'

describe('the estimate of a run', () => {
  it('has the rows, features and threads of the default job, and lets it run where there is a gigabyte', async () => {
    const estimate = await estimated('resources.run_memory=1GB')
    expect(estimate).toMatchObject({ rows: 100_000, features: 139, threads: 2, availableBytes: 1e9 })
    expect(begin(estimate, 'read')).toEqual([
      'memory     about 773 MB for 100000 rows, 139 features, 2 threads; 1.0 GB may be used\n',
    ])
  })

  it('refuses it where 400 MB are free, and says what would fit', async () => {
    const estimate = await estimated('resources.run_memory=400MB')
    expect(refusal(estimate)).toMatchObject({
      code: 'PIPELINE_RUN_TOO_LARGE',
      message: expect.stringMatching(
        /about 773 MB .* 100000 rows, 139 features and 2 threads; 400 MB may be used/,
      ),
      fix: expect.stringMatching(/^With resources.threads=1 it fits with 45 features .* or 38\d\d\d rows/),
    })
    const small = await estimated('resources.run_memory=400MB', 'generate.rows=30000')
    expect(begin(small, 'read')).toHaveLength(1)
  })

  it('names fewer threads where that is enough, and nothing where nothing is', async () => {
    const close = await estimated('resources.run_memory=765MB')
    expect(refusal(close)).toMatchObject({ fix: expect.stringMatching(/^Set resources.threads=1, with/) })
    const hopeless = await estimated('resources.run_memory=100MB')
    expect(refusal(hopeless)).toMatchObject({ fix: expect.stringMatching(/^Nothing that it could leave/) })
  })

  it('holds no run that only has its last steps to do, nor one of who knows better', async () => {
    expect(begin(await estimated('resources.run_memory=100MB'), 'evaluate')).toEqual([])
    expect(await estimated('resources.run_memory=unlimited')).toBeUndefined()
    expect(begin(undefined, 'read')).toEqual([])
  })

  it('leaves what is wrong with a source to the step that reads it', async () => {
    expect(await estimated('source.path=nowhere.csv')).toBeUndefined()
  })
})

const refusal = (estimate: RunEstimate | undefined): unknown => {
  try {
    return begin(estimate, 'read')
  } catch (error) {
    return error
  }
}

const begin = (estimate: RunEstimate | undefined, step: string): readonly string[] => {
  const told: string[] = []
  holdToEstimate(estimate, (line) => told.push(line))({ name: step })
  return told
}

const estimated = async (...set: readonly string[]): Promise<RunEstimate | undefined> => {
  const silent = { isTerminal: false, columns: 80, write: () => undefined }
  const context: CommandContext = {
    stdout: silent,
    stderr: silent,
    environment: {},
    workingDirectory: import.meta.dirname,
    work: unwatched(),
    json: true,
    useColor: false,
  }
  const options = { set: ['source.path=generated', 'resources.threads=2', ...set] }
  const config = await readTrainingConfig(context, { options, words: [] } as never)
  return estimateRun(context, config)
}
