import { decodeLogEntry, type LogEntry } from '../../../src/decisions/log/log-record.ts'
import { theMachine } from '../machine.ts'
import { theSite } from '../site.ts'

/* Looks decisions up in the archive of the simulation. */
export const createArchiveLookup = () => ({
  find: async (sequence: number): Promise<LogEntry | undefined> => {
    const own = `${theSite().logOf(theMachine().process)}/`
    for (const [name, records] of theSite().archive)
      if (name.startsWith(own))
        for (const { payload } of records) {
          const entry = decodeLogEntry(payload)
          if (entry?.sequence === sequence) return entry
        }
    return undefined
  },
  changed: (): void => undefined,
  close: async (): Promise<void> => undefined,
})
