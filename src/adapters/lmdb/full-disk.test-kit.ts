// What the processes of failed-commit.test.ts share: a store in the folder of the first argument, on a disk
// that takes no more at some time.
import { openLmdbStateStore } from './lmdb-state-store.ts'

export const [folder = ''] = process.argv.slice(2)

export const openStore = () =>
  openLmdbStateStore({ folder, owner: { processId: process.pid, host: 'test', isAlive: () => false } })

type Store = Awaited<ReturnType<typeof openStore>>

/** `done` when it resolves, and otherwise the code of the error. */
export const outcomeOf = (work: Promise<unknown>, done: string): Promise<string> =>
  work.then(
    () => done,
    (error: unknown) => String((error as { readonly code?: string }).code),
  )

export const saveState = (store: Store, token: number): Promise<string> =>
  outcomeOf(
    store.save([{ key: { kind: 'user', token }, expected: 0, bytes: new Uint8Array(100_000) }]),
    'saved',
  )

/** Saves states until the disk takes no more. @returns how many it took, and what came of the next one */
export const fillDisk = async (
  store: Store,
): Promise<{ readonly saved: number; readonly outcome: string }> => {
  let saved = 0
  let outcome = await saveState(store, saved)
  while (outcome === 'saved' && saved < 1000) outcome = await saveState(store, ++saved)
  return { saved, outcome }
}
