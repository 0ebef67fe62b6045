import { rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import { planFeatures } from '../features/feature-plan.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { eventShapeOf } from '../features/transaction-event.ts'
import { startWorker } from '../threads/start-worker.ts'
import { byKind, stateKindsOf } from '../transaction/entity-kind.ts'
import { ArrivalReader, profileArrivals } from './arrival-reader.ts'
import type { ReplayCounts } from './entity-shard.ts'
import {
  CONTROL,
  CONTROL_STATE,
  type FeatureWriterData,
  type FromFeatureWriter,
  type FromReplayWorker,
  type ReplayWorkerData,
  type ToReplayWorker,
} from './messages.ts'
import { asReplayError } from './replay-errors.ts'
import {
  discardSnapshot,
  mergeShards,
  publishSnapshot,
  readCarriedTime,
  writeCarriedTime,
} from './shard-files.ts'
import {
  allocateBatch,
  BATCH_ROWS,
  BATCH_SLOTS,
  type BatchShape,
  mapBatch,
  rowsOfBatch,
} from './shared-batch.ts'

export interface ReplayOptions {
  /** Prepared dataset (Parquet, arrival order, unique transaction ids). */
  readonly prepared: string
  /**
   * All that was ever said of the labels of some transactions, as Parquet: transaction_id, is_fraud (missing
   * where it was taken back), known_at_ms, place. It takes the place of what `prepared` has of these.
   */
  readonly labelHistory?: string | undefined
  /** Parquet to write: id, time, user, merchant, label, then one column a feature. */
  readonly out: string
  /**
   * Folder of the states and pending labels to start from, as `statesOut` of an earlier replay left it;
   * without it history is empty.
   */
  readonly statesIn?: string
  /** Existing folder for the final states; without it they are dropped. */
  readonly statesOut?: string
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
  /** Threads that compute features; 0 means one per core. The result does not depend on it. */
  readonly workers: number
  /**
   * Most transactions (and labels) of a batch, 1 to 65,536 (default: 65,536, or fewer where rows are wide).
   * The result does not depend on it.
   */
  readonly batchRows?: number
  readonly work: Work
}

export interface ReplayResult {
  readonly rows: number
  readonly featureNames: readonly string[]
  readonly counts: ReplayCounts
}

/**
 * Replays history through the feature engine: reads a prepared dataset in arrival order, with labels where
 * they become known, and writes all features of every transaction.
 *
 * Read on this thread, computed by `workers` threads, written by one more; batches travel in shared memory,
 * so memory is bounded by the entities, not the rows. The file appears under its name only when it is
 * complete.
 *
 * @throws INTERRUPTED when the work is aborted, DATASET_PREPARED_MISSING, DATASET_FORMAT_BROKEN,
 * DATASET_NOT_WRITABLE, DATASET_NO_SPACE; none of them leaves a file or a thread
 */
export const replay = async (options: ReplayOptions): Promise<ReplayResult> => {
  const { prepared, out, statesIn, statesOut, settings, work } = options
  const { signal } = work
  const plan = planFeatures(settings)
  const kinds = stateKindsOf(settings.options.entities)
  const featureNames = plan.features.map(({ feature }) => feature.name)
  const workers = options.workers === 0 ? availableParallelism() : options.workers
  const unfinished = `${out}.unfinished`
  try {
    const result = await withDatabase(work.database, async (connection, connect) => {
      const labels = await connect()
      const interrupt = (): void => {
        connection.interrupt()
        labels.interrupt()
      }
      signal.addEventListener('abort', interrupt)
      try {
        signal.throwIfAborted()
        const { rows, isDisordered } = await profileArrivals(
          connection,
          prepared,
          settings.options.attributes,
        )
        const reader = await ArrivalReader.open(
          { transactions: connection, labels },
          {
            prepared,
            profile: { rows, isDisordered },
            attributes: settings.options.attributes,
            entities: settings.options.entities,
            reversals: settings.options.reversals,
            labelDelayMs: settings.limits.user.labelDelayMs,
            unlabelled: settings.unlabelled,
            labelHistory: options.labelHistory,
            needsLabels: Object.values(plan.layouts).some(
              (layout) => layout !== undefined && layout.labelField >= 0,
            ),
            carried: statesIn === undefined ? undefined : readCarriedTime(statesIn),
          },
        )
        const crew = new Crew(options, featureNames, workers, unfinished)
        try {
          return { rows, featureNames, counts: await crew.work(reader, rows) }
        } finally {
          await crew.dismiss()
        }
      } finally {
        signal.removeEventListener('abort', interrupt)
        labels.closeSync()
      }
    })
    signal.throwIfAborted()
    await rename(unfinished, out)
    if (statesOut !== undefined) publishSnapshot(statesOut, kinds)
    return result
  } catch (error) {
    if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'computing features' })
    throw asReplayError(error, options)
  } finally {
    await rm(unfinished, { force: true })
    if (statesOut !== undefined) discardSnapshot(statesOut, kinds, workers)
  }
}

