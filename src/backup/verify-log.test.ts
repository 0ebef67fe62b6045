import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
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

  test('a transaction that was decided on twice is named', async () => {
    await written.appendOf(6, 't2')
    const { doubledTransactions, doubledNumbers, isWhole } = await verify()
    expect([doubledTransactions, doubledNumbers, isWhole]).toEqual([['t2'], [], false])
  })
})
