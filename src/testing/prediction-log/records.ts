import { ok, throws } from 'node:assert/strict'
import type { LogPosition } from '../../ports/prediction-log.ts'
import { bytesOf, refuses, same, sameBytes } from '../assertions.ts'
import type { Law } from '../law.ts'
import { all, everyByte, law, nextTurn, type PredictionLogSubject, recordOf, textsOf } from './log-law.ts'

/** Of appending and reading, in this process and after it. */
export const recordLaws: readonly Law<PredictionLogSubject>[] = [
  law(2, 'a new log is empty', async ({ log }) => {
    same(log.lastSequence, 0)
    same(await textsOf(log.read(0)), [])
    same(await log.size(), 0)
    same(await log.rotate(), [])
  }),
  law(2, 'records are read in the order of append, byte for byte', async ({ log }) => {
    const payloads = [bytesOf('first'), new Uint8Array(0), everyByte, new Uint8Array(3_000_000).fill(7)]
    const sequences = [1, 2, 5, 2 ** 40]
    await Promise.all(payloads.map((payload, i) => log.append(sequences[i]!, payload)))
    const records = await all(log.read(0))
    same(
      records.map(({ sequence }) => sequence),
      sequences,
    )
    for (const [i, { payload }] of records.entries()) sameBytes(payload, payloads[i]!, `record ${i}`)
  }),
  law(1, 'what is changed after append is not changed in the log', async ({ log }) => {
    const payload = bytesOf('before')
    const written = log.append(1, payload)
    payload.set(bytesOf('behind'))
    await written
    same(await textsOf(log.read(0)), ['before'])
  }),
  law(2, 'reading begins after a sequence number, also one that no record has', async ({ log }) => {
    for (const sequence of [2, 4, 6]) await log.append(sequence, bytesOf(`${sequence}`))
    same(await textsOf(log.read(0)), ['2', '4', '6'])
    same(await textsOf(log.read(2)), ['4', '6'])
    same(await textsOf(log.read(3)), ['4', '6'])
    same(await textsOf(log.read(6)), [])
  }),
  law(4, 'lastSequence is that of the last durable record', async ({ log }) => {
    const written = log.append(1, bytesOf('one'))
    same(log.lastSequence, 0)
    await written
    same(log.lastSequence, 1)
  }),
  law(4, 'sequence numbers rise: whoever appends another has made a mistake', async ({ log }) => {
    await log.append(3, bytesOf('three'))
    const mistakes = [3, 2, 0, -1, 3.5, Number.NaN, Number.POSITIVE_INFINITY]
    for (const mistake of mistakes)
      throws(() => log.append(mistake, bytesOf('again')), Error, `${mistake} is taken`)
    same(await textsOf(log.read(0)), ['three'])
  }),
  law(2, 'a position leads to its record', async ({ log }) => {
    const places: LogPosition[] = []
    for (const round of [1, 4, 7]) {
      const turn = [round, round + 1, round + 2].map((sequence) =>
        log.append(sequence, bytesOf(`${sequence}`)),
      )
      places.push(...(await Promise.all(turn)))
      await log.rotate()
    }
    for (const [i, position] of places.entries())
      same(recordOf(await log.readAt(position)), [i + 1, `${i + 1}`], `record ${i}`)
    same(
      (await all(log.read(0))).map(({ position }) => position),
      places,
    )
  }),
  law(2, 'while records are appended, all durable ones are read and no others', async ({ log, place }) => {
    let acknowledged = 0
    let isDone = false
    const appending = (async () => {
      for (let sequence = 1; sequence <= 900; sequence += 3) {
        const turn = [0, 1, 2].map((more) =>
          log.append(sequence + more, bytesOf(`${sequence + more}`.repeat(50))),
        )
        await Promise.all(turn)
        acknowledged = sequence + 2
        if (sequence % 90 === 1) await log.rotate()
      }
    })().finally(() => {
      isDone = true
    })
    appending.catch(() => undefined)
    while (!isDone) {
      await nextTurn()
      const before = acknowledged
      for (const source of [log.read(0), place.reader().read(0)]) {
        const sequences = (await all(source)).map(({ sequence }) => sequence)
        same(
          sequences,
          sequences.map((_, i) => i + 1),
        )
        ok(sequences.length >= before)
      }
      for await (const { sequence } of log.read(0)) ok(sequence <= log.lastSequence)
    }
    await appending
  }),
  law(1, 'another process reads the same', async ({ log, place }) => {
    for (const sequence of [1, 2, 3]) await log.append(sequence, bytesOf(`${sequence}`))
    same(await textsOf(place.reader().read(1)), ['2', '3'])
  }),
  law(
    1,
    'acknowledged records are read again, and the next one comes after them',
    async ({ log: opened, reopen }) => {
      let log = opened
      await Promise.all([1, 2, 3].map((sequence) => log.append(sequence, bytesOf(`${sequence}`))))
      log = await reopen(log)
      same(log.lastSequence, 3)
      throws(() => log.append(3, bytesOf('three')))
      await log.append(4, bytesOf('4'))
      same(await textsOf(log.read(0)), ['1', '2', '3', '4'])
    },
  ),
  law(1, 'close waits for what was appended; a closed log takes nothing', async ({ log: opened, reopen }) => {
    let log = opened
    const written = log.append(1, bytesOf('one'))
    await log.close()
    await written
    await refuses(log.append(2, bytesOf('two')), 'SERVING_LOG_FAILED')
    await refuses(log.rotate(), 'SERVING_LOG_FAILED')
    log = await reopen(log)
    same(await textsOf(log.read(0)), ['one'])
  }),
  law(1, 'closing twice takes nothing from who opened it in between', async ({ log: first, reopen }) => {
    const log = await reopen(first)
    await first.close()
    await log.append(1, bytesOf('one'))
    same(await textsOf(log.read(0)), ['one'])
  }),
]
