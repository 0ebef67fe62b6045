import type { Lease } from '../../src/disk/folder-lock.ts'
import { VigiaError } from '../../src/errors.ts'
import type {
  EntityKey,
  OwnedStateStore,
  Receipt,
  StateChange,
  StateRemoval,
  StatesView,
  StoredState,
} from '../../src/ports/state-store.ts'
import { byKind } from '../../src/transaction/entity-kind.ts'
import type { Machine } from './machine.ts'

/** What a store has, as one table by names: `state/user/12`, `receipt/decision/t1`, `note/identity`. */
export type Contents = Map<string, StoredState>

/** One transaction: what it put in the place of what; undefined: removed. */
type Transaction = readonly (readonly [name: string, value: StoredState | undefined])[]

/** What goes wrong in a store for a while. */
export type StoreTrouble = 'failing' | 'slow' | 'stuck'

export const stateName = ({ kind, token }: EntityKey): string => `state/${kind}/${token}`
const receiptName = (id: string): string => `receipt/${id}`
const noteName = (name: string): string => `note/${name}`

/**
 * A folder of LMDB on the simulated machine: transactions come one after the other, whole or not at all,
 * and each asks whether its process still owns the folder. They reach the disk later, in their order: a power
 * failure takes the last ones.
 */
export class StoreFolder {
  contents: Contents = new Map()
  /** The process that may write, by its number. */
  owner = 0
  trouble: StoreTrouble | undefined
  /** Told of each transaction before it counts. */
  onSave: ((contents: Contents, changed: Transaction) => void) | undefined
  private readonly machine: Machine
  private readonly draw: () => number
  private flushed: Contents = new Map()
  private unflushed: Transaction[] = []

  constructor(machine: Machine) {
    this.machine = machine
    const random = machine.random.fork('store')
    this.draw = () => random.next()
  }

