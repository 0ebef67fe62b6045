import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { unwatchedWork } from '../disk/work.ts'
import { type PipelineOptions, runPipeline } from './run-pipeline.ts'
import type { Step } from './step.ts'

describe('why a step runs or is skipped', () => {
  test('the first time there is no finished output, the second time all is up to date', async () => {
    expect(await run()).toEqual([
      'read: no finished output',
      'double: no finished output',
      'sum: no finished output',
    ])
    expect(await run()).toEqual(['(read: up to date)', '(double: up to date)', '(sum: up to date)'])
  })

  test('a changed source runs what depends on its content', async () => {
    await run()
    await writeFile(source, '1 2 4')
    expect(await run()).toEqual([
      'read: source changed',
      'double: output of read changed',
      'sum: output of double changed',
    ])
  })

  test('a source that is touched or moved is the same source', async () => {
    await run()
    await rm(source)
    source = join(folder, 'moved.txt')
    await writeFile(source, '1 2 3')
    expect(await run()).toEqual(['(read: up to date)', '(double: up to date)', '(sum: up to date)'])
  })

  test('a changed setting is named with both values', async () => {
    await run()
    factor = 3
    expect(await run()).toEqual([
      '(read: up to date)',
      'double: setting arithmetic.factor changed from 2 to 3',
      'sum: output of double changed',
    ])
  })

  test('another version of a library runs the steps that use it', async () => {
    const withLibrary = (version: string) =>
      pipeline().map((step) => ({ ...step, identities: async () => ({ library: { algebra: version } }) }))
    await runPipeline(withLibrary('1.0'), options())
    const outcomes = await runPipeline(withLibrary('1.1'), options())
    expect(outcomes[0]?.reason).toBe('setting library.algebra changed from "1.0" to "1.1"')
  })

  test('a step that is run again and makes the same bytes leaves later steps up to date', async () => {
    await run()
    await writeFile(source, '1  2  3')
    expect(await run()).toEqual(['read: source changed', '(double: up to date)', '(sum: up to date)'])
  })

  test('changed code is noticed in the module and in what it imports', async () => {
    await run()
    await writeFile(join(folder, 'arithmetic.js'), 'export const add = (a, b) => b + a')
    expect(await run()).toEqual(['read: code changed', 'double: code changed', 'sum: code changed'])
  })

  test('a damaged output is made again, and so is a missing one', async () => {
    await run()
    await writeFile(join(runFolder, 'double', 'numbers.json'), '[2,4,7]')
    await rm(join(runFolder, 'sum', 'sum.json'))
    expect(await run()).toEqual([
      '(read: up to date)',
      'double: output missing or altered: numbers.json',
      'sum: output missing or altered: sum.json',
    ])
  })

  test('a manifest that was edited is not believed', async () => {
    await run()
    const manifest = join(runFolder, 'sum', 'step.json')
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"bytes": 2', '"bytes": 3'))
    expect(await run()).toContain('sum: no finished output')
  })

  test('force runs one step or all of them, from runs a step and those after it', async () => {
    await run()
    expect(await run({ force: 'double' })).toEqual([
      '(read: up to date)',
      'double: forced',
      '(sum: up to date)',
    ])
    expect(await run({ force: 'all' })).toEqual(['read: forced', 'double: forced', 'sum: forced'])
    expect(await run({ from: 'double' })).toEqual(['(read: up to date)', 'double: forced', 'sum: forced'])
  })

  test('an unknown step is an error that lists the known ones', async () => {
    await expect(run({ from: 'dubble' })).rejects.toThrow('no step "dubble". Allowed: read, double, sum')
  })

  test('a dry run tells the same and writes nothing', async () => {
    expect(await run({ dryRun: true })).toEqual([
      'read: no finished output',
      'double: no finished output',
      'sum: no finished output',
    ])
    expect(await readdir(folder)).not.toContain('run')
    await run()
    factor = 5
    const before = await contentOf(runFolder)
    expect(await run({ dryRun: true })).toEqual([
      '(read: up to date)',
      'double: setting arithmetic.factor changed from 2 to 5',
      'sum: double would run first',
    ])
    expect(await contentOf(runFolder)).toEqual(before)
  })
})

