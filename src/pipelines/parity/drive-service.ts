import { loadServingConfig } from '../../config/config-manager.ts'
import type { InferenceObserver } from '../../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import type { OpenPipeline } from '../../decisions/open-pipeline.ts'
import type { LoadServedTable } from '../../decisions/tables/load-served-table.ts'
import { warningsOnly } from '../../decisions/warnings-only.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import { isLabelDue } from '../../replay/label-schedule.ts'
import { ANY_EVENT_TIME } from '../../transaction/event-time.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { openService, type ServiceOptions } from '../service/open-service.ts'
import type { ServingStorage } from '../service/serving-storage.ts'
import type { LabelToDeliver } from './served-rows.ts'

export interface DriveOptions {
  /**
   * Folder of the service: it begins with the states in `states/` where there are some, and keeps its own in
   * `.vigia/` as a server that was started here would.
   */
  readonly folder: string
  readonly model: LoadedModel
  readonly storage: ServingStorage
  readonly world: World
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
  /** Reads the tables that transactions are looked up in; from their own files when left out. */
  readonly loadTable?: LoadServedTable
  readonly requests: AsyncIterable<Transaction>
  /** How many requests there are. */
  readonly count: number
  /** Transactions and latest event time before the first request; 0 and -Infinity without any. */
  readonly before: { readonly arrived: number; readonly clockMs: number }
  /** In the order of their delivery. */
  readonly labels: AsyncIterator<LabelToDeliver>
}

/** What a service showed of itself while it was driven. */
export interface Driven {
  /** Milliseconds from each call of `predict` to its answer, in the order of the calls. */
  readonly latencies: readonly number[]
  /** Features that came out otherwise when the service replayed its log, one entry a value. */
  readonly replayedOtherwise: readonly string[]
  /** Labels that it was told and that were news to it: those that its log must have. */
  readonly labels: number
  /** Folder of the service's log, which has all decisions and labels. */
  readonly log: string
}

/** Share of the users for whom the same model decides as a canary: either way to a decision is gone. */
const CANARY_SHARE = 0.5
/** Decisions before a kill that are asked for again after it, as by clients who got no answer. */
const ASKED_AGAIN = 100

/**
 * Plays the card network to a service that is opened as `vigia serve` opens one: by the settings' defaults,
 * so with cleaning, states on disk, receipts, a log as durable as a server's, and a canary.
 *
 * 1. A quarter of the requests; then the log is saved as Parquet, which saves all states first.
 * 2. A quarter; then the service is killed: what it has not saved is gone.
 * 3. It opens again from store and log, answers the last requests once more, then the other half, and is
 *    closed.
 *
 * @throws the errors of `openService` and `predict`, INTERRUPTED; the service is closed before
 */
export const driveService = async (options: DriveOptions): Promise<Driven> => {
  const replayedOtherwise: string[] = []
  const storage = mortal(options.storage)
  const { settings } = loadServingConfig({
    environment: {},
    assignments: [`model.canary=${CANARY}`, `model.canary_share=${CANARY_SHARE}`],
    workingDirectory: options.folder,
  })
  const serviceOptions: ServiceOptions = {
    settings,
    storage,
    load: async () => options.model,
    workingDirectory: options.folder,
    observer: watching(replayedOtherwise),
    world: options.world,
    work: options.work,
    // The past is driven through it.
    eventTime: ANY_EVENT_TIME,
    ...(options.loadTable !== undefined && { loadTable: options.loadTable }),
  }
  const requests = options.requests[Symbol.asyncIterator]()
  const sender = createSender(options, requests)
  let { pipeline } = await openService(serviceOptions)
  try {
    const quarter = Math.floor(options.count / 4)
    await sender.send(pipeline, quarter)
    await pipeline.saveLogs()
    const answered = await sender.send(pipeline, Math.floor(options.count / 2) - quarter)
    await storage.kill(pipeline)
    ;({ pipeline } = await openService(serviceOptions))
    for (const transaction of answered.slice(-ASKED_AGAIN)) await pipeline.predict(transaction, 0)
    await sender.send(pipeline, Number.POSITIVE_INFINITY)
  } catch (error) {
    await pipeline.close().catch(() => undefined)
    throw error
  } finally {
    await requests.return?.()
    await options.labels.return?.()
  }
  await pipeline.close()
  const { latencies, labels } = sender.told()
  return { latencies, labels, replayedOtherwise, log: settings.prediction_log.path }
}

