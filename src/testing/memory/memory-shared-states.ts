import { setTimeout as pause } from 'node:timers/promises'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import type { CommitOutcome, OutboxEntry, SharedStateStore, StateStore } from '../../ports/state-store.ts'
import type { SharedProcess } from '../shared-state-store-laws.ts'

/**
 * States in memory that several "processes" of one test share, with an outbox; empty at first.
 *
 * @returns opens them as one of the processes
 */
export const createMemorySharedStates = (): ((process: SharedProcess) => Promise<SharedStateStore>) => {
  const shared: Shared = {
    states: createMemoryStateStore(),
    lives: new Map(),
    entries: [],
    lastSequence: 0,
    lastCommit: Promise.resolve(),
  }
  return async (process) => openAs(process, shared)
}

interface Shared {
  readonly states: StateStore
  /** Ends when the commit before has: two that meet must not both take the next number. */
  lastCommit: Promise<unknown>
  /** When the receipt of a commit is forgotten, by its id; epoch milliseconds. */
  readonly lives: Map<string, number>
  entries: (OutboxEntry & { taken?: { readonly atMs: number } })[]
  lastSequence: number
}

const POLL_MS = 2
const SEQUENCE_BYTES = 8

const inTurn = <T>(shared: Shared, work: () => Promise<T>): Promise<T> => {
  const turn = shared.lastCommit.then(work)
  shared.lastCommit = turn.catch(() => undefined)
  return turn
}

const openAs = ({ takeOverAfterMs = 30_000 }: SharedProcess, shared: Shared): SharedStateStore => {
  const findReceipt = async (id: string): Promise<Uint8Array | undefined> =>
    (shared.lives.get(id) ?? Number.POSITIVE_INFINITY) > Date.now()
      ? shared.states.findReceipt(id)
      : undefined
  const commit: SharedStateStore['commit'] = (changes, { id, bytes }, entry, receiptLifeMs) =>
    inTurn(shared, async (): Promise<CommitOutcome> => {
      const known = await findReceipt(id)
      if (known !== undefined) return { outcome: 'repeated', receipt: known }
      const sequence = shared.lastSequence + 1
      const receipt = new Uint8Array(SEQUENCE_BYTES + bytes.length)
      new DataView(receipt.buffer).setFloat64(0, sequence, true)
      receipt.set(bytes, SEQUENCE_BYTES)
      if (!(await shared.states.save(changes, [{ id, bytes: receipt }]))) return { outcome: 'conflict' }
      shared.lastSequence = sequence
      shared.lives.set(id, Date.now() + receiptLifeMs)
      shared.entries.push({ sequence, bytes: new Uint8Array(entry) })
      return { outcome: 'committed', sequence }
    })
  const take = (most: number): readonly OutboxEntry[] => {
    const nowMs = Date.now()
    const free = shared.entries.filter(
      ({ taken }) => taken === undefined || nowMs - taken.atMs >= takeOverAfterMs,
    )
    const mine = free.slice(0, most)
    for (const entry of mine) entry.taken = { atMs: nowMs }
    return mine.map(({ sequence, bytes }) => ({ sequence, bytes }))
  }
  return {
    ...shared.states,
    findReceipt,
    commit,
    takeEntries: async (most, waitMs) => {
      const untilMs = Date.now() + waitMs
      for (;;) {
        const entries = take(most)
        if (entries.length > 0 || Date.now() >= untilMs) return entries
        await pause(POLL_MS)
      }
    },
    settle: async (sequences) => {
      shared.entries = shared.entries.filter(({ sequence }) => !sequences.includes(sequence))
    },
    sweepReceipts: async () => undefined,
    clear: async () => {
      await shared.states.clear()
      shared.lives.clear()
      shared.entries = []
      shared.lastSequence = 0
    },
    // What is shared outlives each process.
    close: async () => {},
  }
}
