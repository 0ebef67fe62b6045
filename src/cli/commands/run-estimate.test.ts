import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { unwatched } from '../../disk/work.ts'
import type { VigiaError } from '../../errors.ts'
import type { CommandContext } from '../command.ts'
import { readTrainingConfig } from '../config-option.ts'
import { estimateRun, holdToEstimate, type RunEstimate } from './run-estimate.ts'

describe('the estimate of a run', () => {
  it('has the rows, features and threads of the default job, and lets it run where there is a gigabyte', async () => {
    const estimate = await estimated('resources.run_memory=1GB')
    expect(estimate).toMatchObject({ rows: 100_000, features: 139, threads: 2, availableBytes: 1e9 })
    expect(await begin(estimate, 'read')).toEqual([
      'memory     about 773 MB for 100000 rows, 139 features, 2 threads; 1.0 GB may be used\n',
    ])
  })

  it('refuses it where 400 MB are allowed, and says what, where, allowed, got and what would fit', async () => {
    const error = (await refusal(await estimated('resources.run_memory=400MB'))) as VigiaError
    expect(error.code).toBe('PIPELINE_RUN_TOO_LARGE')
    expect(error.message).toBe(
      'The run is not begun, so that it is not killed on its way: from its step "read" on it is estimated to take 773 MB of memory, for 100000 rows (generate.rows), 139 features and 2 threads. Allowed: 400 MB (resources.run_memory)',
    )
    expect(error.fix).toMatch(
      /^Set resources\.threads=1, and take at most 45 features \(features\.include\) or at most 38\d\d\d rows \(generate\.rows\): that is estimated to fit\. Or allow more: a machine or container with more memory, and a larger resources\.run_memory\. docs\/runs\.md#memory says how far the estimate may be off; resources\.run_memory=unlimited runs all the same, and the system may kill it\.$/,
    )
    const small = await estimated('resources.run_memory=400MB', 'generate.rows=30000')
    expect(await begin(small, 'read')).toHaveLength(1)
  })

  it('names fewer threads where that is enough, and nothing where nothing is', async () => {
    const close = await estimated('resources.run_memory=765MB')
    expect(await refusal(close)).toMatchObject({
      fix: expect.stringMatching(/^Set resources\.threads=1: that is estimated to fit\. Or allow more/),
    })
    const hopeless = await estimated('resources.run_memory=100MB')
    expect(await refusal(hopeless)).toMatchObject({
      fix: expect.stringMatching(/^No run fits, however few its threads, features and rows\. Allow more/),
    })
    const alone = await estimated('resources.run_memory=765MB', 'resources.threads=1', 'generate.rows=110000')
    expect(await refusal(alone)).toMatchObject({
      message: expect.stringContaining('139 features and 1 thread. Allowed'),
      fix: expect.stringMatching(/^Take at most 1\d\d features/),
    })
  })

  it('says of what is free that it is, and of rows where they come from', async () => {
    const estimate = { ...(await estimated('resources.run_memory=1GB'))!, availableBytes: 4e8 }
    expect(await refusal({ ...estimate, runMemory: 'auto', rowsFrom: 'source.path' })).toMatchObject({
      message: expect.stringMatching(
        /100000 rows \(source\.path\).* Allowed: 400 MB, which is free here now \(resources\.run_memory=auto\)$/,
      ),
      fix: expect.stringMatching(/rows \(source\.path\)/),
    })
  })

  it('holds no run that only has its last steps to do, nor one of who knows better', async () => {
    expect(await begin(await estimated('resources.run_memory=100MB'), 'evaluate')).toEqual([])
    expect(await estimated('resources.run_memory=unlimited')).toBeUndefined()
    expect(await begin(undefined, 'read')).toEqual([])
  })

  it('is made once, when the first step begins that needs memory, and never where none does', async () => {
    const estimate = vi.fn(async () => undefined)
    const hold = holdToEstimate(estimate, () => undefined)
    for (const name of ['generate', 'log', 'choose', 'score']) await hold({ name })
    expect(estimate).not.toHaveBeenCalled()
    for (const name of ['features', 'train']) await hold({ name })
    expect(estimate).toHaveBeenCalledOnce()
  })

  it('has the transactions of a log as soon as the step that reads it has counted them', async () => {
    const run = mkdtempSync(join(tmpdir(), 'vigia-estimate-'))
    try {
      const ofLog = () => estimatedIn(run, 'source.path=vigia-log://served', 'resources.run_memory=400MB')
      expect(await ofLog()).toBeUndefined()
      mkdirSync(join(run, 'log'))
      writeFileSync(join(run, 'log', 'log.json'), '{"transactions": 250000, "labels": 9, "names": []}')
      expect(await ofLog()).toMatchObject({ rows: 250_000, features: 139, availableBytes: 4e8 })
      expect(await refusal(await ofLog())).toMatchObject({ code: 'PIPELINE_RUN_TOO_LARGE' })
    } finally {
      rmSync(run, { recursive: true, force: true })
    }
  })

  it('leaves what is wrong with a source to the step that reads it', async () => {
    expect(await estimated('source.path=nowhere.csv')).toBeUndefined()
  })
})

const refusal = (estimate: RunEstimate | undefined): Promise<unknown> =>
  begin(estimate, 'read').catch((error: unknown) => error)

const begin = async (estimate: RunEstimate | undefined, step: string): Promise<readonly string[]> => {
  const told: string[] = []
  await holdToEstimate(
    async () => estimate,
    (line) => told.push(line),
  )({ name: step })
  return told
}

const estimated = (...set: readonly string[]): Promise<RunEstimate | undefined> => estimatedIn('run', ...set)

const estimatedIn = async (folder: string, ...set: readonly string[]): Promise<RunEstimate | undefined> => {
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
  return estimateRun(context, config, folder)
}
