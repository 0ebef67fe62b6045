import { setTimeout as pause } from 'node:timers/promises'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { VigiaError } from '../../errors.ts'
import { HISTORY_LOST, lossText } from '../../ports/history-loss.ts'
import type {
  CommitOutcome,
  EntityKey,
  KnownHistory,
  OutboxEntry,
  SharedStateStore,
  StateChange,
  StateHead,
  StateStore,
} from '../../ports/state-store.ts'
import type { FillingBegun } from '../../ports/store-filling.ts'
import type { SharedProcess } from '../shared-state-store-laws.ts'
import { MemorySharedLabels, otherReceipt } from './memory-shared-labels.ts'

/** How states in memory are shared. */
export interface MemorySharedOptions {
  /**
   * Nobody waits longer for entries, in milliseconds; as long as is asked when absent. A process that ends
   * waits for its last call to take some.
   */
  readonly longestWaitMs?: number
}

/**
 * States in memory that several "processes" of one test share, with an outbox; empty at first.
 *
 * @returns opens them as one of the processes
 */
export const createMemorySharedStates = ({
  longestWaitMs = Number.POSITIVE_INFINITY,
}: MemorySharedOptions = {}): ((process: SharedProcess) => Promise<SharedStateStore>) => {
  const shared: Shared = {
    states: createMemoryStateStore(),
    lives: new Map(),
    entries: [],
    lastSequence: 0,
    name: undefined,
    mark: undefined,
    filler: undefined,
    lastCommit: Promise.resolve(),
    labels: new MemorySharedLabels(),
    ends: new Map(),
    longestWaitMs,
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
  /** Of the history; undefined before one is begun, and where there is a mark. */
  name: string | undefined
  mark: Mark | undefined
  /** Token of who fills it; undefined: nobody does. */
  filler: string | undefined
  readonly labels: MemorySharedLabels
  /** States that end, by kind and token; epoch milliseconds. */
  readonly ends: Map<string, { readonly key: EntityKey; readonly atMs: number }>
  readonly longestWaitMs: number
}

/** What a process expected, and what it found. */
interface Mark {
  readonly expected: KnownHistory
  readonly name: string | undefined
  readonly lastSequence: number
}

const lossOf = ({ mark }: Shared): string =>
  mark === undefined ? '' : lossText(mark.name, mark.lastSequence, mark.expected)

const POLL_MS = 2
const SEQUENCE_BYTES = 8

const inTurn = <T>(shared: Shared, work: () => Promise<T>): Promise<T> => {
  const turn = shared.lastCommit.then(work)
  shared.lastCommit = turn.catch(() => undefined)
  return turn
}

/** Forgets the states whose lives are over. */
const endStates = async ({ states, ends }: Shared): Promise<void> => {
  const nowMs = Date.now()
  for (const [name, { key, atMs }] of ends) {
    if (atMs > nowMs) continue
    const [state] = await states.load([key])
    if (state !== undefined) await states.save([], [], [{ key, expected: state.version }])
    ends.delete(name)
  }
}

/** What was written lives as long as it says. */
const beginLives = ({ ends }: Shared, changes: readonly StateChange[]): void => {
  for (const { key, lifeMs } of changes) {
    const name = `${key.kind} ${key.token}`
    if (lifeMs === undefined) ends.delete(name)
    else ends.set(name, { key, atMs: Date.now() + lifeMs })
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/**
 * What one process expects of the store (laws 14 and 15), and the highest number that it has seen; or that it
 * is the one that fills it (law 22).
 */
const createExpectation = (shared: Shared) => {
  let expected: KnownHistory | undefined
  let filling: FillingBegun | undefined
  const look = (): void => {
    if (filling !== undefined && shared.filler !== filling.token)
      throw new VigiaError('SERVING_FILLER_REPLACED', { store: 'memory' })
    if (expected === undefined) return
    const { name, lastSequence, mark } = shared
    const isOurs = name === expected.name
    if (mark === undefined && isOurs && lastSequence >= expected.lastSequence) {
      expected = { name, lastSequence }
      return
    }
    if (mark === undefined && (isOurs || name === undefined))
      Object.assign(shared, { name: undefined, mark: { expected, name, lastSequence } })
    else if (mark?.expected.name === expected.name && mark.expected.lastSequence < expected.lastSequence)
      shared.mark = { ...mark, expected }
    const reason = lossOf(shared) || lossText(name, lastSequence, expected)
    throw new VigiaError(HISTORY_LOST, { store: 'memory', reason })
  }
  return {
    look,
    /** Looks before and after `call`, so that nothing of another store is given away. */
    guarded:
      <Words extends unknown[], T>(call: (...words: Words) => Promise<T>) =>
      async (...words: Words): Promise<T> => {
        look()
        const result = await call(...words)
        look()
        return result
      },
    expect: (history: KnownHistory | undefined): void => {
      expected = history
      filling = undefined
      look()
    },
    fill: (begun: FillingBegun): void => {
      expected = undefined
      filling = begun
    },
    filling: () => filling,
    knownSequence: () => expected?.lastSequence ?? 0,
  }
}

/** A commit is looked at and done in one turn: two that meet must not both take the next number. */
const commitTo =
  (
    shared: Shared,
    look: () => void,
    findReceipt: SharedStateStore['findReceipt'],
  ): SharedStateStore['commit'] =>
  (changes, { id, bytes }, entry, receiptLifeMs, demands = {}) =>
    inTurn(shared, async (): Promise<CommitOutcome> => {
      look()
      await endStates(shared)
      const known = await findReceipt(id)
      const { replaces, labels } = demands
      if (replaces !== undefined && known === undefined) return { outcome: 'otherwise' }
      if (known !== undefined && (replaces === undefined || !isSame(known, replaces)))
        return { outcome: 'repeated', receipt: known }
      const other = otherReceipt(labels)
      const found = other === undefined ? undefined : await findReceipt(other)
      const objection = shared.labels.objectionTo(labels, found !== undefined, known !== undefined)
      if (objection !== undefined) return { outcome: objection }
      const sequence = shared.lastSequence + 1
      const receipt = new Uint8Array(SEQUENCE_BYTES + bytes.length)
      new DataView(receipt.buffer).setFloat64(0, sequence, true)
      receipt.set(bytes, SEQUENCE_BYTES)
      if (!(await shared.states.save(changes, [{ id, bytes: receipt }]))) return { outcome: 'conflict' }
      beginLives(shared, changes)
      shared.lastSequence = sequence
      shared.lives.set(id, Date.now() + receiptLifeMs)
      shared.entries.push({ sequence, bytes: new Uint8Array(entry) })
      if (found !== undefined && labels?.kind !== 'wait') shared.lives.set(other!, 0)
      return {
        outcome: 'committed',
        sequence,
        ...shared.labels.commit(labels, { sequence, id, found: found?.subarray(SEQUENCE_BYTES) }),
      }
    })

const openAs = ({ takeOverAfterMs = 30_000 }: SharedProcess, shared: Shared): SharedStateStore => {
  const expectation = createExpectation(shared)
  const { look, guarded } = expectation
  const { states } = shared
  const findReceipt = async (id: string): Promise<Uint8Array | undefined> =>
    (shared.lives.get(id) ?? Number.POSITIVE_INFINITY) > Date.now()
      ? shared.states.findReceipt(id)
      : undefined
  const commit = commitTo(shared, look, findReceipt)
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
    ...stateCalls(shared, expectation),
    readNote: guarded(states.readNote),
    writeNote: guarded(states.writeNote),
    count: guarded(states.count),
    async *entries(kind) {
      look()
      yield* states.entries(kind)
    },
    findReceipt: guarded(findReceipt),
    commit: guarded(commit),
    takeEntries: async (most, waitMs) => {
      const untilMs = Date.now() + Math.min(waitMs, shared.longestWaitMs)
      for (;;) {
        look()
        const entries = take(most)
        if (entries.length > 0 || Date.now() >= untilMs) return entries
        await pause(POLL_MS)
      }
    },
    settle: guarded(async (sequences) => {
      shared.entries = shared.entries.filter(({ sequence }) => !sequences.includes(sequence))
    }),
    sweepReceipts: async () => undefined,
    flush: guarded(states.flush),
    ...historyCalls(shared, expectation),
    ...fillingCalls(shared, expectation),
    dueLabels: guarded(async (eventTimeMs, most) => shared.labels.due(eventTimeMs, most)),
    removeDueLabel: guarded(async (text) => shared.labels.remove(text)),
    putBackLabels: async (labels) => {
      look()
      void states.save([], labels.waiting)
      for (const { id, lifeMs } of labels.waiting) shared.lives.set(id, Date.now() + lifeMs)
      shared.labels.putBack(labels)
    },
    // What is shared outlives each process.
    close: async () => {},
  }
}

/** States by their names, and all of them, but for those whose lives are over. */
const stateCalls = (
  shared: Shared,
  { guarded, look }: ReturnType<typeof createExpectation>,
): Pick<SharedStateStore, 'load' | 'save' | 'lookThrough'> => ({
  load: guarded(async (keys) => {
    await endStates(shared)
    return shared.states.load(keys)
  }),
  save: guarded(async (changes, receipts) => {
    await endStates(shared)
    look()
    const isSaved = await shared.states.save(changes, receipts)
    if (isSaved) beginLives(shared, changes)
    return isSaved
  }),
  lookThrough: guarded(async (from = '', most, bytes) => {
    await endStates(shared)
    const later: (StateHead & { readonly name: string })[] = []
    for (const kind of Object.keys(await shared.states.count()))
      for await (const { token, version, bytes: state } of shared.states.entries(kind)) {
        const name = `${kind} ${token}`
        const isLeaving = shared.ends.has(name)
        const head = state.slice(0, bytes)
        if (name > from) later.push({ name, key: { kind, token }, version, head, isLeaving })
      }
    later.sort((a, b) => (a.name < b.name ? -1 : 1))
    const states = later.slice(0, most)
    return { states, next: later.length > most ? states.at(-1)!.name : undefined }
  }),
})

const historyCalls = (
  shared: Shared,
  { expect, knownSequence, look }: ReturnType<typeof createExpectation>,
): Pick<
  SharedStateStore,
  'readHistory' | 'beginHistory' | 'expectHistory' | 'knownSequence' | 'waitingEntries' | 'putBack'
> => ({
  readHistory: async () => ({ name: shared.name, lastSequence: shared.lastSequence, loss: lossOf(shared) }),
  beginHistory: async ({ name, lastSequence }, replaces) => {
    const isOther = shared.mark !== undefined || (shared.name !== undefined && shared.name !== name)
    if (isOther && !replaces) return false
    Object.assign(shared, {
      name,
      mark: undefined,
      lastSequence: Math.max(shared.lastSequence, lastSequence),
    })
    return true
  },
  expectHistory: async (history) => expect(history),
  knownSequence,
  waitingEntries: async () => shared.entries.map(({ sequence, bytes }) => ({ sequence, bytes })),
  putBack: async (receipts, entries) => {
    look()
    void shared.states.save([], receipts)
    for (const { id, lifeMs } of receipts) shared.lives.set(id, Date.now() + lifeMs)
    shared.entries.push(...entries.map(({ sequence, bytes }) => ({ sequence, bytes: new Uint8Array(bytes) })))
  },
})

/** Filling by one process at a time, and emptying. Each is done in one step. */
const fillingCalls = (
  shared: Shared,
  { look, fill, filling, expect }: ReturnType<typeof createExpectation>,
): Pick<SharedStateStore, 'beginFilling' | 'endFilling' | 'clear'> => {
  const { states } = shared
  const write = (notes: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(notes)) void states.writeNote(name, text)
  }
  return {
    beginFilling: async (begun) => {
      const { token, notes, instead } = begun
      const isAsSeen = instead?.filler === shared.filler && instead?.name === shared.name
      const isUnused = shared.mark === undefined && shared.lastSequence === 0
      if (instead !== undefined && !(isAsSeen && isUnused)) return false
      Object.assign(shared, { filler: token, name: undefined, mark: undefined, lastSequence: 0 })
      write(notes)
      fill(begun)
      return true
    },
    endFilling: async ({ notes, history: { name, lastSequence }, replaces }) => {
      look()
      write(notes)
      shared.filler = undefined
      expect(undefined)
      if (!replaces && (shared.mark !== undefined || ![undefined, name].includes(shared.name))) return false
      const last = Math.max(shared.lastSequence, lastSequence)
      Object.assign(shared, { name, mark: undefined, lastSequence: last })
      return true
    },
    clear: async () => {
      const begun = filling()
      if (begun === undefined) expect(undefined)
      else look()
      await states.clear()
      // What another filler has written meanwhile stays.
      if (begun !== undefined) look()
      shared.lives.clear()
      shared.labels.clear()
      shared.ends.clear()
      Object.assign(shared, { entries: [], lastSequence: 0 })
      if (begun !== undefined) return write(begun.notes)
      Object.assign(shared, { name: undefined, mark: undefined, filler: undefined })
    },
  }
}
