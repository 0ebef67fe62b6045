import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { LogPosition, LogRecord, PredictionLog } from '../../ports/prediction-log.ts'
import { openLogReader } from './segment-files.ts'
import { openSegmentLog } from './segment-log.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-damage-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

test('whatever is appended, rotated, cut anywhere and reopened, what is read is the durable prefix', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      const folder = newFolder()
      let log = await open(folder)
      let expected: { readonly text: string; readonly sequence: number; readonly position: LogPosition }[] =
        []
      let next = 1
      for (const { kind, ...did } of actions) {
        if (kind === 'append') {
          const turn = did.lengths.map((length, i) => ({
            sequence: next + i * did.gap,
            text: `${next + i}`.padEnd(length, 'x'),
          }))
          const written = turn.map(({ sequence, text }) => log.append(sequence, Buffer.from(text)))
          const places = await Promise.all(written)
          expected.push(...turn.map((record, i) => ({ ...record, position: places[i]! })))
          next = (turn.at(-1)?.sequence ?? next - 1) + 1
        }
        if (kind === 'rotate') await log.rotate()
        if (kind === 'reopen' || kind === 'cut') await log.close()
        if (kind === 'cut') {
          const segment = segmentsOf(folder).at(-1)
          if (segment !== undefined) {
            const size = readFileSync(segment.path).length
            const cut = Math.round(size * did.share)
            truncateSync(segment.path, cut)
            const last = expected.filter(({ position }) => position.segment === segment.name)
            // A record ends where the next begins.
            const whole = last.filter((_, i) => (last[i + 1]?.position.offset ?? size) <= cut)
            expected = [...expected.slice(0, expected.length - last.length), ...whole]
          }
        }
        if (kind === 'reopen' || kind === 'cut') {
          const seen = await all(openLogReader(folder).read(0))
          expect(seen.map(textOf)).toEqual(expected.map(({ text }) => text))
          log = await open(folder)
          expect(log.lastSequence).toBe(expected.at(-1)?.sequence ?? 0)
          next = log.lastSequence + 1
        }
      }
      const records = await all(log.read(0))
      expect(records.map(textOf)).toEqual(expected.map(({ text }) => text))
      expect(records.map(({ sequence }) => sequence)).toEqual(expected.map(({ sequence }) => sequence))
      for (const { position, text } of expected) expect(textOf(await log.readAt(position))).toBe(text)
      await log.close()
    }),
    { numRuns: 60 },
  )
})

describe('a damaged record with whole ones after it is never skipped', () => {
  test.for([
    ['in its magic number', 0, 'no record begins here'],
    ['in its length, which becomes longer than the file', 6, 'a record is cut short'],
    ['in its length, which becomes impossible', 7, 'bytes'],
    ['in its check sum', 8, 'its check sum is another'],
    ['in its sequence number', 20, 'its check sum is another'],
    ['in its payload', 30, 'its check sum is another'],
  ] as const)('%s', async ([, at, reason]) => {
    const folder = newFolder()
    const { places, segment } = await threeRecords(folder)
    flip(segment, places[1]!.offset + at)
    const told = {
      code: 'SERVING_LOG_DAMAGED',
      details: {
        segment: places[1]!.segment,
        offset: places[1]!.offset,
        reason: expect.stringContaining(reason),
      },
    }
    await expect(all(openLogReader(folder).read(0))).rejects.toMatchObject(told)
    await expect(open(folder)).rejects.toMatchObject(told)
    // Who could not open it has not kept it.
    await expect(open(folder)).rejects.toMatchObject(told)
  })

  test('in an earlier segment: the log opens, and reading tells it when it gets there', async () => {
    const folder = newFolder()
    const { places, segment } = await threeRecords(folder)
    let log = await open(folder)
    await log.rotate()
    await log.append(4, Buffer.from('later'))
    await log.close()
    flip(segment, places[1]!.offset + 30)
    log = await open(folder)
    const told = {
      code: 'SERVING_LOG_DAMAGED',
      details: expect.objectContaining({ offset: places[1]!.offset }),
    }
    for (const records of [log.read(0), log.readSegment(places[0]!.segment), openLogReader(folder).read(0)]) {
      const seen: string[] = []
      const reading = (async () => {
        for await (const record of records) seen.push(textOf(record)!)
      })()
      await expect(reading).rejects.toMatchObject(told)
      expect(seen).toEqual([TEXTS[0]])
    }
    await expect(log.readAt(places[1]!)).rejects.toMatchObject(told)
    expect(textOf(await log.readAt(places[2]!))).toBe(TEXTS[2])
    expect((await all(log.read(3))).map(textOf)).toEqual(['later'])
    await log.close()
  })

  test('the end of an earlier segment is missing', async () => {
    const folder = newFolder()
    const { places, segment } = await threeRecords(folder)
    const log = await open(folder)
    await log.rotate()
    await log.append(4, Buffer.from('later'))
    truncateSync(segment, places[2]!.offset + 10)
    for (const records of [log.read(0), openLogReader(folder).read(0)])
      await expect(all(records)).rejects.toMatchObject({
        code: 'SERVING_LOG_DAMAGED',
        details: { offset: places[2]!.offset, reason: 'a record is cut short' },
      })
    await log.close()
  })

  test('a segment under the name of another, or twice in a row', async () => {
    const folder = newFolder()
    const { segment, places } = await threeRecords(folder)
    writeFileSync(segment.replace(places[0]!.segment, '000000000009.log'), readFileSync(segment))
    await expect(open(folder)).rejects.toMatchObject({ details: { reason: 'record 1 is out of order' } })
    await expect(all(openLogReader(folder).read(0))).rejects.toMatchObject({ code: 'SERVING_LOG_DAMAGED' })
    rmSync(segment.replace(places[0]!.segment, '000000000009.log'))
    appendFileSync(segment, readFileSync(segment))
    await expect(open(folder)).rejects.toMatchObject({ details: { reason: 'record 1 is out of order' } })
    await expect(all(openLogReader(folder).read(0))).rejects.toMatchObject({ code: 'SERVING_LOG_DAMAGED' })
  })
})

