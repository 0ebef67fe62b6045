import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type IndexedStates, NO_STATES, openIndexedStates } from '../artifacts/indexed-states.ts'
import { type SnapshotEntry, snapshotFile, writeEntries } from '../artifacts/state-snapshot.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { createLogFeatures, type LogFeatures } from '../decisions/log/log-features.ts'
import type { LogEntry } from '../decisions/log/log-record.ts'
import { documentOf, type ModelDocument } from '../decisions/log/model-document.ts'
import { encodeState } from '../features/state/encoding.ts'
import type { EntityState } from '../features/state/entity-state.ts'
import { HEADER } from '../features/state/layout.ts'
import { type EntityKind, stateKindsOf } from '../transaction/entity-kind.ts'

export interface StatesAgainOptions {
  readonly model: LoadedModel
  /** Folder of the states to begin with; undefined: nobody has a history. */
  readonly from: string | undefined
  /** The model of a record's key. */
  readonly modelOf: (key: string) => Promise<ModelDocument>
  /** An existing folder, for states that memory has no room for. */
  readonly workFolder: string
  /** What of them may be in memory. */
  readonly memory?: StatesMemory
}

export interface StatesMemory {
  /** States are counted once in so many records. */
  readonly lookEvery: number
  /** Bytes from which on all are written to the disk, and read again when they are needed. */
  readonly mostBytes: number
}

/** What the objects of a state take beside its numbers. */
const OBJECT_BYTES = 760
const DEFAULT_MEMORY: StatesMemory = { lookEvery: 10_000, mostBytes: 512 << 20 }

/**
 * States that servers share, computed again from their logs: hand it the records in the order of their
 * numbers.
 *
 * Those that it began with stay on the disk. What records have moved is in memory, until it is too much: then
 * all are written, and it goes on from those. So memory holds the index of all states, and a bounded part of
 * them.
 */
export class StatesAgain {
  decisions = 0
  labels = 0
  /** Decisions whose features came out otherwise than they were served. */
  differing = 0
  readonly kinds: readonly EntityKind[]
  private readonly options: StatesAgainOptions
  private readonly memory: StatesMemory
  private stored: ReadonlyMap<EntityKind, IndexedStates>
  private features: LogFeatures
  private records = 0
  /** Where the stored states lie, when they were written here. */
  private ownFolder: string | undefined

  constructor(options: StatesAgainOptions) {
    const { model, from, memory = DEFAULT_MEMORY } = options
    this.options = options
    this.memory = memory
    this.kinds = stateKindsOf(model.settings.options.entities)
    this.stored = this.openStates(from)
    this.features = this.featuresOfStored()
  }

  /** Takes the next record. */
  async take(entry: LogEntry): Promise<void> {
    if (entry.kind === 'label') {
      this.labels++
      this.features.applyLabel(entry.label)
    } else if (entry.kind === 'repair') this.features.repair(entry)
    else {
      this.decisions++
      const { transaction, timing, model } = entry.decision
      const document = await this.options.modelOf(model)
      if (!isSame(this.features.createAllFeatures(document, transaction, timing), entry)) this.differing++
    }
    if (++this.records % this.memory.lookEvery === 0 && this.liveBytes() > this.memory.mostBytes) this.spill()
  }

  /** All states of a kind, ascending by token, as `encodeState` writes them. */
  *entries(kind: EntityKind): Generator<SnapshotEntry> {
    const stored = this.stored.get(kind)!
    if (!this.features.kinds.includes(kind)) {
      yield* stored.entries()
      return
    }
    const layout = this.features.layoutOf(kind)
    const live = [...this.features.statesOf(kind)].sort(([a], [b]) => a - b)
    let next = 0
    function* before(token: number): Generator<SnapshotEntry> {
      for (; next < live.length && live[next]![0] < token; next++) {
        const [own, state] = live[next]!
        if (isUsed(state)) yield { token: own, bytes: encodeState(layout, state) }
      }
    }
    for (const entry of stored.entries()) {
      yield* before(entry.token)
      if (live[next]?.[0] !== entry.token) yield entry
    }
    yield* before(Number.POSITIVE_INFINITY)
  }

  /** Closes files, and removes those that it has made. */
  close(): void {
    for (const states of this.stored.values()) states.close()
    this.stored = new Map()
    if (this.ownFolder !== undefined) rmSync(this.ownFolder, { recursive: true, force: true })
  }

  private openStates(folder: string | undefined): ReadonlyMap<EntityKind, IndexedStates> {
    const opened = new Map<EntityKind, IndexedStates>()
    try {
      for (const kind of this.kinds)
        opened.set(kind, folder === undefined ? NO_STATES : openIndexedStates(snapshotFile(folder, kind)))
      return opened
    } catch (error) {
      for (const states of opened.values()) states.close()
      throw error
    }
  }

  private featuresOfStored(): LogFeatures {
    const { stored } = this
    return createLogFeatures(documentOf(this.options.model), (kind, token) => stored.get(kind)?.get(token))
  }

  private liveBytes(): number {
    let bytes = 0
    for (const kind of this.features.kinds)
      for (const { data } of this.features.statesOf(kind).values()) bytes += data.byteLength + OBJECT_BYTES
    return bytes
  }

  private spill(): void {
    const folder = mkdtempSync(join(this.options.workFolder, '.states-'))
    for (const kind of this.kinds) writeEntries(snapshotFile(folder, kind), this.entries(kind))
    const next = this.openStates(folder)
    this.close()
    this.ownFolder = folder
    this.stored = next
    this.features = this.featuresOfStored()
  }
}

/** Of one that has expired, or that a label has asked for and no transaction has made, nothing is kept. */
const isUsed = (state: EntityState): boolean => state.data[state.base + HEADER.next]! > 0

/** Undefined: the user's state remembers the transaction already. */
const isSame = (
  vector: Float64Array | undefined,
  { vector: served }: Extract<LogEntry, { kind: 'decision' }>,
): boolean => vector !== undefined && served.every((value, f) => Object.is(value, vector[f]))