  /** Makes the process whose turn it is the owner. Whoever comes has the lease of the folder. */
  open(lease: Lease): OwnedStateStore {
    const { machine } = this
    // As the adapter does: what the disk says is an error of the store.
    const check = (): void => {
      try {
        lease.check()
      } catch (error) {
        throw error instanceof VigiaError ? error : storeFailed((error as Error).message)
      }
    }
    check()
    const process = machine.process!
    this.owner = process.id
    let last: Promise<unknown> = Promise.resolve()
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const own = last.then(work)
      last = own.catch(() => undefined)
      return own
    }
    const commit = async (make: () => Transaction | undefined): Promise<boolean> => {
      check()
      return this.later(process.id, () => this.commit(process.id, make))
    }
    const stored = (bytes: Uint8Array, version = 1): StoredState => ({ bytes: bytes.slice(), version })
    return {
      load: (keys) => this.read(() => keys.map((key) => this.contents.get(stateName(key)))),
      statesAfter: (kind, after = -1, most) =>
        this.read(() => {
          const prefix = `state/${kind}/`
          const tokens = [...this.contents.keys()]
            .filter((name) => name.startsWith(prefix))
            .map((name) => Number(name.slice(prefix.length)))
          return tokens
            .filter((token) => token > after)
            .sort((a, b) => a - b)
            .slice(0, most)
            .map((token) => ({ token, ...this.contents.get(stateName({ kind, token }))! }))
        }),
      save: (changes, receipts = [], removed = []) =>
        inTurn(() => commit(() => this.changesOf(changes, receipts, removed, stored))),
      findReceipt: (id) => this.read(() => this.contents.get(receiptName(id))?.bytes),
      sweepReceipts: (after, most, isExpired) =>
        inTurn(async () => {
          const from = after === undefined ? 'receipt/' : receiptName(after)
          const names = [...this.contents.keys()]
            .filter((name) => name.startsWith('receipt/') && name > from)
            .sort()
          const looked = names.slice(0, most)
          const idOf = (name: string): string => name.slice('receipt/'.length)
          const expired = await this.read(() =>
            looked.filter((name) => {
              const receipt = this.contents.get(name)
              return receipt !== undefined && isExpired(idOf(name), receipt.bytes)
            }),
          )
          if (expired.length > 0) await commit(() => expired.map((name) => [name, undefined]))
          return names.length > most ? idOf(looked.at(-1)!) : undefined
        }),
      readNote: (name) =>
        this.read(() => {
          const note = this.contents.get(noteName(name))
          return note && Buffer.from(note.bytes).toString('utf8')
        }),
      writeNote: async (name, text) => {
        await commit(() => [[noteName(name), stored(Buffer.from(text))]])
      },
      entries: () => {
        throw new Error('entries is not simulated')
      },
      view: () => this.read(() => viewOf(new Map(this.contents))),
      count: async () => byKind([], () => 0),
      clear: async () => {
        await commit(() => [...this.contents.keys()].map((name) => [name, undefined]))
      },
      flush: async () => {
        await last
        await machine.pause(this.latencyMs())
        this.flush(this.unflushed.length)
      },
      close: async () => {
        await last
        this.flush(this.unflushed.length)
        lease.release()
      },
    }
  }

  /** Some of the last transactions never reached the disk. */
  losePower(): void {
    this.flush(Math.floor(this.draw() * (this.unflushed.length + 1)))
    this.unflushed = []
    this.contents = new Map(this.flushed)
    this.owner = 0
  }

  private changesOf(
    changes: readonly StateChange[],
    receipts: readonly Receipt[],
    removed: readonly StateRemoval[],
    stored: (bytes: Uint8Array, version?: number) => StoredState,
  ): Transaction | undefined {
    for (const { key, expected } of [...changes, ...removed])
      if ((this.contents.get(stateName(key))?.version ?? 0) !== expected) return undefined
    return [
      ...changes.map(({ key, bytes, expected }) => [stateName(key), stored(bytes, expected + 1)] as const),
      ...removed.map(({ key }) => [stateName(key), undefined] as const),
      ...receipts.map(({ id, bytes }) => [receiptName(id), stored(bytes)] as const),
    ]
  }

  /** @returns false when there was nothing to commit, because a version is another one */
  private commit(owner: number, make: () => Transaction | undefined): boolean {
    if (this.owner !== owner)
      throw new VigiaError('SERVING_LEASE_LOST', {
        folder: 'states',
        reason: 'its states have another owner',
        holder: 'another process',
      })
    const transaction = make()
    if (transaction === undefined) return false
    for (const [name, value] of transaction) {
      if (value === undefined) this.contents.delete(name)
      else this.contents.set(name, value)
    }
    this.onSave?.(this.contents, transaction)
    this.unflushed.push(transaction)
    const { length } = this.unflushed
    this.machine.after(this.draw() * 200, () => this.flush(Math.min(length, this.unflushed.length)), null)
    return true
  }

  private flush(transactions: number): void {
    for (const transaction of this.unflushed.splice(0, transactions))
      for (const [name, value] of transaction) {
        if (value === undefined) this.flushed.delete(name)
        else this.flushed.set(name, value)
      }
  }

  /** LMDB answers at once; the port allows any delay. */
  private async read<T>(work: () => T): Promise<T> {
    this.machine.point()
    if (this.draw() < 0.3) await this.machine.pause(this.latencyMs())
    if (this.trouble === 'failing' && this.draw() < 0.3) throw storeFailed('cannot be read')
    return work()
  }

  private later<T>(owner: number, work: () => T): Promise<T> {
    const { machine } = this
    machine.point()
    const { process } = machine
    return new Promise<T>((resolve, reject) => {
      const settle = (done: () => void): void => void machine.after(0, done, process ?? null)
      const finish = (): void => {
        if (process?.state === 'dead') {
          if (this.owner === owner && this.draw() < 0.5) work()
          return
        }
        try {
          if (this.trouble === 'failing' && this.draw() < 0.6) throw storeFailed('the disk is full')
          const result = work()
          settle(() => resolve(result))
        } catch (error) {
          settle(() => reject(error as Error))
        }
      }
      machine.after(this.latencyMs(), finish, null)
    })
  }

  private latencyMs(): number {
    if (this.trouble === 'stuck') return 3000 + this.draw() * 6000
    if (this.trouble === 'slow') return this.draw() * 1000
    return this.draw() < 0.9 ? this.draw() * 2 : this.draw() * 60
  }
}

export const storeFailed = (reason: string): VigiaError =>
  new VigiaError('SERVING_STORE_FAILED', { store: 'the simulated store', reason })

const viewOf = (contents: ReadonlyMap<string, StoredState>): StatesView => {
  const named = (prefix: string): string[] =>
    [...contents.keys()].filter((name) => name.startsWith(prefix)).sort()
  const kinds = new Set(named('state/').map((name) => name.split('/')[1]!))
  return {
    kinds: [...kinds],
    load: async (keys) => keys.map((key) => contents.get(stateName(key))),
    findReceipt: async (id) => contents.get(receiptName(id))?.bytes,
    async *entries(kind) {
      const tokens = named(`state/${kind}/`).map((name) => Number(name.slice(name.lastIndexOf('/') + 1)))
      for (const token of tokens.sort((a, b) => a - b))
        yield { token, ...contents.get(stateName({ kind, token }))! }
    },
    async *receipts(prefix) {
      for (const name of named(receiptName(prefix)))
        yield { id: name.slice('receipt/'.length), bytes: contents.get(name)!.bytes }
    },
    close: () => undefined,
  }
}
