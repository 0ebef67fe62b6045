import type { ArchivedSegment } from '../../../src/decisions/log/prediction-archive.ts'
import type { LogRecord } from '../../../src/ports/prediction-log.ts'
import { theMachine } from '../machine.ts'
import { theSite } from '../site.ts'

/*
 * The archive of the simulation: no thread, no Parquet. A segment is archived when all of its records were
 * read and some time has passed; an archive that was being written when its process ended is not there.
 */

export const startArchiveThread = () => ({
  write: async (segment: string, records: AsyncIterable<LogRecord>): Promise<ArchivedSegment> => {
    const machine = theMachine()
    const found: { readonly sequence: number; readonly payload: Uint8Array }[] = []
    for await (const { sequence, payload } of records) found.push({ sequence, payload: payload.slice() })
    await machine.pause(1 + machine.random.next() * 20)
    machine.point()
    // Files are made of records: where a segment is gone, none is put in the place of what there is.
    if (found.length > 0) theSite().archive.set(`${theSite().logOf(machine.process)}/${segment}`, found)
    machine.tell(`archived ${segment}: ${found.length} records`)
    const numbers = found.map(({ sequence }) => sequence)
    return {
      files: [segment],
      catalogued: [],
      records: found.length,
      firstSequence: numbers[0] ?? 0,
      lastSequence: numbers.at(-1) ?? 0,
      lacks: numbers.flatMap((number, n) => {
        const before = numbers[n - 1]
        return before === undefined || before + 1 === number ? [] : [{ first: before + 1, last: number - 1 }]
      }),
    }
  },
  close: async (): Promise<void> => undefined,
})
