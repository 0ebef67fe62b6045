import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { catalogPath } from '../decisions/log/archive-catalog.ts'
import { LOG_DATABASE, type WrittenLog, writtenLog } from '../decisions/log/written-log.test-kit.ts'
import { type VerifiedLog, verifyLog } from './verify-log.ts'

describe('verifying a log', () => {
  let written: WrittenLog
  beforeEach(async () => {
    written = await writtenLog()
    await written.append(1, 2, 3, 4, 5)
    await written.archive((await written.log.rotate())[0]!)
  })
  afterEach(() => written.remove())
  const verify = (): Promise<VerifiedLog> => {
    const { folder } = written
    const { signal } = new AbortController()
    const work = { signal, reportProgress: () => undefined, database: LOG_DATABASE }
    return verifyLog({ folder, log: openLogReader(folder), workFolder: tmpdir(), work })
  }
  const archived = (): string => {
    const days = join(written.folder, 'predictions', 'date=2001-09-09')
    return join(days, readdirSync(days)[0]!)
  }
  /** Turns one bit over. */
  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path)
    bytes[at]! ^= 4
    writeFileSync(path, bytes)
  }

  test('that is whole says what it read', async () => {
    expect(await verify()).toMatchObject({
      segments: 2,
      records: 3,
      archive: { files: 1, records: 2, withoutHash: 0 },
      documents: 1,
      lastSequence: 5,
      gaps: [],
      problems: [],
      isWhole: true,
    })
  })

  test('a bit that was turned over in a segment is found, with its file and record', async () => {
    const path = join(written.folder, 'segments', '000000000003.log')
    const half = readFileSync(path).length / 2
    flip(path, half + 100)
    const { problems, gaps, isWhole } = await verify()
    expect(problems).toEqual([
      { file: 'segments/000000000003.log', offset: half, reason: 'its check sum is another' },
    ])
    expect(gaps).toMatchObject([{ first: 4, last: 4 }])
    expect(isWhole).toBe(false)
  })

  test('any bit that was turned over in a file of the archive is found', async () => {
    const path = archived()
    const { length } = readFileSync(path)
    for (let at = 0; at < length; at += Math.ceil(length / 40)) {
      flip(path, at)
      const { problems, isWhole } = await verify()
      expect([problems.length, isWhole]).toEqual([1, false])
      expect(problems[0]).toMatchObject({
        file: expect.stringMatching(/^predictions\/date=2001-09-09\/000000000001-/),
        reason: expect.stringContaining('its SHA-256 is '),
      })
      flip(path, at)
    }
    expect((await verify()).isWhole).toBe(true)
  })

  test('a file that is missing, and one that was cut, are named with their numbers', async () => {
    const path = archived()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(1))
    expect((await verify()).problems[0]?.reason).toMatch(/it has \d+ bytes, and was written with \d+/)
    rmSync(path)
    const { problems, gaps } = await verify()
    expect(problems[0]?.reason).toBe('it is missing, with records 1 to 2')
    expect(gaps).toMatchObject([{ first: 1, last: 2, before: '000000000003.log' }])
  })

  test('any byte that was changed in the last record is found, with its place', async () => {
    const name = 'segments/000000000005.log'
    const path = join(written.folder, name)
    const { length } = readFileSync(path)
    for (let at = 0; at < length; at++) {
      // Bytes 12 to 15 of a record stand for nothing, and nobody reads them.
      if (at >= 12 && at < 16) continue
      if (at >= 32 && at % 29 !== 0 && at !== length - 1) continue
      flip(path, at)
      const { problems, isWhole, unfinishedBytes } = await verify()
      expect([at, problems, isWhole]).toEqual([
        at,
        [{ file: name, offset: 0, reason: expect.any(String) }],
        false,
      ])
      expect(unfinishedBytes).toBe(0)
      flip(path, at)
    }
    expect((await verify()).isWhole).toBe(true)
  })

  test('half a record at the end is told, and is nothing wrong: a server is writing it', async () => {
    const path = join(written.folder, 'segments', '000000000005.log')
    const bytes = readFileSync(path)
    for (const part of [1, 3, 23, 24, bytes.length - 1]) {
      writeFileSync(path, Buffer.concat([bytes, bytes.subarray(0, part)]))
      expect(await verify()).toMatchObject({ records: 3, unfinishedBytes: part, problems: [], isWhole: true })
    }
    // What a file system fills up after a power failure.
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(500)]))
    expect(await verify()).toMatchObject({ records: 3, unfinishedBytes: 500, isWhole: true })
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('something else')]))
    expect((await verify()).problems).toEqual([
      { file: 'segments/000000000005.log', offset: bytes.length, reason: 'no record begins here' },
    ])
  })

  test('documents that are no JSON, or of another model, are named', async () => {
    const documents = join(written.folder, 'documents')
    const [name = ''] = readdirSync(documents)
    const text = readFileSync(join(documents, name), 'utf8')
    const told = async (of: string, wrong: string): Promise<unknown> => {
      writeFileSync(join(documents, of), wrong)
      const { problems, isWhole } = await verify()
      expect([problems.length, isWhole]).toEqual([1, false])
      return problems[0]
    }
    expect(await told(name, text.slice(0, -1))).toEqual({
      file: `documents/${name}`,
      reason: expect.stringMatching(/^it is no JSON: /),
    })
    expect(await told(name, 'null')).toMatchObject({ reason: 'it is JSON, and no object' })
    expect(await told(name, '{"key": "other"}')).toMatchObject({
      reason: 'it is of model "other", and its name says another',
    })
    rmSync(join(documents, name))
    expect(await told('lost-numbers.json', '{')).toMatchObject({ file: 'documents/lost-numbers.json' })
    rmSync(join(documents, 'lost-numbers.json'))
    expect((await verify()).problems).toMatchObject([
      { file: 'documents', reason: expect.stringContaining('nothing in it says what model') },
    ])
  })

  test('any byte of the catalog that was changed is found, and no file counts twice', async () => {
    const path = catalogPath(written.folder)
    const { length } = readFileSync(path)
    for (let at = 1; at < length - 1; at += 9) {
      flip(path, at)
      const { problems, isWhole, archive } = await verify()
      expect([at, isWhole, archive.files]).toEqual([at, false, expect.toBeOneOf([0, 1])])
      expect(problems.length).toBeGreaterThan(0)
      flip(path, at)
    }
    expect((await verify()).isWhole).toBe(true)
    // In the name of the segment: it is JSON still.
    flip(path, readFileSync(path).indexOf('000000000001') + 11)
    const { problems, archive, doubledNumbers } = await verify()
    expect(problems.map(({ file, reason }) => [file, reason])).toEqual([
      ['archive.jsonl', 'line 2: it has files of another segment than 000000000005'],
      [
        'archive.jsonl',
        'it has no line for segment 000000000001, whose files are there and cannot be checked',
      ],
    ])
    expect([archive.files, archive.records, archive.withoutHash, doubledNumbers]).toEqual([1, 2, 1, []])
  })

  test('a catalog that was cut short, also to nothing, is named; one that is absent is older than its files', async () => {
    const path = catalogPath(written.folder)
    const text = readFileSync(path, 'utf8')
    for (const left of [0, 1, 5, 20, 40, text.length - 3]) {
      writeFileSync(path, text.slice(0, left))
      const { problems, isWhole, archive } = await verify()
      expect([left, isWhole, archive.files, archive.records]).toEqual([left, false, 1, 2])
      expect(problems[0]?.file).toBe('archive.jsonl')
    }
    rmSync(path)
    expect(await verify()).toMatchObject({ archive: { files: 1, withoutHash: 1 }, isWhole: true })
  })

  test('a line of the catalog that a process was killed over is nothing wrong', async () => {
    const path = catalogPath(written.folder)
    const text = readFileSync(path, 'utf8')
    const [, line = ''] = text.split('\n')
    // Over its own line, and then over that of a segment that the log still has.
    for (const cut of [5, 20, line.length - 2])
      for (const next of ['{"seg', '{"segment":"000000000003","first":3'])
        for (const wrong of [`\n${line.slice(0, cut)}${text}\n${next}`, `${text}\n${next}`]) {
          writeFileSync(path, wrong)
          expect(await verify()).toMatchObject({ archive: { files: 1, withoutHash: 0 }, problems: [] })
        }
  })

  test('a transaction that was decided on twice is named', async () => {
    await written.appendOf(6, 't2')
    const { doubledTransactions, doubledNumbers, isWhole } = await verify()
    expect([doubledTransactions, doubledNumbers, isWhole]).toEqual([['t2'], [], false])
  })
})
