import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { createMemoryStateStore } from '../../src/adapters/memory/memory-state-store.ts'
import { readEntries, snapshotFile } from '../../src/artifacts/state-snapshot.ts'
import { loadServingConfig } from '../../src/config/config-manager.ts'
import { silentObserver } from '../../src/decisions/inference.test-kit.ts'
import type { OpenPipeline } from '../../src/decisions/open-pipeline.ts'
import { stateOf } from '../../src/decisions/states/stored-state.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { unwatched } from '../../src/disk/work.ts'
import { openService } from '../../src/pipelines/service/open-service.ts'
import type { StateStore } from '../../src/ports/state-store.ts'
import { attributeColumn } from '../../src/transaction/attributes.ts'
import { ANY_EVENT_TIME } from '../../src/transaction/event-time.ts'
import { sentFieldSql } from '../../src/transaction/prepared-columns.ts'
import type { Label, Transaction } from '../../src/transaction/transaction.ts'
import { databaseIn, type History, type Replayed } from './replay-run.ts'
import { lastDecision, modelOf, testStorage } from './serving-kit.ts'

/**
 * What came of sending every transaction to a server's pipeline and laying the vector that it logged beside
 * the row of the replay.
 */
export interface Comparison {
  readonly transactions: number
  readonly values: number
  readonly labels: number
  /** The first few places where a value is not the same by `Object.is`. Empty is what we promise. */
  readonly differences: readonly string[]
  /** States in the store at the end, and how many of them are byte for byte those of the replay. */
  readonly states: number
  readonly equalStates: number
}

/** A pipeline as `vigia serve` opens it, with the model of `history` and no history of its own. */
export const openPipelineOf = async (folder: string, history: History) => {
  const model = modelOf(history)
  const store = createMemoryStateStore()
  const logged = lastDecision(testStorage())
  const storage = {
    ...logged.storage,
    openStates: async () =>
      ({
        kind: 'owned',
        name: 'memory',
        store: {
          ...store,
          // It outlives the pipeline, which saves into it when it is closed.
          close: async () => {},
          // No receipt expires, and looking for one sorts them all: with a million that takes a second.
          sweepReceipts: async () => undefined,
        },
      }) as const,
  }
  const { settings } = loadServingConfig({ environment: {}, assignments: [], workingDirectory: folder })
  const { pipeline } = await openService({
    settings,
    storage,
    load: async () => model,
    workingDirectory: folder,
    observer: silentObserver,
    world: { now: () => 1.7e12, monotonicMs: () => 0, newId: () => 'abcdef01' },
    work: unwatched(),
    eventTime: ANY_EVENT_TIME,
  })
  return { pipeline, store, model, lastLogged: logged.last }
}

/**
 * Plays the card network: sends each transaction of `history` to the pipeline as it arrives, tells it each
 * label when that becomes known, and compares every value that it logs with the one in the replay's file.
 *
 * `first`: only so many transactions (default: all); then states are not compared.
 */
export const serveHistory = (
  folder: string,
  history: History,
  replayed: Replayed,
  first?: number,
): Promise<Comparison> =>
  withDatabase(databaseIn(folder), async (connection) => {
    const served = join(replayed.folder, 'served')
    const { pipeline, store, model, lastLogged } = await openPipelineOf(served, history)
    const labels = new LabelPost(history.settings.limits.user.labelDelayMs)
    const differences: string[] = []
    let transactions = 0
    const rows = rowsOf(connection, history, replayed.out, model.computed, first)
    for await (const { transaction, isFraud, labelledAtMs, expected } of rows) {
      await labels.deliver(pipeline, transaction.eventTimeMs)
      const { sequence } = await pipeline.predict(transaction, 0)
      const { vector } = lastLogged(sequence)
      for (let f = 0; f < vector.length; f++) {
        if (Object.is(vector[f], expected(f)) || differences.length === 10) continue
        differences.push(
          `${transaction.transactionId}: ${model.computed[f]} served ${vector[f]}, replayed ${expected(f)}`,
        )
      }
      if (isFraud !== null) labels.post(transaction, isFraud === 1, labelledAtMs)
      transactions++
    }
    await pipeline.close()
    rmSync(served, { recursive: true })
    return {
      transactions,
      values: transactions * model.computed.length,
      labels: labels.delivered,
      differences,
      ...(first === undefined ? await compareStates(store, replayed.folder) : { states: 0, equalStates: 0 }),
    }
  })

const compareStates = async (store: StateStore, folder: string) => {
  let states = 0
  let equalStates = 0
  for (const kind of Object.keys(await store.count())) {
    for (const { token, bytes } of readEntries(snapshotFile(folder, kind))) {
      const [stored] = await store.load([{ kind, token }])
      states++
      if (stored !== undefined && Buffer.from(bytes).equals(stateOf(stored.bytes))) equalStates++
    }
  }
  return { states, equalStates }
}

