import { ok, throws } from 'node:assert/strict'
import type { LogPosition } from '../../ports/prediction-log.ts'
import { bytesOf, same } from '../assertions.ts'
import type { Law } from '../law.ts'
import { all, law, nextTurn, type PredictionLogSubject, textsOf } from './log-law.ts'

/** Records that are appended without a pause at most. */
const MOST_APPENDED = 1500

/** Of segments, which end and are removed. */
export const segmentLaws: readonly Law<PredictionLogSubject>[] = [
  law(5, 'an ended segment has what was appended before', async ({ log }) => {
    const written = [1, 2].map((sequence) => log.append(sequence, bytesOf(`${sequence}`)))
    const ended = await log.rotate()
    await Promise.all(written)
    await log.append(3, bytesOf('3'))
    same(ended.length, 1)
    same(await textsOf(log.readSegment(ended[0]!)), ['1', '2'])
    same(await textsOf(log.read(0)), ['1', '2', '3'])
  }),
  law(5, 'a reader sees the same segments, and the one that is written to', async ({ log, place }) => {
    same(await place.reader().segments(), [])
    await log.append(1, bytesOf('1'))
    const ended = await log.rotate()
    const { segment } = await log.append(2, bytesOf('2'))
    const reader = place.reader()
    same(await reader.segments(), [...ended, segment])
    same(await textsOf(reader.readSegment(ended[0]!)), ['1'])
    same(await textsOf(reader.readSegment(segment)), ['2'])
    await log.remove(ended)
    same(await reader.segments(), [segment])
    same(await textsOf(reader.readSegment(ended[0]!)), [])
  }),
  law(
    5,
    'all ended segments are named, oldest first; nothing ends that has nothing in it',
    async ({ log: opened, reopen }) => {
      let log = opened
      await log.append(1, bytesOf('1'))
      const [first] = await log.rotate()
      same(await log.rotate(), [first])
      log = await reopen(log)
      same(await log.rotate(), [first])
      await log.append(2, bytesOf('2'))
      const both = await log.rotate()
      same(both, [first, both[1]])
      same(await textsOf(log.readSegment(both[1]!)), ['2'])
    },
  ),
  law(
    5,
    'a removed segment is gone: its records are not read, and a position in it leads nowhere',
    async ({ log }) => {
      const position = await log.append(1, bytesOf('1'))
      const ended = await log.rotate()
      await log.append(2, bytesOf('2'))
      await log.remove(ended)
      same(await textsOf(log.read(0)), ['2'])
      same(await log.readAt(position), undefined)
      same((await log.rotate()).length, 1)
    },
  ),
  law(5, 'the segment that is written to is not removed', async ({ log }) => {
    const { segment } = await log.append(1, bytesOf('1'))
    await log.remove([segment])
    await log.append(2, bytesOf('2'))
    same(await textsOf(log.read(0)), ['1', '2'])
  }),
  law(
    5,
    'when all are removed the numbers go on, in this process and in the next',
    async ({ log: opened, reopen }) => {
      let log = opened
      for (const sequence of [1, 2, 3]) await log.append(sequence, bytesOf(`${sequence}`))
      await log.remove(await log.rotate())
      same(log.lastSequence, 3)
      log = await reopen(log)
      same(log.lastSequence, 3)
      same(await log.size(), 0)
      throws(() => log.append(3, bytesOf('3')))
      const { segment } = await log.append(7, bytesOf('7'))
      log = await reopen(log)
      same(log.lastSequence, 7)
      same(await textsOf(log.read(0)), ['7'])
      // No segment has a name that one had before: archives are named after them.
      same(await log.rotate(), [segment])
      await log.remove([segment])
      log = await reopen(log)
      same(log.lastSequence, 7)
    },
  ),
  law(5, 'rotation and removal come between appends that go on', async ({ log }) => {
    const written: Promise<LogPosition>[] = []
    let isDone = false
    let most = MOST_APPENDED
    const appending = (async () => {
      while (!isDone) {
        // A log that brings each segment to the disk is slower, and a process has only so many files.
        for (let i = 0; i < 3 && written.length < most; i++) {
          const sequence = written.length + 1
          written.push(log.append(sequence, bytesOf(`${sequence}`.repeat(100))))
        }
        await nextTurn()
      }
    })()
    let firsts: readonly string[]
    try {
      firsts = await log.rotate()
      await log.remove(firsts)
      most = written.length + MOST_APPENDED
      for (let i = 0; i < 10; i++) {
        await nextTurn()
        await log.rotate()
      }
    } finally {
      isDone = true
      await appending
    }
    const places = await Promise.all(written)
    const left = places.filter(({ segment }) => !firsts.includes(segment))
    const records = await all(log.read(0))
    same(
      records.map(({ position }) => position),
      left,
    )
    same(records.at(-1)?.sequence, written.length)
    for (const { sequence, payload } of records)
      same(new TextDecoder().decode(payload), `${sequence}`.repeat(100))
  }),
  law(5, 'size is what all segments have together', async ({ log }) => {
    await log.append(1, new Uint8Array(1000))
    const one = await log.size()
    ok(one >= 1000)
    await log.rotate()
    await log.append(2, new Uint8Array(1000))
    ok((await log.size()) >= one + 1000)
    await log.remove(await log.rotate())
    ok((await log.size()) < one)
  }),
]