/** The threads of one replay and the batches between them. */
class Crew {
  private readonly options: ReplayOptions
  private readonly shape: BatchShape
  private readonly memory: readonly SharedArrayBuffer[]
  private readonly control = new Int32Array(
    new SharedArrayBuffer((CONTROL.rows + BATCH_SLOTS) * Int32Array.BYTES_PER_ELEMENT),
  )
  private readonly computers: readonly Worker[]
  private readonly writer: Worker
  private readonly freeSlots = new Mailbox<number>()
  private readonly computed: Mailbox<number>[]
  private readonly ended: Mailbox<ReplayCounts>
  private readonly written = new Mailbox<undefined>()
  private handedOver = 0

  constructor(options: ReplayOptions, featureNames: readonly string[], workers: number, out: string) {
    this.options = options
    this.shape = { ...eventShapeOf(options.settings.options), features: featureNames.length }
    this.memory = Array.from({ length: BATCH_SLOTS }, () => allocateBatch(this.shape))
    this.computed = this.memory.map(() => new Mailbox<number>())
    this.ended = new Mailbox<ReplayCounts>()
    for (let slot = 0; slot < BATCH_SLOTS; slot++) this.freeSlots.put(slot)
    this.computers = Array.from({ length: workers }, (_, index) => this.startComputer(index, workers))
    this.writer = this.startWriter(featureNames, out)
  }

  /** Reads, has computed and has written every batch in order. */
  async work(reader: ArrivalReader, totalRows: number): Promise<ReplayCounts> {
    const { batchRows = BATCH_ROWS, work } = this.options
    const { signal, reportProgress } = work
    const limit = Math.min(batchRows, rowsOfBatch(this.shape))
    const shared = this.memory.map((memory) => mapBatch(memory, this.shape))
    signal.addEventListener('abort', this.wakeWaiting)
    let done = 0
    let handing: Promise<void> = Promise.resolve()
    for (;;) {
      signal.throwIfAborted()
      const slot = await this.freeSlots.take()
      const { rows, labels } = await reader.fill(shared[slot]!, limit)
      if (rows === 0 && labels === 0) break
      this.tellComputers({ kind: 'batch', slot, rows, labels })
      const before = handing
      handing = this.whenComputed(slot).then(async () => {
        await before
        this.handOver(slot, rows)
        done += rows
        reportProgress({ activity: 'computing features', done, total: totalRows, unit: 'rows' })
      })
      // A failure is met where the crew waits next; without this it would be an unhandled rejection first.
      handing.catch(() => undefined)
    }
    await handing
    Atomics.store(this.control, CONTROL.state, CONTROL_STATE.complete)
    Atomics.notify(this.control, CONTROL.handedOver)
    await this.written.take()
    return this.end(reader)
  }

  /** Stops every thread that still runs. */
  async dismiss(): Promise<void> {
    this.options.work.signal.removeEventListener('abort', this.wakeWaiting)
    Atomics.store(this.control, CONTROL.state, CONTROL_STATE.aborted)
    Atomics.notify(this.control, CONTROL.handedOver)
    await this.writerStopped
    await Promise.all([this.writer, ...this.computers].map((worker) => worker.terminate()))
  }

  /** When the writer has let go of its files: what it says last comes after that. */
  private writerStopped: Promise<void> = Promise.resolve()

