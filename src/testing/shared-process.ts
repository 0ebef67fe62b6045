import type { CommitOutcome, EntityKey, SharedStateStore, StateChange } from '../ports/state-store.ts'
import { bytesOf } from './assertions.ts'
import { closingAfter, lawMaker } from './law.ts'

/** One process among those that share states. */
export interface SharedProcess {
  /** Its name among those that take entries. */
  readonly consumer: string
  /**
   * After how long it takes over what others have not settled, in milliseconds; the store's default when
   * absent.
   */
  readonly takeOverAfterMs?: number
}

/** A shared state store, as its laws open it. */
export interface SharedStateStoreSubject {
  /** Makes empty states, and gives the function by which each process opens them. */
  create(): Promise<(process: SharedProcess) => Promise<SharedStateStore>>
}

/** What a law of shared stores works with. */
export interface SharedTools {
  /** Opened by the process `first`. */
  readonly store: SharedStateStore
  readonly open: (consumer: string, takeOverAfterMs?: number) => Promise<SharedStateStore>
}

/** Makes a law whose processes are closed after it. */
export const sharedLaw = lawMaker<SharedStateStoreSubject, SharedTools>(async (subject, check) => {
  const openProcess = await subject.create()
  const opened: SharedStateStore[] = []
  const open: SharedTools['open'] = async (consumer, takeOverAfterMs) => {
    const store = await openProcess({
      consumer,
      ...(takeOverAfterMs !== undefined && { takeOverAfterMs }),
    })
    opened.push(store)
    return store
  }
  await closingAfter(
    async () => check({ store: await open('first'), open }),
    async () => {
      await Promise.all(opened.map((store) => store.close()))
    },
  )
})

export const ada: EntityKey = { kind: 'user', token: 1815 }
export const bob: EntityKey = { kind: 'user', token: 1816 }
export const shop: EntityKey = { kind: 'merchant', token: 42 }
export const LONG_MS = 3_600_000

/** A write of text. */
export const change = (key: EntityKey, value: string, expected: number): StateChange => ({
  key,
  bytes: bytesOf(value),
  expected,
})
/** What a commit of this number answers. */
export const committed = (sequence: number): CommitOutcome => ({
  outcome: 'committed',
  sequence,
  waitingLabels: 0,
  expiredLabels: 0,
  isLabelDue: false,
})

/** Commits texts that are made of its id. */
export const commit = (
  store: SharedStateStore,
  changes: readonly StateChange[],
  id: string,
  receipt = `receipt of ${id}`,
) => store.commit(changes, { id, bytes: bytesOf(receipt) }, bytesOf(`entry of ${id}`), LONG_MS)
