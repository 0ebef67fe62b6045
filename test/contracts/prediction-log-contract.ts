import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LogPosition, LogReader, LogRecord, PredictionLog } from '../../src/ports/prediction-log.ts'

/** Where a log lives, empty at first. */
export interface LogPlace {
  /** Opens it as a new process would, after the one before has closed it or was killed. */
  open(): Promise<PredictionLog>
  /** As another process sees it. */
  reader(): LogReader
  /**
   * Makes every write fail until it is undone; undefined where that cannot be done, with a reason told by
   * whoever leaves it out.
   */
  readonly disk?: { fill(): void; free(): void }
}

/** The laws of `PredictionLog`, run over an implementation. `create` gives a new place. */
export const predictionLogContract = (name: string, create: () => Promise<LogPlace>): void => {
  describe(`${name} keeps the laws of a prediction log`, () => {
    let place: LogPlace
    let log: PredictionLog
    beforeEach(async () => {
      place = await create()
      log = await place.open()
    })
    afterEach(() => log.close())
    const reopen = async (): Promise<void> => {
      await log.close()
      log = await place.open()
    }

    describe('appending and reading', () => {
      test('a new log is empty', async () => {
        expect(log.lastSequence).toBe(0)
        expect(await textsOf(log.read(0))).toEqual([])
        expect(await log.size()).toBe(0)
        expect(await log.rotate()).toEqual([])
      })

      test('records are read in the order of append, byte for byte', async () => {
        const payloads = [bytes('first'), new Uint8Array(0), everyByte, new Uint8Array(3_000_000).fill(7)]
        const sequences = [1, 2, 5, 2 ** 40]
        await Promise.all(payloads.map((payload, i) => log.append(sequences[i]!, payload)))
        const records = await all(log.read(0))
        expect(records.map(({ sequence }) => sequence)).toEqual(sequences)
        for (const [i, { payload }] of records.entries())
          expect(Buffer.compare(payload, payloads[i]!), `record ${i}`).toBe(0)
      })

      test('what is changed after append is not changed in the log', async () => {
        const payload = bytes('before')
        const written = log.append(1, payload)
        payload.set(bytes('behind'))
        await written
        expect(await textsOf(log.read(0))).toEqual(['before'])
      })

      test('reading begins after a sequence number, also one that no record has', async () => {
        for (const sequence of [2, 4, 6]) await log.append(sequence, bytes(`${sequence}`))
        expect(await textsOf(log.read(0))).toEqual(['2', '4', '6'])
        expect(await textsOf(log.read(2))).toEqual(['4', '6'])
        expect(await textsOf(log.read(3))).toEqual(['4', '6'])
        expect(await textsOf(log.read(6))).toEqual([])
      })

      test('lastSequence is that of the last durable record', async () => {
        const written = log.append(1, bytes('one'))
        expect(log.lastSequence).toBe(0)
        await written
        expect(log.lastSequence).toBe(1)
      })

      test('sequence numbers rise: whoever appends another has made a mistake', async () => {
        await log.append(3, bytes('three'))
        const mistakes = [3, 2, 0, -1, 3.5, Number.NaN, Number.POSITIVE_INFINITY]
        for (const mistake of mistakes)
          expect(() => log.append(mistake, bytes('again')), `${mistake}`).toThrow('sequence numbers rise')
        expect(await textsOf(log.read(0))).toEqual(['three'])
      })

      test('a position leads to its record', async () => {
        const places: LogPosition[] = []
        for (const round of [1, 4, 7]) {
          const turn = [round, round + 1, round + 2].map((sequence) =>
            log.append(sequence, bytes(`${sequence}`)),
          )
          places.push(...(await Promise.all(turn)))
          await log.rotate()
        }
        for (const [i, position] of places.entries())
          expect(recordOf(await log.readAt(position)), `${i}`).toEqual([i + 1, `${i + 1}`])
        expect((await all(log.read(0))).map(({ position }) => position)).toEqual(places)
      })

      test('while records are appended, all durable ones are read and no others', async () => {
        let acknowledged = 0
        let isDone = false
        const appending = (async () => {
          for (let sequence = 1; sequence <= 900; sequence += 3) {
            const turn = [0, 1, 2].map((more) =>
              log.append(sequence + more, bytes(`${sequence + more}`.repeat(50))),
            )
            await Promise.all(turn)
            acknowledged = sequence + 2
            if (sequence % 90 === 1) await log.rotate()
          }
          isDone = true
        })()
        while (!isDone) {
          await nextTurn()
          const before = acknowledged
          for (const source of [log.read(0), place.reader().read(0)]) {
            const sequences = (await all(source)).map(({ sequence }) => sequence)
            expect(sequences).toEqual(sequences.map((_, i) => i + 1))
            expect(sequences.length).toBeGreaterThanOrEqual(before)
          }
          for await (const { sequence } of log.read(0)) expect(sequence).toBeLessThanOrEqual(log.lastSequence)
        }
        await appending
      })

      test('another process reads the same', async () => {
        for (const sequence of [1, 2, 3]) await log.append(sequence, bytes(`${sequence}`))
        expect(await textsOf(place.reader().read(1))).toEqual(['2', '3'])
      })
    })

    describe('after the process', () => {
      test('law 1: acknowledged records are read again, and the next one comes after them', async () => {
        await Promise.all([1, 2, 3].map((sequence) => log.append(sequence, bytes(`${sequence}`))))
        await reopen()
        expect(log.lastSequence).toBe(3)
        expect(() => log.append(3, bytes('three'))).toThrow('sequence numbers rise')
        await log.append(4, bytes('4'))
        expect(await textsOf(log.read(0))).toEqual(['1', '2', '3', '4'])
      })

      test('close waits for what was appended; a closed log takes nothing', async () => {
        const written = log.append(1, bytes('one'))
        await log.close()
        await written
        await expect(log.append(2, bytes('two'))).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
        await expect(log.rotate()).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
        await reopen()
        expect(await textsOf(log.read(0))).toEqual(['one'])
      })

      test('closing twice takes nothing from who opened it in between', async () => {
        const first = log
        await first.close()
        log = await place.open()
        await first.close()
        await log.append(1, bytes('one'))
        expect(await textsOf(log.read(0))).toEqual(['one'])
      })
    })

    describe('segments', () => {
      test('an ended segment has what was appended before', async () => {
        const written = [1, 2].map((sequence) => log.append(sequence, bytes(`${sequence}`)))
        const ended = await log.rotate()
        await Promise.all(written)
        await log.append(3, bytes('3'))
        expect(ended).toHaveLength(1)
        expect(await textsOf(log.readSegment(ended[0]!))).toEqual(['1', '2'])
        expect(await textsOf(log.read(0))).toEqual(['1', '2', '3'])
      })

      test('all ended segments are named, oldest first; nothing ends that has nothing in it', async () => {
        await log.append(1, bytes('1'))
        const [first] = await log.rotate()
        expect(await log.rotate()).toEqual([first])
        await reopen()
        expect(await log.rotate()).toEqual([first])
        await log.append(2, bytes('2'))
        const both = await log.rotate()
        expect(both).toEqual([first, both[1]])
        expect(await textsOf(log.readSegment(both[1]!))).toEqual(['2'])
      })

      test('a removed segment is gone: its records are not read, and a position in it leads nowhere', async () => {
        const position = await log.append(1, bytes('1'))
        const ended = await log.rotate()
        await log.append(2, bytes('2'))
        await log.remove(ended)
        expect(await textsOf(log.read(0))).toEqual(['2'])
        expect(await log.readAt(position)).toBeUndefined()
        expect(await log.rotate()).toHaveLength(1)
      })

      test('the segment that is written to is not removed', async () => {
        const { segment } = await log.append(1, bytes('1'))
        await log.remove([segment])
        await log.append(2, bytes('2'))
        expect(await textsOf(log.read(0))).toEqual(['1', '2'])
      })

      test('when all are removed the numbers go on, in this process and in the next', async () => {
        for (const sequence of [1, 2, 3]) await log.append(sequence, bytes(`${sequence}`))
        await log.remove(await log.rotate())
        expect(log.lastSequence).toBe(3)
        await reopen()
        expect(log.lastSequence).toBe(3)
        expect(await log.size()).toBe(0)
        expect(() => log.append(3, bytes('3'))).toThrow('sequence numbers rise')
        const { segment } = await log.append(7, bytes('7'))
        await reopen()
        expect(log.lastSequence).toBe(7)
        expect(await textsOf(log.read(0))).toEqual(['7'])
        // No segment has a name that one had before: archives are named after them.
        expect(await log.rotate()).toEqual([segment])
        await log.remove([segment])
        await reopen()
        expect(log.lastSequence).toBe(7)
      })

      test('rotation and removal come between appends that never end', async () => {
        const written: Promise<LogPosition>[] = []
        let isDone = false
        const appending = (async () => {
          while (!isDone) {
            for (let i = 0; i < 3; i++) {
              const sequence = written.length + 1
              written.push(log.append(sequence, bytes(`${sequence}`.repeat(100))))
            }
            await nextTurn()
          }
        })()
        const firsts = await log.rotate()
        await log.remove(firsts)
        for (let i = 0; i < 10; i++) {
          await nextTurn()
          await log.rotate()
        }
        isDone = true
        await appending
        const places = await Promise.all(written)
        const left = places.filter(({ segment }) => !firsts.includes(segment))
        const records = await all(log.read(0))
        expect(records.map(({ position }) => position)).toEqual(left)
        expect(records.at(-1)?.sequence).toBe(written.length)
        for (const { sequence, payload } of records)
          expect(new TextDecoder().decode(payload)).toBe(`${sequence}`.repeat(100))
      })

      test('size is what all segments have together', async () => {
        await log.append(1, new Uint8Array(1000))
        const one = await log.size()
        expect(one).toBeGreaterThan(1000)
        expect(one).toBeLessThan(1100)
        await log.rotate()
        await log.append(2, new Uint8Array(1000))
        expect(await log.size()).toBe(2 * one)
      })
    })

    describe('documents', () => {
      test('a document is replaced whole, and read by others and later processes', async () => {
        expect(await log.readDocument('model-1')).toBeUndefined()
        expect(await place.reader().documentNames()).toEqual([])
        await log.writeDocument('model-1', 'a longer text')
        await log.writeDocument('model-1', 'ñandú')
        await log.writeDocument('origin', '')
        expect(await log.readDocument('model-1')).toBe('ñandú')
        expect(await place.reader().documentNames()).toEqual(['model-1', 'origin'])
        expect(await place.reader().readDocument('origin')).toBe('')
        await reopen()
        expect(await log.readDocument('model-1')).toBe('ñandú')
        expect(await textsOf(log.read(0))).toEqual([])
      })

      test('of two who write at once one wins', async () => {
        const texts = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(10_000))
        await Promise.all(texts.map((text) => log.writeDocument('origin', text)))
        expect(texts).toContain(await log.readDocument('origin'))
        expect(await place.reader().documentNames()).toEqual(['origin'])
      })

      test.for(['../up', 'a/b', 'Model', '', 'a.b', 'a b'])('%j is no name', async (name) => {
        await expect(log.writeDocument(name, 'text')).rejects.toThrow()
        expect(await place.reader().documentNames()).toEqual([])
      })
    })

    describe('law 3: when writing fails', () => {
      test('all records of the write and after it are rejected and never read', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        await log.append(1, bytes('1'))
        disk.fill()
        const lost = [2, 3, 4].map((sequence) => log.append(sequence, new Uint8Array(100_000)))
        for (const each of lost)
          await expect(each).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED', status: 503 })
        await expect(log.append(5, bytes('5'))).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
        expect(log.lastSequence).toBe(1)
        expect(await textsOf(log.read(0))).toEqual(['1'])
        expect(await textsOf(place.reader().read(0))).toEqual(['1'])
        disk.free()
        // It takes nothing before it is told that what was lost has been understood.
        await expect(log.append(2, bytes('2'))).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
        log.resume()
        await log.append(2, bytes('two'))
        await reopen()
        expect(await textsOf(log.read(0))).toEqual(['1', 'two'])
      })

      test('what is appended while a write that fails is on its way is rejected too', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        await log.append(1, bytes('1'))
        disk.fill()
        const first = log.append(2, new Uint8Array(100_000))
        const failed = first.then(
          () => false,
          () => true,
        )
        let sequence = 2
        const later: Promise<unknown>[] = []
        let isFailed = false
        failed.then(() => {
          isFailed = true
        })
        while (!isFailed) {
          later.push(log.append(++sequence, bytes('small')).catch((error: unknown) => error))
          await nextTurn()
        }
        expect(await failed).toBe(true)
        for (const each of later) expect(await each).toMatchObject({ code: 'SERVING_LOG_FAILED' })
        disk.free()
        log.resume()
        expect(log.lastSequence).toBe(1)
        await log.append(2, bytes('two'))
        await reopen()
        expect(await textsOf(log.read(0))).toEqual(['1', 'two'])
      })

      test('it does not resume before there is room again, and a write that fails after that is as the first', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        const refusal = { code: 'SERVING_LOG_FAILED' }
        await log.append(1, bytes('1'))
        for (let round = 0; round < 3; round++) {
          disk.fill()
          await expect(log.append(2, new Uint8Array(100_000))).rejects.toMatchObject(refusal)
          expect(() => log.resume()).toThrow(expect.objectContaining(refusal))
          await expect(log.append(2, bytes('2'))).rejects.toMatchObject(refusal)
          disk.free()
          log.resume()
        }
        await log.append(2, bytes('2'))
        expect(await textsOf(log.read(0))).toEqual(['1', '2'])
      })

      test('what is durable can be read, ended and removed, which may be what makes room', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        await log.append(1, bytes('1'))
        disk.fill()
        await expect(log.append(2, new Uint8Array(100_000))).rejects.toThrow()
        const ended = await log.rotate()
        expect(await textsOf(log.readSegment(ended[0]!))).toEqual(['1'])
        disk.free()
        await log.remove(ended)
        log.resume()
        await log.append(2, bytes('2'))
        await reopen()
        expect(await textsOf(log.read(0))).toEqual(['2'])
      })

      test('a record with which a segment would have begun leaves nothing behind', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        await log.append(1, bytes('1'))
        await log.rotate()
        disk.fill()
        await expect(log.append(9, new Uint8Array(100_000))).rejects.toThrow()
        disk.free()
        log.resume()
        // Lower than the number of the lost record, which was never given.
        await log.append(2, bytes('2'))
        await log.append(9, bytes('9'))
        expect(await textsOf(log.read(0))).toEqual(['1', '2', '9'])
        await reopen()
        expect(await textsOf(log.read(1))).toEqual(['2', '9'])
        expect(await log.rotate()).toHaveLength(2)
      })

      test('a document that cannot be written leaves the earlier one', async (context) => {
        const disk = place.disk ?? context.skip('no disk of this kind can be filled here')
        await log.writeDocument('origin', 'earlier')
        disk.fill()
        await expect(log.writeDocument('origin', 'x'.repeat(100_000))).rejects.toMatchObject({
          code: 'SERVING_LOG_FAILED',
        })
        expect(await log.readDocument('origin')).toBe('earlier')
        disk.free()
        await log.writeDocument('origin', 'later')
        expect(await log.readDocument('origin')).toBe('later')
        expect(await place.reader().documentNames()).toEqual(['origin'])
      })
    })
  })
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const all = async (records: AsyncIterable<LogRecord>): Promise<LogRecord[]> => {
  const found: LogRecord[] = []
  for await (const record of records) found.push(record)
  return found
}

const recordOf = (record: LogRecord | undefined) =>
  record && [record.sequence, new TextDecoder().decode(record.payload)]

const textsOf = async (records: AsyncIterable<LogRecord>): Promise<string[]> =>
  (await all(records)).map(({ payload }) => new TextDecoder().decode(payload))