describe('a finished run of another configuration', () => {
  const kept = { keepFinished: 'sum' }

  test('is kept, and the error says where it is and what differs', async () => {
    await run()
    factor = 5
    const before = await contentOf(runFolder)
    await expect(run(kept)).rejects.toMatchObject({
      code: 'PIPELINE_RUN_OTHER',
      message: `${runFolder} holds a finished run of another configuration, and it is kept: setting arithmetic.factor changed from 2 to 5`,
    })
    await expect(run({ ...kept, dryRun: true })).rejects.toMatchObject({ code: 'PIPELINE_RUN_OTHER' })
    expect(await contentOf(runFolder)).toEqual(before)
  })

  test('is run over when that is asked for', async () => {
    await run()
    factor = 5
    expect(await run()).toContain('double: setting arithmetic.factor changed from 2 to 5')
  })

  test('is no other because of other data, other code or another version of a library', async () => {
    const withLibrary = (version: string) =>
      pipeline().map((step) => ({ ...step, identities: async () => ({ library: { algebra: version } }) }))
    await runPipeline(withLibrary('1.0'), options())
    await writeFile(source, '1 2 4')
    await writeFile(join(folder, 'arithmetic.js'), 'export const add = (a, b) => b + a')
    const outcomes = await runPipeline(withLibrary('1.1'), { ...options(), ...kept })
    expect(outcomes.map(({ state }) => state)).toEqual(['ran', 'ran', 'ran'])
  })

  test('does not count before it was finished', async () => {
    await interruptedRun(2, 'abort')
    factor = 5
    expect(await run(kept)).toContain('sum: no finished output')
  })
})