describe('what a crash or a power failure leaves at the end', () => {
  test.for([
    ['a part of a head', Buffer.from('VLOG')],
    ['zeros up to the next page', Buffer.alloc(5000)],
    ['a last record that is damaged', undefined],
  ] as const)('%s is cut off', async ([, tail]) => {
    const folder = newFolder()
    const { segment, places } = await threeRecords(folder)
    if (tail === undefined) flip(segment, places[2]!.offset + 40)
    else appendFileSync(segment, tail)
    const left = tail === undefined ? TEXTS.slice(0, 2) : TEXTS
    expect((await all(openLogReader(folder).read(0))).map(textOf)).toEqual(left)
    const log = await open(folder)
    expect(log.lastSequence).toBe(left.length)
    await log.append(9, Buffer.from('next'))
    // Nothing of it is left in a segment that is ended.
    const ended = await log.rotate()
    expect((await all(log.readSegment(ended.at(-1)!))).at(-1)?.sequence).toBe(9)
    await log.close()
    expect((await all(openLogReader(folder).read(0))).map(textOf)).toEqual([...left, 'next'])
  })

  test.each([
    ['a page', (_: number): [number, number] => [4096, 8192]],
    ['the rest of a page', (end: number): [number, number] => [end, 4096]],
  ])('records after %s that never reached the disk are kept beside the log', async (_, lostOf) => {
    const folder = newFolder()
    let log = await open(folder, 1 << 20)
    const texts = Array.from({ length: 12 }, (_, i) => `record ${i} `.padEnd(1100, 'x'))
    const places: LogPosition[] = []
    for (const [i, text] of texts.entries()) places.push(await log.append(i + 1, Buffer.from(text)))
    await log.close()
    const [segment] = segmentsOf(folder)
    const bytes = readFileSync(segment!.path)
    const whole = places.filter(({ offset }) => offset + 1124 <= 4096)
    bytes.fill(0, ...lostOf(places[whole.length]!.offset))
    writeFileSync(segment!.path, bytes)
    expect((await all(openLogReader(folder).read(0))).map(textOf)).toEqual(texts.slice(0, whole.length))
    log = await open(folder, 1 << 20)
    expect(log.lastSequence).toBe(whole.length)
    const end = places[whole.length]!.offset
    expect(readFileSync(`${segment!.path}.lost-${end}`)).toEqual(bytes.subarray(end))
    await log.append(log.lastSequence + 1, Buffer.from('next'))
    expect((await all(log.read(whole.length))).map(textOf)).toEqual(['next'])
    await log.close()
  })
})