  private async end(reader: ArrivalReader): Promise<ReplayCounts> {
    const { statesOut } = this.options
    this.tellComputers(statesOut === undefined ? { kind: 'end' } : { kind: 'end', statesOut })
    const all: ReplayCounts[] = []
    for (const _ of this.computers) all.push(await this.ended.take())
    if (statesOut !== undefined) {
      mergeShards(statesOut, stateKindsOf(this.options.settings.options.entities), this.computers.length)
      writeCarriedTime(statesOut, await reader.end())
    }
    return all.reduce(addCounts)
  }

  private async whenComputed(slot: number): Promise<void> {
    for (const _ of this.computers) await this.computed[slot]!.take()
  }

  private handOver(slot: number, rows: number): void {
    Atomics.store(this.control, CONTROL.rows + slot, rows)
    Atomics.store(this.control, CONTROL.handedOver, ++this.handedOver)
    Atomics.notify(this.control, CONTROL.handedOver)
  }

  private tellComputers(message: ToReplayWorker): void {
    for (const worker of this.computers) worker.postMessage(message)
  }

  private startComputer(index: number, count: number): Worker {
    const { settings, fitted, statesIn } = this.options
    const data: ReplayWorkerData = {
      settings,
      fitted,
      batches: this.memory,
      shape: this.shape,
      index,
      count,
      ...(statesIn === undefined ? {} : { statesIn }),
    }
    const worker = startWorker(new URL('./replay-worker.ts', import.meta.url), data)
    worker.on('message', (message: FromReplayWorker) => {
      if (message.kind === 'computed') this.computed[message.slot]!.put(message.slot)
      else this.ended.put(message.counts)
    })
    worker.on('error', (error) => this.fail(error))
    return worker
  }

  private startWriter(featureNames: readonly string[], out: string): Worker {
    const { work, prepared } = this.options
    const data: FeatureWriterData = {
      prepared,
      out,
      featureNames,
      batches: this.memory,
      shape: this.shape,
      control: this.control.buffer as SharedArrayBuffer,
      threads: work.database.threads,
      memoryLimit: work.database.memoryLimit,
      tempDirectory: work.database.tempDirectory,
    }
    const worker = startWorker(new URL('./feature-writer.ts', import.meta.url), data)
    this.writerStopped = new Promise((resolve) => {
      worker.once('exit', () => resolve())
      worker.on('message', ({ kind }: FromFeatureWriter) => kind === 'free' || resolve())
    })
    worker.on('message', (message: FromFeatureWriter) => {
      if (message.kind === 'free') this.freeSlots.put(message.slot)
      else if (message.kind === 'written') this.written.put(undefined)
      else this.fail(new Error(message.reason))
    })
    worker.on('error', (error) => this.fail(error))
    return worker
  }

  private readonly wakeWaiting = (): void => this.fail(this.options.work.signal.reason)

  private fail(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    for (const mailbox of [this.freeSlots, ...this.computed, this.ended, this.written]) mailbox.fail(error)
  }
}

/** Hands values from event handlers to whoever awaits them, in order. */
class Mailbox<T> {
  private readonly values: T[] = []
  private readonly takers: { resolve: (value: T) => void; reject: (error: Error) => void }[] = []
  private failure: Error | undefined

  put(value: T): void {
    const taker = this.takers.shift()
    if (taker === undefined) this.values.push(value)
    else taker.resolve(value)
  }

  take(): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.values.length > 0) return Promise.resolve(this.values.shift() as T)
    return new Promise((resolve, reject) => this.takers.push({ resolve, reject }))
  }

  /** Everyone who waits, now or later, gets `error`. */
  fail(error: Error): void {
    this.failure = error
    for (const { reject } of this.takers.splice(0)) reject(error)
  }
}

const addCounts = (a: ReplayCounts, b: ReplayCounts): ReplayCounts => ({
  entities: byKind(Object.keys(a.entities), (kind) => a.entities[kind]! + b.entities[kind]!),
  truncated: a.truncated + b.truncated,
  late: a.late + b.late,
  tooLate: a.tooLate + b.tooLate,
})
