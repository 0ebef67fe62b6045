import { rejects } from 'node:assert/strict'
import { bytesOf, refuses, refusesAtOnce, same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { diskOf, law, nextTurn, noFullDisk, type PredictionLogSubject, textsOf } from './log-law.ts'

/** Of what happens when writing fails. */
export const fullDiskLaws: readonly Law<PredictionLogSubject>[] = [
  law(
    3,
    'all records of the write and after it are rejected and never read',
    async ({ log: opened, place, reopen }) => {
      let log = opened
      const disk = diskOf(place)
      await log.append(1, bytesOf('1'))
      disk.fill()
      const lost = [2, 3, 4].map((sequence) => log.append(sequence, new Uint8Array(100_000)))
      await Promise.all(lost.map((each) => refuses(each, 'SERVING_LOG_FAILED')))
      await refuses(log.append(5, bytesOf('5')), 'SERVING_LOG_FAILED')
      same(log.lastSequence, 1)
      same(await textsOf(log.read(0)), ['1'])
      same(await textsOf(place.reader().read(0)), ['1'])
      disk.free()
      // It takes nothing before it is told that what was lost has been understood.
      await refuses(log.append(2, bytesOf('2')), 'SERVING_LOG_FAILED')
      log.resume()
      await log.append(2, bytesOf('two'))
      log = await reopen(log)
      same(await textsOf(log.read(0)), ['1', 'two'])
    },
    noFullDisk,
  ),
  law(
    3,
    'what is appended while a write that fails is on its way is rejected too',
    async ({ log: opened, place, reopen }) => {
      let log = opened
      const disk = diskOf(place)
      await log.append(1, bytesOf('1'))
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
        later.push(refuses(log.append(++sequence, bytesOf('small')), 'SERVING_LOG_FAILED'))
        await nextTurn()
      }
      same(await failed, true)
      await Promise.all(later)
      disk.free()
      log.resume()
      same(log.lastSequence, 1)
      await log.append(2, bytesOf('two'))
      log = await reopen(log)
      same(await textsOf(log.read(0)), ['1', 'two'])
    },
    noFullDisk,
  ),
  law(
    3,
    'it does not resume before there is room again, and a write that fails after that is as the first',
    async ({ log, place }) => {
      const disk = diskOf(place)
      await log.append(1, bytesOf('1'))
      for (let round = 0; round < 3; round++) {
        disk.fill()
        await refuses(log.append(2, new Uint8Array(100_000)), 'SERVING_LOG_FAILED')
        refusesAtOnce(() => log.resume(), 'SERVING_LOG_FAILED')
        await refuses(log.append(2, bytesOf('2')), 'SERVING_LOG_FAILED')
        disk.free()
        log.resume()
      }
      await log.append(2, bytesOf('2'))
      same(await textsOf(log.read(0)), ['1', '2'])
    },
    noFullDisk,
  ),
  law(
    3,
    'what is durable can be read, ended and removed, which may be what makes room',
    async ({ log: opened, place, reopen }) => {
      let log = opened
      const disk = diskOf(place)
      await log.append(1, bytesOf('1'))
      disk.fill()
      await rejects(log.append(2, new Uint8Array(100_000)))
      const ended = await log.rotate()
      same(await textsOf(log.readSegment(ended[0]!)), ['1'])
      disk.free()
      await log.remove(ended)
      log.resume()
      await log.append(2, bytesOf('2'))
      log = await reopen(log)
      same(await textsOf(log.read(0)), ['2'])
    },
    noFullDisk,
  ),
  law(
    3,
    'a record with which a segment would have begun leaves nothing behind',
    async ({ log: opened, place, reopen }) => {
      let log = opened
      const disk = diskOf(place)
      await log.append(1, bytesOf('1'))
      await log.rotate()
      disk.fill()
      await rejects(log.append(9, new Uint8Array(100_000)))
      disk.free()
      log.resume()
      // Lower than the number of the lost record, which was never given.
      await log.append(2, bytesOf('2'))
      await log.append(9, bytesOf('9'))
      same(await textsOf(log.read(0)), ['1', '2', '9'])
      log = await reopen(log)
      same(await textsOf(log.read(1)), ['2', '9'])
      same((await log.rotate()).length, 2)
    },
    noFullDisk,
  ),
  law(
    3,
    'a document that cannot be written leaves the earlier one',
    async ({ log, place }) => {
      const disk = diskOf(place)
      await log.writeDocument('origin', 'earlier')
      disk.fill()
      await refuses(log.writeDocument('origin', 'x'.repeat(100_000)), 'SERVING_LOG_FAILED')
      same(await log.readDocument('origin'), 'earlier')
      disk.free()
      await log.writeDocument('origin', 'later')
      same(await log.readDocument('origin'), 'later')
      same(await place.reader().documentNames(), ['origin'])
    },
    noFullDisk,
  ),
]