describe('what a power failure leaves at the end of a segment that was ended, when the log is opened again,', () => {
  /** Three records in the first segment, one in the next. */
  const ended = async (folder: string) => {
    const { segment, places } = await threeRecords(folder)
    const log = await open(folder)
    await log.rotate()
    await log.append(4, Buffer.from('later'))
    await log.close()
    return { segment, places }
  }

  test.each([
    ['half a record', (path: string, at: number) => truncateSync(path, at + 10)],
    ['zeros', (path: string, at: number) => zero(path, at)],
  ])('%s is cut off: a number is missing, and nothing is damaged', async (_, lose) => {
    const folder = newFolder()
    const { segment, places } = await ended(folder)
    lose(segment, places[2]!.offset)
    await expect(all(openLogReader(folder).read(0))).rejects.toMatchObject({ code: 'SERVING_LOG_DAMAGED' })
    const log = await open(folder)
    for (const records of [log.read(0), openLogReader(folder).read(0)])
      expect((await all(records)).map(({ sequence }) => sequence)).toEqual([1, 2, 4])
    await log.append(5, Buffer.from('next'))
    await log.close()
  })

  test('and is damage that a crash does not make, stays as it is', async () => {
    const folder = newFolder()
    const { segment, places } = await ended(folder)
    flip(segment, places[1]!.offset + 40)
    const before = readFileSync(segment)
    const log = await open(folder)
    await expect(all(log.read(0))).rejects.toMatchObject({ details: { reason: 'its check sum is another' } })
    await log.close()
    expect(readFileSync(segment)).toEqual(before)
  })
})

test('a reader comes through large records, over the ends of the blocks it reads', async () => {
  const folder = newFolder()
  const log = await open(folder, 1 << 30)
  const lengths = [1 << 20, 10, (1 << 20) - 24, 5 << 20, 0, (1 << 20) - 25, 700_000, 700_000]
  for (const [i, length] of lengths.entries()) await log.append(i + 1, Buffer.alloc(length, i))
  for (const source of [log.read(0), openLogReader(folder).read(0)]) {
    const records = await all(source)
    expect(records.map(({ payload }) => payload.length)).toEqual(lengths)
    expect(records.every(({ payload }, i) => payload.every((byte) => byte === i))).toBe(true)
    for (const { position, payload } of records)
      expect(Buffer.compare((await log.readAt(position))!.payload, payload)).toBe(0)
  }
  await log.close()
})

/** What may be done to a log. */
const action = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    lengths: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 }),
    gap: fc.integer({ min: 1, max: 3 }),
    share: fc.constant(0),
  }),
  fc.record({
    kind: fc.constantFrom('rotate' as const, 'reopen' as const, 'cut' as const),
    lengths: fc.constant([]),
    gap: fc.constant(1),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
)

const TEXTS = ['a'.repeat(100), 'b'.repeat(100), 'c'.repeat(100)]

const threeRecords = async (folder: string) => {
  const log = await open(folder)
  const places = await Promise.all(TEXTS.map((text, i) => log.append(i + 1, Buffer.from(text))))
  await log.close()
  return { places, segment: segmentsOf(folder)[0]!.path }
}

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path)
  bytes[at]! ^= 0x41
  writeFileSync(path, bytes)
}

/** All from there on, as pages that never reached the disk are. */
const zero = (path: string, from: number): void => writeFileSync(path, readFileSync(path).fill(0, from))

const newFolder = (): string => join(root, `log-${folders++}`)

const segmentsOf = (folder: string) =>
  readdirSync(join(folder, 'segments'))
    .sort()
    .map((name) => ({ name, path: join(folder, 'segments', name) }))

let nextProcess = 1_000_000_000

const open = (folder: string, segmentBytes = 1000): Promise<PredictionLog> =>
  openSegmentLog({
    folder,
    durability: 'process',
    segmentBytes,
    owner: { processId: nextProcess++, host: 'here', processSpace: 'test', isAlive: () => false },
  })

const all = async (records: AsyncIterable<LogRecord>): Promise<LogRecord[]> => {
  const found: LogRecord[] = []
  for await (const record of records) found.push(record)
  return found
}

const textOf = (record: LogRecord | undefined): string | undefined =>
  record && Buffer.from(record.payload).toString()
