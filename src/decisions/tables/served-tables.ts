import type { DatabaseSettings } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import { completeTransaction } from '../../lookup/complete-transaction.ts'
import type { ReferenceTable } from '../../lookup/reference-table.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { Feedback, InferenceObserver } from '../inference-pipeline.ts'
import type { LoadedModel } from '../loaded-model.ts'
import {
  type LoadServedTable,
  loadServedTable,
  type ServedTable,
  type ServedTableFiles,
  stampOfFiles,
} from './load-served-table.ts'
import { type TableOfModels, tablesOf } from './merge-tables.ts'
import type { RefreshOutcome, TableStatus } from './table-status.ts'

/** What the server's settings say of a table. */
export interface TableServing {
  /** Where it lies; left out: where it lay in training. */
  readonly path?: string | string[]
  /** How often its files are looked at, as a duration. */
  readonly refresh?: string
  /** Share of its rows that a new version must at least have, 0 to 1. */
  readonly smallest_share?: number
}

export interface ServedTablesOptions {
  /** By the name of the table. */
  readonly settings: Readonly<Record<string, TableServing>>
  readonly workingDirectory: string
  readonly database: DatabaseSettings
  readonly observer: Pick<InferenceObserver, 'warned' | 'lookedUp'>
  readonly world: Pick<World, 'now'>
  /** Reads a table; from its files when left out. */
  readonly load?: LoadServedTable
}

const DEFAULT_REFRESH = '1m'
const MOST_MS = 2 ** 31 - 1
const DEFAULT_SMALLEST_SHARE = 0.5

interface Held extends ServedTable {
  /** What models read in it. */
  readonly key: string
  readonly loadedAtMs: number
  failure: string
  /** The version that could not be read, or was not taken: it is not read again. */
  failedStamp: string
}

/**
 * The tables beside the transactions, as the models in service read them: each in memory, and read again when
 * its files have changed. What cannot be read stays as it was, and is told.
 */
export class ServedTables {
  private readonly options: ServedTablesOptions
  private readonly abort = new AbortController()
  private held: readonly Held[] = []
  /** Of `held`: kept, because it is asked for with every decision. */
  private lookup: readonly ReferenceTable[] = []
  private timers: NodeJS.Timeout[] = []
  private turn: Promise<unknown> = Promise.resolve()
  /** Names in the settings that nobody reads, and that somebody was told of. */
  private readonly toldUnread = new Set<string>()

  constructor(options: ServedTablesOptions) {
    this.options = options
  }

  /**
   * Reads the tables that these models need and that are not there yet; `use` puts them in service.
   *
   * @throws SERVING_TABLES_DIFFER, SERVING_LOOKUPS_DIFFER, SERVING_TABLE_UNREADABLE
   */
  async prepare(models: readonly LoadedModel[]): Promise<readonly Held[]> {
    const prepared: Held[] = []
    const tables = tablesOf(models)
    this.tellUnread(tables)
    for (const of of tables) {
      const key = keyOf(of)
      const known = this.held.find((held) => held.key === key)
      prepared.push(known ?? (await this.load(of, key)))
    }
    return prepared
  }

  /** From the next transaction on these tables are looked up in. @param prepared what `prepare` answered */
  use(prepared: readonly Held[]): void {
    // One that was there may have been read again meanwhile.
    this.hold(prepared.map((one) => this.held.find(({ key }) => key === one.key) ?? one))
    this.stopTimers()
    for (const { of } of prepared) {
      const { name } = of.mapping
      // A timer of Node counts to 2^31 - 1 milliseconds; beyond it would go off at once.
      const everyMs = Math.min(MOST_MS, parseDuration(this.settingsOf(name).refresh ?? DEFAULT_REFRESH))
      if (everyMs === 0) continue
      this.timers.push(setInterval(() => void this.refresh(name).catch(() => undefined), everyMs).unref())
    }
  }

  /** The transaction with what the tables have for it. */
  complete(transaction: Transaction): Transaction {
    if (this.lookup.length === 0) return transaction
    return completeTransaction(transaction, this.lookup, this.count)
  }

  /** A label with the transaction that it carries, where it carries one, as `complete` makes it. */
  completeFeedback(feedback: Feedback): Feedback {
    const { transaction } = feedback
    return transaction === undefined ? feedback : { ...feedback, transaction: this.complete(transaction) }
  }

  /**
   * Looks at the files of a table, and reads it again where they have changed. A version that cannot be read,
   * or has lost many of its rows, is not taken: it may be half written. It is not read again until it has
   * changed, unless somebody asks, or what was wrong was not in it.
   *
   * @param isAsked whether a person wants it
   * @throws SERVING_TABLE_UNKNOWN
   */
  async refresh(name: string, isAsked = false): Promise<RefreshOutcome> {
    const names = this.held.map(({ of }) => of.mapping.name)
    if (!names.includes(name))
      throw new VigiaError('SERVING_TABLE_UNKNOWN', {
        table: name,
        allowed: names.length === 0 ? 'no table' : names.join(', '),
      })
    const next = this.turn.then(() => this.refreshNow(name, isAsked))
    this.turn = next.catch(() => undefined)
    return next
  }

