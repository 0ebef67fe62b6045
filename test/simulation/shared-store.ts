import type { SharedStateStore } from '../../src/ports/state-store.ts'
import { storeFailed } from './owned-store.ts'
import type { Site } from './site.ts'

/** How long an empty stream is waited at between two looks. */
const LOOK_MS = 150

/**
 * The shared store as one process reaches it over a network: each call takes its time, and may fail before it
 * was done or after.
 */
export const slowShared = (site: Site, store: SharedStateStore): SharedStateStore => {
  const { machine } = site
  const process = machine.process!
  // Calls of several processes wait for each other in the store: each goes on in a turn of its own process.
  const travel = async (): Promise<void> => {
    const { trouble } = site.folder
    const slowMs =
      trouble === 'stuck' ? 3000 + site.draw() * 5000 : trouble === 'slow' ? site.draw() * 800 : 0
    await machine.pause(slowMs + site.draw() * (site.draw() < 0.9 ? 2 : 40), process)
    if (trouble === 'failing' && site.draw() < 0.4) throw storeFailed('it does not answer')
  }
  const over =
    <Words extends unknown[], T>(call: (...words: Words) => Promise<T>) =>
    async (...words: Words): Promise<T> => {
      machine.point()
      await travel()
      const outcome = await call(...words).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      await travel()
      if ('error' in outcome) throw outcome.error
      return outcome.value
    }
  const take = over((most: number) => store.takeEntries(most, 0))
  return {
    ...store,
    load: over(store.load),
    save: over(store.save),
    findReceipt: over(store.findReceipt),
    readNote: over(store.readNote),
    writeNote: over(store.writeNote),
    commit: over(store.commit),
    lookThrough: over(store.lookThrough),
    settle: over(store.settle),
    readHistory: over(store.readHistory),
    beginHistory: over(store.beginHistory),
    expectHistory: over(store.expectHistory),
    takeEntries: async (most, waitMs) => {
      const untilMs = machine.nowMs + waitMs
      for (;;) {
        const entries = await take(most)
        if (entries.length > 0 || machine.nowMs >= untilMs) return entries
        await machine.pause(LOOK_MS)
      }
    },
  }
}
