import type { LogRecord } from '../../../src/ports/prediction-log.ts'
import { theMachine } from '../machine.ts'
import { theSite } from '../site.ts'

/*
 * The archive of the simulation: no thread, no Parquet. A segment is archived when all of its records were
 * read and some time has passed; an archive that was being written when its process ended is not there.
 */

interface Archived {
  readonly files: readonly string[]
  readonly records: number
  readonly lastSequence: number
}

export const startArchiveThread = () => ({
  write: async (segment: string, records: AsyncIterable<LogRecord>): Promise<Archived> => {
    const machine = theMachine()
    const found: { readonly sequence: number; readonly payload: Uint8Array }[] = []
    for await (const { sequence, payload } of records) found.push({ sequence, payload: payload.slice() })
    await machine.pause(1 + machine.random.next() * 20)
    machine.point()
    // Files are made of records: where a segment is gone, none is put in the place of what there is.
    if (found.length > 0) theSite().archive.set(`${theSite().logOf(machine.process)}/${segment}`, found)
    machine.tell(`archived ${segment}: ${found.length} records`)
    return { files: [segment], records: found.length, lastSequence: found.at(-1)?.sequence ?? 0 }
  },
  close: async (): Promise<void> => undefined,
})