describe('interruptions', () => {
  test('law: stopped anywhere, in any way, and run again equals one uninterrupted run, byte for byte', async () => {
    await run()
    const whole = await contentOf(runFolder)
    const stops = fc.record({
      step: fc.integer({ min: 0, max: 2 }),
      how: fc.constantFrom('abort', 'throw', 'crash'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(stops, { minLength: 1, maxLength: 3 }), async (interruptions) => {
        await rm(runFolder, { recursive: true })
        for (const { step, how } of interruptions) await interruptedRun(step, how)
        await run()
        expect(await contentOf(runFolder)).toEqual(whole)
      }),
      { numRuns: 25 },
    )
  })

  test('finished steps are not repeated after a stop', async () => {
    await interruptedRun(2, 'abort')
    expect(await run()).toEqual(['(read: up to date)', '(double: up to date)', 'sum: no finished output'])
  })

  test('a step that is stopped leaves nothing behind', async () => {
    await interruptedRun(1, 'abort')
    expect((await readdir(runFolder)).sort()).toEqual([LOCK, 'log.jsonl', 'read'])
  })

  test('a check stops the run also when its step is skipped', async () => {
    const steps = pipeline().map((step) => ({
      ...step,
      ...(step.name === 'double' && { check: () => Promise.reject(new Error('too large')) }),
    }))
    await expect(runPipeline(steps, options())).rejects.toThrow('too large')
    await expect(runPipeline(steps, options())).rejects.toThrow('too large')
    expect(await readdir(runFolder)).not.toContain('sum')
  })
})

describe('two runs in one folder', () => {
  test('the second is refused while the first runs', async () => {
    await mkdir(runFolder)
    await writeFile(join(runFolder, 'lock.json'), '{"processId":7,"host":"here","sinceMs":0}')
    alive = [7]
    await expect(run()).rejects.toThrow('process 7 on here, since 1970-01-01T00:00:00.000Z')
  })

  test('a lock left by a process that is gone is taken over, one of another machine is not', async () => {
    await mkdir(runFolder)
    await writeFile(join(runFolder, 'lock.json'), '{"processId":7,"host":"here","sinceMs":0}')
    alive = []
    expect(await run()).toHaveLength(3)
    await writeFile(join(runFolder, 'lock.json'), '{"processId":7,"host":"elsewhere","sinceMs":0}')
    await expect(run()).rejects.toThrow('on elsewhere')
  })

  test('a lock cut short by a power failure is taken over', async () => {
    await mkdir(runFolder)
    await writeFile(join(runFolder, 'lock.json'), '{"proc')
    expect(await run()).toHaveLength(3)
    expect(await readdir(runFolder)).not.toContain('lock.json')
  })
})

test('a step may read only what it declares', async () => {
  const undeclared: Step = {
    ...pipeline()[2]!,
    run: async ({ input }) => void (await readFile(input('read', 'numbers.json'))),
  }
  await expect(runPipeline([...pipeline().slice(0, 2), undeclared], options())).rejects.toThrow(
    'sum reads files of read; it declares double',
  )
})

let folder: string
let runFolder: string
let source: string
let factor: number
let alive: readonly number[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-pipeline-'))
  runFolder = join(folder, 'run')
  source = join(folder, 'source.txt')
  factor = 2
  alive = []
  await writeFile(source, '1 2 3')
  await writeFile(join(folder, 'package.json'), '{}')
  await mkdir(join(folder, 'code'))
  await writeFile(join(folder, 'code', 'steps.js'), "import { add } from '../arithmetic.js'\nexport { add }")
  await writeFile(join(folder, 'arithmetic.js'), 'export const add = (a, b) => a + b')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** Numbers of a text file -> each times the factor -> their sum. */
const pipeline = (interrupt: (at: number) => void = () => undefined): Step[] => {
  const module = pathToFileURL(join(folder, 'code', 'steps.js')).href
  const numbers = async (path: string): Promise<number[]> => JSON.parse(await readFile(path, 'utf8'))
  return [
    {
      name: 'read',
      activity: 'reading',
      inputs: [],
      sources: async () => [source],
      settings: {},
      module,
      run: async ({ output }) => {
        const values = (await readFile(source, 'utf8')).split(/ +/).map(Number)
        await writeFile(output('numbers.json'), JSON.stringify(values))
        interrupt(0)
      },
    },
    {
      name: 'double',
      activity: 'doubling',
      inputs: ['read'],
      settings: { arithmetic: { factor } },
      module,
      run: async ({ input, output }) => {
        const values = await numbers(input('read', 'numbers.json'))
        await writeFile(output('numbers.json'), JSON.stringify(values.map((value) => value * factor)))
        interrupt(1)
      },
    },
    {
      name: 'sum',
      activity: 'adding',
      inputs: ['double'],
      settings: {},
      module,
      run: async ({ input, output }) => {
        const values = await numbers(input('double', 'numbers.json'))
        await writeFile(output('sum.json'), JSON.stringify(values.reduce((a, b) => a + b)))
        interrupt(2)
      },
    },
  ]
}

const work = unwatchedWork({ threads: 1, memoryLimit: '1GB', tempDirectory: '' })

const options = (changes: Partial<PipelineOptions> = {}): PipelineOptions => ({
  folder: runFolder,
  world: { now: () => 0 },
  work,
  owner: { processId: 1, host: 'here', isAlive: (processId) => alive.includes(processId) },
  runtime: 'test',
  ...changes,
})

/** Says that no run uses the folder. */
const LOCK = 'lock-000000000001'

/** One line a step, in parentheses when it was skipped. */
const run = async (changes: Partial<PipelineOptions> = {}): Promise<string[]> => {
  const outcomes = await runPipeline(pipeline(), options(changes))
  return outcomes.map(({ step, state, reason }) =>
    state.includes('skip') ? `(${step}: ${reason})` : `${step}: ${reason}`,
  )
}

/** `crash` leaves what a killed process leaves: a half-written hidden folder and a lock. */
const interruptedRun = async (at: number, how: 'abort' | 'throw' | 'crash'): Promise<void> => {
  const controller = new AbortController()
  const steps = pipeline((step) => {
    if (step !== at) return
    if (how === 'abort') controller.abort()
    else throw new Error(how)
  })
  // A step that is up to date since an earlier interruption is not reached again.
  await runPipeline(steps, options({ work: { ...work, signal: controller.signal } })).catch(() => undefined)
  if (how !== 'crash') return
  await mkdir(join(runFolder, '.making-double'), { recursive: true })
  await writeFile(join(runFolder, '.making-double', 'numbers.json'), '[2,')
  await writeFile(join(runFolder, 'lock.json'), '{"processId":99,"host":"here","sinceMs":0}')
}

/** Every file of a run folder but its log and lock, which tell what happened and not what was made. */
const contentOf = async (path: string): Promise<Record<string, string>> => {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !/^log\.jsonl$|^lock-/.test(entry.name))
  const named = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  return Object.fromEntries(
    await Promise.all(named.map(async (name) => [name, await readFile(name, 'utf8')])),
  )
}
