import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import { appendCatalog, catalogPath, readCatalog } from './archive-catalog.ts'
import { assertNoGaps, findGaps, readLostNumbers, rememberLost } from './log-gaps.ts'
import { LOG_DATABASE, type WrittenLog, writtenLog } from './written-log.test-kit.ts'

describe('numbers that no file has', () => {
  const held = (first: number, last: number) => ({ first, last, where: `${first}` })
  test('stand before, between and after the files', () => {
    const gaps = findGaps([held(3, 5), held(9, 9)], 1, 12)
    expect(gaps).toEqual([
      { first: 1, last: 2, after: undefined, before: '3' },
      { first: 6, last: 8, after: '3', before: '9' },
      { first: 10, last: 12, after: '9', before: undefined },
    ])
  })

  test('are none where files lie over each other or beyond what is asked for', () => {
    expect(findGaps([held(1, 4), held(2, 3), held(4, 20)], 1, 12)).toEqual([])
    expect(findGaps([], 5, 4)).toEqual([])
  })
})

describe('the log of a service that opens', () => {
  let written: WrittenLog
  let folder: string
  let log: PredictionLog
  beforeEach(async () => {
    written = await writtenLog()
    ;({ folder, log } = written)
  })
  afterEach(() => written.remove())
  const check = (states?: { savedThrough: number; storedUpTo: number }) =>
    assertNoGaps({ log, folder, database: LOG_DATABASE, states })
  const append = (...numbers: number[]): Promise<void> => written.append(...numbers)
  const archive = (segment: string, isCatalogued = true): Promise<void> =>
    written.archive(segment, isCatalogued)

  test('is whole when it is empty, and when segments and archive have every number', async () => {
    await check({ savedThrough: 0, storedUpTo: 0 })
    await append(1, 2, 3, 4, 5)
    await check({ savedThrough: 3, storedUpTo: 5 })
    const [first, second] = await log.rotate()
    await archive(first!)
    await archive(second!)
    await check({ savedThrough: 4, storedUpTo: 5 })
    expect(await readCatalog(folder)).toMatchObject([
      { first: 1, last: 2, records: 2, files: [{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }] },
      { first: 3, last: 4 },
    ])
  })

  test('that lacks a number within a segment, or a whole segment, is refused with its numbers and neighbours', async () => {
    await append(1, 2, 3, 4, 5, 8)
    await expect(check()).rejects.toThrow('no file has 6-7 (after 000000000005.log, before 000000000005.log)')
    rmSync(join(folder, 'segments', '000000000003.log'))
    await expect(check()).rejects.toThrow(
      'no file has 3-4 (after 000000000001.log, before 000000000005.log); no file has 6-7',
    )
  })

  test('that lacks a file of the archive is refused, by the catalog; and without one, by the rows of its files', async () => {
    await append(1, 2, 3, 4, 5)
    const [first, second] = await log.rotate()
    await archive(first!, false)
    await archive(second!, false)
    await check()
    expect(await readCatalog(folder)).toMatchObject([
      { segment: '000000000001', first: 1, last: 2, records: 2 },
      { segment: '000000000003', first: 3, last: 4, records: 2 },
    ])
    const days = join(folder, 'predictions', 'date=2001-09-09')
    rmSync(join(days, readdirSync(days).find((name) => name.startsWith('000000000003'))!))
    const error = await check().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'SERVING_LOG_GAPS' })
    expect(String(error)).toContain('no file has 3-4 (after the archive of 000000000001')
    // With the catalog gone, what is left says the same.
    rmSync(catalogPath(folder))
    await expect(check()).rejects.toThrow('no file has 3-4')
  })

  test('whose last line of the catalog was cut goes on after it', async () => {
    await append(1, 2, 3)
    const [first] = await log.rotate()
    appendFileSync(catalogPath(folder), '{"segment": "0000000')
    await archive(first!)
    await check()
    expect(readFileSync(catalogPath(folder), 'utf8').split('\n')).toHaveLength(3)
  })

  test('whose catalog has lines that are no entries counts the rows of their files', async () => {
    await append(1, 2, 3)
    const [first] = await log.rotate()
    await archive(first!)
    const own = readFileSync(catalogPath(folder), 'utf8')
    for (const wrong of [
      'null',
      '5',
      '{"segment":"000000000001"}',
      own.trim().replace('000000000001', '000000000009'),
    ]) {
      writeFileSync(catalogPath(folder), `${wrong}\n`)
      await check()
      expect(await readCatalog(folder)).toMatchObject([{ segment: '000000000001', first: 1, last: 2 }])
    }
  })

  test('whose archive goes further is refused: numbers would be given again', async () => {
    await append(1, 2, 3)
    await appendCatalog(folder, [{ segment: '000000000004', first: 4, last: 9, records: 6, files: [] }])
    await expect(check({ savedThrough: 3, storedUpTo: 3 })).rejects.toThrow(
      'its archive has numbers up to 9, and it ends with 3',
    )
  })

  test('that is gone whole, under states that have it, is refused; the last moments alone are lost by a power failure', async () => {
    await expect(check({ savedThrough: 2, storedUpTo: 3 })).rejects.toThrow('no file has 1-3')
    await append(1, 2)
    await check({ savedThrough: 2, storedUpTo: 3 })
    // Remembered: what is decided next has number 4.
    await append(4)
    await check({ savedThrough: 2, storedUpTo: 4 })
    expect(await readLostNumbers(log)).toMatchObject([{ first: 3, last: 3 }])
  })

  test('whose states are an earlier copy, which needs what is Parquet alone by now, is refused', async () => {
    await append(1, 2, 3, 4, 5)
    await archive((await log.rotate())[0]!)
    await check({ savedThrough: 2, storedUpTo: 2 })
    await expect(check({ savedThrough: 1, storedUpTo: 1 })).rejects.toMatchObject({
      code: 'SERVING_LOG_BEHIND',
    })
  })

  test('is whole again once numbers are accepted as lost', async () => {
    await append(1, 4)
    await expect(check()).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
    await rememberLost(log, [{ first: 2, last: 3, reason: 'accepted' }])
    await check({ savedThrough: 0, storedUpTo: 4 })
  })
})