  status(): readonly TableStatus[] {
    return this.held.map(({ of, table, unusableRows, changedAtMs, loadedAtMs, failure }) => ({
      name: of.mapping.name,
      attributes: [...table.columns.keys()],
      rows: table.rows,
      unusableRows,
      changedAtMs,
      loadedAtMs,
      failure,
    }))
  }

  /** Ends what is on its way. */
  async close(): Promise<void> {
    this.stopTimers()
    this.abort.abort()
    await this.turn
  }

  private readonly count: Parameters<typeof completeTransaction>[2] = (table, outcome) =>
    this.options.observer.lookedUp(table, outcome)

  private hold(held: readonly Held[]): void {
    this.held = held
    this.lookup = held.map(({ table }) => table)
  }

  private async refreshNow(name: string, isAsked: boolean): Promise<RefreshOutcome> {
    const held = this.held.find(({ of }) => of.mapping.name === name)
    if (held === undefined || this.abort.signal.aborted) return 'unchanged'
    let stamp = ''
    try {
      stamp = await stampOfFiles(this.filesOf(held.of))
      if (stamp === held.stamp) {
        held.failure = ''
        return 'unchanged'
      }
      if (stamp === held.failedStamp && !isAsked) return 'failed'
      const next = await this.load(held.of, held.key)
      this.assertWhole(held, next)
      this.hold(this.held.map((other) => (other.key === held.key ? next : other)))
      return 'replaced'
    } catch (error) {
      if (this.abort.signal.aborted) return 'unchanged'
      const failure = error instanceof Error ? error.message : String(error)
      const isKnown = failure === held.failure
      held.failure = failure
      held.failedStamp = isOfFiles(error) ? stamp : ''
      if (isKnown) return 'failed'
      this.options.observer.warned('SERVING_TABLE_STALE', { table: name, reason: held.failure })
      return 'failed'
    }
  }

  private async load(of: TableOfModels, key: string): Promise<Held> {
    const { name } = of.mapping
    try {
      const served = await (this.options.load ?? loadServedTable)(of, this.filesOf(of))
      return { ...served, key, loadedAtMs: this.options.world.now(), failure: '', failedStamp: '' }
    } catch (error) {
      if (error instanceof VigiaError && error.code === 'SERVING_TABLE_UNREADABLE') throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new VigiaError('SERVING_TABLE_UNREADABLE', { table: name, reason }, { cause: error })
    }
  }

  /** @throws SERVING_TABLE_UNREADABLE */
  private assertWhole(before: Held, next: Held): void {
    const { name } = before.of.mapping
    const share = this.settingsOf(name).smallest_share ?? DEFAULT_SMALLEST_SHARE
    const [rows, was] = [next.table.rows, before.table.rows]
    if (rows >= share * was) return
    throw new VigiaError('SERVING_TABLE_UNREADABLE', {
      table: name,
      reason: `it has ${rows} rows and had ${was}, so it may be half written; tables.${name}.smallest_share allows ${share} of them`,
    })
  }

  private filesOf({ mapping }: TableOfModels): ServedTableFiles {
    const { workingDirectory, database } = this.options
    const path = this.settingsOf(mapping.name).path ?? mapping.path
    return { path, workingDirectory, database, signal: this.abort.signal }
  }

  private settingsOf(name: string): TableServing {
    return this.options.settings[name] ?? {}
  }

  /** A name in the settings that no model reads: a slip of the pen, or of a model that is gone. */
  private tellUnread(read: readonly TableOfModels[]): void {
    const names = read.map(({ mapping }) => mapping.name)
    for (const name of Object.keys(this.options.settings)) {
      if (names.includes(name) || this.toldUnread.has(name)) continue
      this.toldUnread.add(name)
      this.options.observer.warned('SERVING_TABLE_UNREAD', {
        table: name,
        reason: `tables.${name} is of no table that a model in service reads; they read ${names.join(', ') || 'none'}`,
      })
    }
  }

  private stopTimers(): void {
    for (const timer of this.timers) clearInterval(timer)
    this.timers = []
  }
}

/** Whether the same files would fail again: it is not the machine that lacks something. */
const isOfFiles = (error: unknown): boolean => {
  const { cause } = error as Error
  return cause === undefined || (cause instanceof VigiaError && !OF_MACHINE.has(cause.code))
}

const OF_MACHINE: ReadonlySet<string> = new Set([
  'DATASET_OUT_OF_MEMORY',
  'DATASET_NO_SPACE',
  'DATASET_NOT_READABLE',
  'DATASET_QUERY_FAILED',
])

/** Equal for models that read the same of a table, wherever it lay. */
const keyOf = ({ mapping, attributes }: TableOfModels): string => {
  const { path: _, ...rest } = mapping
  return canonicalJson([rest, attributes])
}
