import type { OwnedStateStore } from '../../ports/state-store.ts'

/**
 * The store, but for calls that come when it is being closed: they are rejected with what `closed` gives.
 * LMDB takes a read while it closes, and a moment later ends the process, because its timer finds a read
 * transaction that is over.
 */
export const closable = (store: OwnedStateStore, closed: () => Error): OwnedStateStore => {
  let isClosed = false
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    // Others may still call until then: what they were given is on its way to the disk.
    const flushed = await Promise.allSettled([store.flush()])
    isClosed = true
    const outcomes = [...flushed, ...(await Promise.allSettled([store.close()]))]
    const failed = outcomes.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }
  const whileOpen =
    <A extends readonly unknown[], R>(call: (...values: A) => Promise<R>) =>
    (...values: A): Promise<R> =>
      isClosed ? Promise.reject(closed()) : call(...values)
  return {
    load: whileOpen(store.load),
    save: whileOpen(store.save),
    findReceipt: whileOpen(store.findReceipt),
    sweepReceipts: whileOpen(store.sweepReceipts),
    readNote: whileOpen(store.readNote),
    writeNote: whileOpen(store.writeNote),
    async *entries(kind) {
      if (isClosed) throw closed()
      for await (const entry of store.entries(kind)) {
        yield entry
        if (isClosed) throw closed()
      }
    },
    count: whileOpen(store.count),
    clear: whileOpen(store.clear),
    view: whileOpen(store.view),
    ...(store.statesAfter && { statesAfter: whileOpen(store.statesAfter) }),
    flush: whileOpen(store.flush),
    // Whoever closes it again is told the same.
    close: () => {
      closing ??= closeAll()
      return closing
    },
  }
}
