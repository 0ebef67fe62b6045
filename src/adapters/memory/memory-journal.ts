import type { Journal } from '../../ports/journal.ts'

/** A journal that several handles of one process share, for tests. */
export interface MemoryJournalPlace<Entry> {
  /** Another handle, as another process has one. */
  open(): Journal<Entry>
  /** Entries as they would stand on disk. */
  readonly lines: readonly string[]
  /** Lines of the history beside it. */
  readonly history: readonly string[]
}

export const createMemoryJournalPlace = <Entry>(): MemoryJournalPlace<Entry> => {
  const place = { lines: [] as string[], history: [] as string[], generation: 0 }
  return {
    history: place.history,
    get lines() {
      return place.lines
    },
    open: () => {
      let seen = 0
      let generation = -1
      return {
        location: 'memory',
        async transact(work) {
          const isAnew = generation !== place.generation
          const unseen = place.lines.slice(isAnew ? 0 : seen).map((line) => JSON.parse(line) as Entry)
          const { append, replace, history = [], result } = work(unseen, isAnew)
          place.history.push(...history.map((line) => JSON.stringify(line)))
          if (replace !== undefined) {
            place.lines = [JSON.stringify(replace)]
            place.generation++
          }
          if (append !== undefined) place.lines.push(JSON.stringify(append))
          seen = place.lines.length
          generation = place.generation
          return result
        },
      }
    },
  }
}