/**
 * Labels on their way, without the code of the rule (`src/replay/label-schedule.ts`). The rule, in full: the
 * clock is the latest event time that has arrived. A label becomes known at `labelled_at`, or at its
 * transaction's time plus the delay; if the clock is already past that when the transaction arrives, then at
 * once. Known labels are delivered before the next transaction, those known first first, equal ones by
 * arrival.
 */
class LabelPost {
  delivered = 0
  private readonly delayMs: number
  private clockMs = Number.NEGATIVE_INFINITY
  /** In the order of delivery, from `next` on. */
  private readonly queue: Label[] = []
  private next = 0

  constructor(delayMs: number) {
    this.delayMs = delayMs
  }

  /** Delivers what is known when a transaction of `eventTimeMs` arrives. */
  async deliver(pipeline: Pick<OpenPipeline, 'applyFeedback'>, eventTimeMs: number): Promise<void> {
    this.clockMs = Math.max(this.clockMs, eventTimeMs)
    for (; this.next < this.queue.length && this.queue[this.next]!.knownAtMs <= this.clockMs; this.next++) {
      await pipeline.applyFeedback(this.queue[this.next]!)
      this.delivered++
    }
  }

  post(transaction: Transaction, isFraud: boolean, labelledAtMs: number | null): void {
    const { transactionId, userId = '', merchantId, deviceId, eventTimeMs } = transaction
    const dueMs = labelledAtMs ?? eventTimeMs + this.delayMs
    const label: Label = {
      transactionId,
      userId,
      ...(merchantId !== undefined && { merchantId }),
      ...(deviceId !== undefined && { deviceId }),
      eventTimeMs,
      isFraud,
      knownAtMs: Math.max(dueMs, this.clockMs),
    }
    let at = this.queue.length
    while (at > this.next && this.queue[at - 1]!.knownAtMs > label.knownAtMs) at--
    this.queue.splice(at, 0, label)
  }
}

/** What a serving request has of a prepared row. */

interface ServedRow {
  readonly transaction: Transaction
  readonly isFraud: number | null
  readonly labelledAtMs: number | null
  /** Value of feature `f` in the replay's file. */
  readonly expected: (f: number) => number
}

/**
 * Rows of the prepared dataset with those of the replay's file beside them: matched by id, in arrival order.
 */
async function* rowsOf(
  connection: DuckDBConnection,
  { prepared, settings }: History,
  features: string,
  names: readonly string[],
  first: number | undefined,
): AsyncGenerator<ServedRow> {
  const attributes = settings.options.attributes.map(({ name }) => name)
  const own = attributes.map((name) => sqlIdentifier(attributeColumn(name)))
  const fields = sentFieldSql({ amounts: settings.amounts, reversals: settings.options.reversals })
  const fieldNames = fields.map(([name]) => name)
  const sent = fields.length + own.length
  const result = await connection.stream(
    `SELECT ${[...fields.map(([, sql]) => sql), ...own].map((column) => `p.${column}`).join(', ')},
            p.is_fraud::DOUBLE, p.labelled_at_ms::DOUBLE, p.transaction_id = f.transaction_id,
            ${names.map((name) => `coalesce(f.${sqlIdentifier(name)}, 'NaN'::DOUBLE)`).join(', ')}
     FROM read_parquet(${sqlLiteral(prepared)}) p POSITIONAL JOIN read_parquet(${sqlLiteral(features)}) f
     ${first === undefined ? '' : `LIMIT ${first}`}`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const columns = Array.from({ length: sent + 3 }, (_, c) => chunk.getColumnVector(c))
    const values = names.map((_, f) => chunk.getColumnVector(sent + 3 + f))
    for (let row = 0; row < chunk.rowCount; row++) {
      const [isFraud, labelledAtMs, isSame] = columns.slice(sent).map((c) => c.getItem(row))
      if (isSame !== true) throw new Error('the rows of the replay are not those of the dataset')
      // As a request has it: what is missing is absent.
      const present = (keys: readonly string[], from: number) =>
        Object.fromEntries(
          keys.map((key, c) => [key, columns[from + c]!.getItem(row)]).filter(([, value]) => value !== null),
        )
      yield {
        transaction: {
          ...present(fieldNames, 0),
          ...(attributes.length > 0 && { attributes: present(attributes, fields.length) }),
        } as Transaction,
        isFraud: isFraud as number | null,
        labelledAtMs: labelledAtMs as number | null,
        expected: (f) => values[f]!.getItem(row) as number,
      }
    }
  }
}
