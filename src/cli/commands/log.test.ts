import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../../adapters/segments/segment-files.ts'
import { writeSegment } from '../../adapters/segments/write-segment.ts'
import { openTestLog } from '../../decisions/inference.test-kit.ts'
import { assertLogs } from '../../decisions/log/log-signs.ts'
import { type WrittenLog, writtenLog } from '../../decisions/log/written-log.test-kit.ts'
import type { Output } from '../command.ts'
import { runProgram } from '../program.ts'
import { logCommand } from './log.ts'

/** Runs `vigia log` on a log that this test has open. */
const run = async (written: WrittenLog | undefined, ...words: string[]) => {
  const told = { stdout: '', stderr: '' }
  const output = (stream: 'stdout' | 'stderr'): Output => ({
    isTerminal: false,
    columns: 80,
    write: (text) => {
      told[stream] += text
    },
  })
  const storage = {
    readLog: openLogReader,
    openStates: () => Promise.reject(new Error('states were opened')),
    openLog: async () => {
      if (written === undefined) throw new Error('a log was opened')
      return Object.assign(Object.create(written.log) as typeof written.log, { close: async () => undefined })
    },
  }
  const exitCode = await runProgram(['log', ...words], [logCommand({ storage, writeSegment })], {
    version: '0.0.0',
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment: { NO_COLOR: '1' },
    workingDirectory: tmpdir(),
    signal: new AbortController().signal,
    world: { monotonicMs: () => 0 },
  })
  return { ...told, exitCode }
}

describe('a folder that is no log', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-no-log-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const others: readonly [string, () => void, string][] = [
    ['empty', () => undefined, 'it is empty'],
    ['of other files', () => writeFileSync(join(folder, 'notes.txt'), ''), 'it has notes.txt'],
    [
      'above one',
      () => mkdirSync(join(folder, 'log', 'segments'), { recursive: true }),
      'the log is below it',
    ],
    ['with other documents', () => mkdirSync(join(folder, 'documents')), 'it has documents'],
  ]
  test.each(others)('%s is refused, and nothing is written to it', async (_, make, reason) => {
    make()
    const before = readdirSync(folder, { recursive: true })
    for (const words of [['verify'], ['accept', '1-3']]) {
      const { exitCode, stdout, stderr } = await run(undefined, ...words, '--log', folder)
      expect([exitCode, stdout]).toEqual([2, ''])
      expect(stderr).toContain(`There is no log in ${folder}: ${reason}`)
      expect(stderr).toContain('prediction_log.path')
    }
    expect(readdirSync(folder, { recursive: true })).toEqual(before)
  })

  test.each(['segments/', 'archive.jsonl', 'documents/model-a.json', 'labels/date=2026-11-23/'])(
    'is one as soon as it has %s',
    async (name) => {
      const path = join(folder, name)
      mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true })
      if (!name.endsWith('/')) writeFileSync(path, '')
      await expect(assertLogs([folder])).resolves.toBeUndefined()
    },
  )
})

describe('a log whose archive goes further than it does', () => {
  let written: WrittenLog
  beforeEach(async () => {
    written = await writtenLog()
    await written.append(1, 2, 3, 4, 5)
    for (const segment of (await written.log.rotate()).slice(0, 2)) await written.archive(segment)
    await written.log.close()
    rmSync(join(written.folder, 'segments'), { recursive: true })
    written = { ...written, log: await openTestLog(written.folder) }
  })
  afterEach(async () => {
    await written.log.close()
    await written.remove()
  })

  test('is named by verify, and recovered from it', async () => {
    const { exitCode, stdout } = await run(written, 'verify', '--log', written.folder)
    expect(exitCode).toBe(1)
    expect(stdout).toContain('behind     the archive alone has 1-4: `vigia log recover`')
    const recovered = await run(written, 'recover', '--log', written.folder)
    expect(recovered).toMatchObject({ exitCode: 0, stderr: '' })
    expect(recovered.stdout).toBe(`log        ${written.folder}\nrecovered  3-4\nnumbers    up to 4\n`)
    expect(await run(written, 'verify', '--log', written.folder)).toMatchObject({ exitCode: 0 })
  })

  test.each(['verify', 'recover'])('takes no numbers: %s', async (action) => {
    const { exitCode, stdout, stderr } = await run(written, action, '3-4', '--log', written.folder)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('numbers are for accept')
  })

  test('says what is lost for good when a file of the archive is gone, and that recover is for one log', async () => {
    const days = join(written.folder, 'predictions', 'date=2001-09-09')
    rmSync(join(days, readdirSync(days).sort()[0]!))
    const { exitCode, stdout } = await run(written, 'recover', '--log', written.folder)
    expect([exitCode, stdout]).toEqual([
      1,
      expect.stringContaining('recovered  3-4\nmissing    no file has 1-2'),
    ])
    const both = await run(written, 'recover', '--log', written.folder, '--log', written.folder)
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('name one --log') })
  })
})

describe('numbers that are accepted as lost', () => {
  let written: WrittenLog
  beforeEach(async () => {
    written = await writtenLog()
    await written.append(1, 2, 5, 6, 7)
    await written.archive((await written.log.rotate())[0]!)
  })
  afterEach(() => written.remove())
  const accept = (numbers: string) => run(written, 'accept', numbers, '--log', written.folder)

  test('are written down, once', async () => {
    expect(await accept('3-4')).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await accept('3')).stderr).toContain('3 is known to be lost already')
  })

  test.each([
    ['2-4', '2 is not lost, the archive of 000000000001 has 1-2'],
    ['5-6', '5-6 is not lost, 000000000005.log has 5-6'],
    ['3-9', '8-9 was never given, the log goes up to 7'],
  ])('are not %s, which are there or were never given', async (numbers, reason) => {
    const { exitCode, stdout, stderr } = await accept(numbers)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(
      `Numbers ${numbers} of the log in ${written.folder} cannot be accepted as lost: ${reason}`,
    )
    expect(stderr).toContain('`vigia log verify` names them')
    expect(readdirSync(join(written.folder, 'documents'))).not.toContain('lost-numbers.json')
  })
})
