import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unwatched } from '../../disk/work.ts'
import type { CommandContext, CommandInput } from '../command.ts'
import { generateCommand } from './generate.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-generate-command-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('short options are settings, and --json tells what was written', async () => {
  const output = await run({ out: 'a.csv', rows: 500, users: 20, seed: 7, fraudRate: 0.1, disorder: true })
  expect(JSON.parse(output)).toMatchObject({ rows: 500, duplicates: 10, frauds: 49 })
  expect((await readFile(join(folder, 'a.csv'), 'utf8')).trimEnd().split('\n')).toHaveLength(501)
})

test('the seed of the option wins over the one of --set, and decides the bytes', async () => {
  await run({ out: 'b.csv', rows: 300, seed: 7, set: ['generate.seed=1'] })
  await run({ out: 'c.csv', rows: 300, set: ['project.seed=7'] })
  expect(await readFile(join(folder, 'b.csv'), 'utf8')).toBe(await readFile(join(folder, 'c.csv'), 'utf8'))
})

test('a wrong value is named as a setting', async () => {
  await expect(run({ out: 'd.csv', rows: 0 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('generate.rows'),
  })
})

const run = async (options: CommandInput['options']): Promise<string> => {
  let written = ''
  const output = {
    isTerminal: false,
    columns: 80,
    write: (text: string) => {
      written += text
    },
  }
  const context: CommandContext = {
    stdout: output,
    stderr: output,
    environment: {},
    workingDirectory: folder,
    work: unwatched(),
    json: true,
    useColor: false,
  }
  expect(await generateCommand.run(context, { arguments: [], options })).toBe(0)
  return written
}
