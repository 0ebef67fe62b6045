import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unwatchedWork } from '../disk/work.ts'
import { type PipelineOptions, runPipeline } from './run-pipeline.ts'
import type { Step } from './step.ts'

describe('what an interrupted step has set aside', () => {
  test('is found by the next run, which computes only the rest', async () => {
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted while squaring')
    expect(computed).toEqual([1, 2])
    expect(await run()).toEqual([1, 4, 9])
    expect(computed).toEqual([3])
  })

  test('is found after a crash of the step as well', async () => {
    await expect(run({ failAt: 3 })).rejects.toThrow('out of luck')
    expect(await run()).toEqual([1, 4, 9])
    expect(computed).toEqual([3])
  })

  test('is left alone when the ingredients are others', async () => {
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted')
    power = 3
    expect(await run()).toEqual([1, 8, 27])
    expect(computed).toEqual([1, 2, 3])
  })

  test('is left alone when the code is another', async () => {
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted')
    await writeFile(join(folder, 'step.js'), 'export const other = 1')
    await run()
    expect(computed).toEqual([1, 2, 3])
  })

  test('is left alone when the step is forced', async () => {
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted')
    await run({ force: 'square' })
    expect(computed).toEqual([1, 2, 3])
  })

  test('is removed when the step has finished', async () => {
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted')
    expect(await readdir(runFolder)).toContain('.kept-square')
    await run()
    expect((await readdir(runFolder)).sort()).toEqual([LOCK, 'log.jsonl', 'square'])
  })

  test('is removed when settings are changed back to those of the finished output', async () => {
    await run()
    power = 3
    await expect(run({ interruptAt: 2 })).rejects.toThrow('Interrupted')
    power = 2
    await run()
    expect(computed).toEqual([])
    expect((await readdir(runFolder)).sort()).toEqual([LOCK, 'log.jsonl', 'square'])
  })

  test.each([
    ['cut short', (path: string) => truncate(path, 65)],
    ['emptied', (path: string) => truncate(path, 0)],
    ['edited', async (path: string) => writeFile(path, `${await readFile(path, 'utf8')}0`)],
  ])('counts as missing when its file was %s', async (_, damage) => {
    await expect(run({ interruptAt: 1 })).rejects.toThrow('Interrupted')
    const kept = join(runFolder, '.kept-square')
    for (const name of await readdir(kept)) if (name !== 'ingredients.json') await damage(join(kept, name))
    expect(await run()).toEqual([1, 4, 9])
    expect(computed).toEqual([1, 2, 3])
  })
})

let folder: string
let runFolder: string
let power: number
let computed: number[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-checkpoint-'))
  runFolder = join(folder, 'run')
  power = 2
  await writeFile(join(folder, 'package.json'), '{}')
  await writeFile(join(folder, 'step.js'), 'export const same = 1')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** Says that no run uses the folder. */
const LOCK = expect.stringMatching(/^lock-\d{12}$/)

/** Squares 1, 2 and 3, setting each aside; returns the output and notes in `computed` what was not found. */
const run = async ({
  interruptAt,
  failAt,
  ...changes
}: Partial<PipelineOptions> & { interruptAt?: number; failAt?: number } = {}): Promise<number[]> => {
  computed = []
  const controller = new AbortController()
  const step: Step = {
    name: 'square',
    activity: 'squaring',
    inputs: [],
    settings: { power },
    module: pathToFileURL(join(folder, 'step.js')).href,
    run: async ({ output, checkpoint, signal }) => {
      const results: unknown[] = []
      for (const n of [1, 2, 3]) {
        if (n === failAt) throw new Error('out of luck')
        let result = await checkpoint.read(`n/${n}`)
        if (result === undefined) {
          computed.push(n)
          result = n ** power
          await checkpoint.write(`n/${n}`, result)
        }
        results.push(result)
        if (n === interruptAt) controller.abort()
        signal.throwIfAborted()
      }
      await writeFile(output('squares.json'), JSON.stringify(results))
    },
  }
  await runPipeline([step], {
    folder: runFolder,
    world: { now: () => 0 },
    work: {
      ...unwatchedWork({ threads: 1, memoryLimit: '1GB', tempDirectory: '' }),
      signal: controller.signal,
    },
    owner: { processId: 1, host: 'here', isAlive: () => false },
    runtime: 'test',
    ...changes,
  })
  return JSON.parse(await readFile(join(runFolder, 'square', 'squares.json'), 'utf8'))
}
