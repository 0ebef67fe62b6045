import { describe } from 'vitest'
import type { LogRecord, PredictionLog } from '../../src/ports/prediction-log.ts'
import { createMemoryLogPlace } from '../../src/testing/memory/memory-prediction-log.ts'
import type { PredictionLogSubject } from '../../src/testing/prediction-log/log-law.ts'
import { predictionLogLaws } from '../../src/testing/prediction-log-laws.ts'
import { refuseAll } from './faults.ts'

describe('a broken prediction log', () => {
  refuseAll(predictionLogLaws, [
    {
      what: 'one that begins anew with each process',
      subject: {
        create: async () => ({
          ...createMemoryLogPlace(),
          open: () => createMemoryLogPlace().open(),
        }),
      },
      breaks: 'law 1: acknowledged records are read again, and the next one comes after them',
    },
    {
      what: 'one that answers before the record is durable',
      subject: logWith((log) => {
        let last = 0
        return {
          append: (sequence, payload) => {
            last = sequence
            return log.append(sequence, payload)
          },
          get lastSequence() {
            return last
          },
        }
      }),
      breaks: 'law 4: lastSequence is that of the last durable record',
    },
    {
      what: 'one that is read backwards',
      subject: logWith((log) => ({
        async *read(after) {
          const records: LogRecord[] = []
          for await (const record of log.read(after)) records.unshift(record)
          yield* records
        },
      })),
      breaks: 'law 2: records are read in the order of append, byte for byte',
    },
    {
      what: 'one that goes on by itself after a failed write',
      subject: logWith((log, { isFull }) => ({
        append: (sequence, payload) => {
          if (!isFull()) log.resume()
          return log.append(sequence, payload)
        },
      })),
      breaks: 'law 3: all records of the write and after it are rejected and never read',
    },
    {
      what: 'one that takes a number twice',
      subject: logWith((log) => ({
        append: (sequence, payload) =>
          log.append(sequence <= log.lastSequence ? log.lastSequence + 1 : sequence, payload),
      })),
      breaks: 'law 4: sequence numbers rise: whoever appends another has made a mistake',
    },
    {
      what: 'one that removes the segment that is written to',
      subject: logWith((log) => ({
        remove: async (segments) => {
          await log.rotate()
          await log.remove(segments)
        },
      })),
      breaks: 'law 5: the segment that is written to is not removed',
    },
    {
      what: 'one that adds to a document',
      subject: logWith((log) => ({
        writeDocument: async (name, text) =>
          log.writeDocument(name, ((await log.readDocument(name)) ?? '') + text),
      })),
      breaks: 'law 6: a document is replaced whole, and read by others and later processes',
    },
  ])
})

/** A log in memory with some calls replaced. */
function logWith(
  faults: (log: PredictionLog, disk: { readonly isFull: () => boolean }) => Partial<PredictionLog>,
): PredictionLogSubject {
  return {
    create: async () => {
      const place = createMemoryLogPlace()
      let isFull = false
      return {
        ...place,
        disk: {
          fill: () => {
            isFull = true
            place.disk.fill()
          },
          free: () => {
            isFull = false
            place.disk.free()
          },
        },
        open: async () => {
          const log = await place.open()
          const broken: PredictionLog = Object.create(log)
          Object.defineProperties(
            broken,
            Object.getOwnPropertyDescriptors(faults(log, { isFull: () => isFull })),
          )
          return broken
        },
      }
    },
  }
}