/** Any name: `load` gives the same model for every one. */
const CANARY = 'canary'

/** Only what a replay of the log finds is no error that somebody is told by an answer. */
const watching = (replayedOtherwise: string[]): InferenceObserver =>
  warningsOnly((code, { feature }) => {
    if (code === 'SERVING_REPLAY_DIFFERS') replayedOtherwise.push(String(feature))
  })

interface Sender {
  /** Sends up to `most` requests, labels where they are due. @returns those that were answered */
  send(pipeline: OpenPipeline, most: number): Promise<readonly Transaction[]>
  told(): Pick<Driven, 'latencies' | 'labels'>
}

const createSender = (
  { labels, before, world, work, count }: DriveOptions,
  requests: AsyncIterator<Transaction>,
): Sender => {
  let { arrived, clockMs } = before
  let label: IteratorResult<LabelToDeliver> | undefined
  let labelled = 0
  const latencies: number[] = []
  const deliverLabels = async (pipeline: OpenPipeline): Promise<void> => {
    label ??= await labels.next()
    while (label.done !== true && isLabelDue(label.value, clockMs, arrived)) {
      const { transactionId, isFraud } = label.value.feedback
      // Whose a transaction was that was decided on here, the service knows: from its receipt.
      const outcome = await pipeline.applyFeedback({ transactionId, isFraud })
      if (outcome !== 'unchanged') labelled++
      label = await labels.next()
    }
  }
  const send: Sender['send'] = async (pipeline, most) => {
    const answered: Transaction[] = []
    for (let left = most; left > 0; left--) {
      const next = await requests.next()
      if (next.done === true) break
      const transaction = next.value
      work.signal.throwIfAborted()
      clockMs = Math.max(clockMs, transaction.eventTimeMs)
      await deliverLabels(pipeline)
      const started = world.monotonicMs()
      const isAnswered = await isDecided(pipeline, transaction)
      latencies.push(world.monotonicMs() - started)
      if (isAnswered) answered.push(transaction)
      arrived++
      const done = latencies.length
      if (done % 500 === 0)
        work.reportProgress({ activity: 'serving', done, total: count, unit: 'transactions' })
    }
    return answered
  }
  return { send, told: () => ({ latencies, labels: labelled }) }
}

/**
 * False where the states say that it was part of their history: then the log does not have it, and that is
 * counted.
 */
const isDecided = async (pipeline: OpenPipeline, transaction: Transaction): Promise<boolean> => {
  try {
    await pipeline.predict(transaction, 0)
    return true
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'SERVING_TRANSACTION_KNOWN') return false
    throw error
  }
}

/** Storage of a service that can be killed. */
interface MortalStorage extends ServingStorage {
  /** Ends the service as `kill -9` does: its log has everything, and nothing more comes into its store. */
  kill(pipeline: OpenPipeline): Promise<void>
}

const mortal = (storage: ServingStorage): MortalStorage => {
  const killed = new Error('the service was killed')
  let isKilled = false
  return {
    openLog: storage.openLog,
    readLog: storage.readLog,
    lost: storage.lost,
    watchLog: storage.watchLog,
    openStates: async (settings) => {
      isKilled = false
      const opened = await storage.openStates(settings)
      if (opened.kind === 'shared') return opened
      const { store } = opened
      const save: typeof store.save = (...batch) => (isKilled ? Promise.reject(killed) : store.save(...batch))
      return { ...opened, store: { ...store, save } }
    },
    kill: async (pipeline) => {
      isKilled = true
      await pipeline.close().catch((error: unknown) => {
        if (error !== killed) throw error
      })
    },
  }
}
