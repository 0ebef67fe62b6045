import type { DatabaseSettings } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import { startWorker } from '../../threads/start-worker.ts'
import type { ModelDocument } from './model-document.ts'
import type { ArchivedSegment, PredictionArchiveOptions } from './prediction-archive.ts'

export interface ArchiveThreadData {
  readonly folder: string
  readonly database: DatabaseSettings
}

export type ToArchiveThread =
  | { readonly kind: 'write'; readonly segment: string }
  | { readonly kind: 'records'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'end' }
  /** The document, or why there is none. */
  | { readonly kind: 'described'; readonly document: ModelDocument | string }

export type FromArchiveThread =
  | { readonly kind: 'more' }
  | { readonly kind: 'model'; readonly key: string }
  | { readonly kind: 'written'; readonly written: ArchivedSegment }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Writes segments of the log to the archive, in a thread of its own: it takes half as long as deciding did.
 */
export interface ArchiveThread {
  write(segment: string, records: AsyncIterable<LogRecord>): Promise<ArchivedSegment>
  close(): Promise<void>
}

/** It stands beside a server: a small nursery, and an error instead of memory without end. */
const LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 128 }
/** Records handed over at a time. */
const BATCH_RECORDS = 256

/** The thread ends with `close`. */
export const startArchiveThread = ({
  folder,
  database,
  modelOf,
}: PredictionArchiveOptions): ArchiveThread => {
  const data: ArchiveThreadData = { folder, database }
  const worker = startWorker(new URL('./archive-worker.ts', import.meta.url), data, LIMITS)
  const tell = (message: ToArchiveThread): void => worker.postMessage(message)
  /** What the segment at hand does with a message, and with the end of the thread. */
  let heard: (message: FromArchiveThread) => void = () => undefined
  let failed: (reason: unknown) => void = () => undefined
  // For all segments: a worker whose last listener is taken away hears nothing any more.
  worker.on('message', (message: FromArchiveThread) => heard(message))
  worker.on('error', (error) => failed(error))
  worker.on('exit', (code) => failed(`the thread of the archive ended with ${code}`))
  const asError = (reason: unknown): Error =>
    reason instanceof VigiaError
      ? reason
      : new VigiaError('SERVING_LOG_FAILED', {
          folder,
          reason: reason instanceof Error ? reason.message : String(reason),
        })
  return {
    write: (segment, records) =>
      new Promise((resolve, reject) => {
        const source = records[Symbol.asyncIterator]()
        failed = (reason) => reject(asError(reason))
        const sendBatch = async (): Promise<void> => {
          const batch: LogRecord[] = []
          while (batch.length < BATCH_RECORDS) {
            const next = await source.next()
            if (next.done === true) break
            batch.push(next.value)
          }
          tell(batch.length === 0 ? { kind: 'end' } : { kind: 'records', records: batch })
        }
        const describe = async (key: string): Promise<void> => {
          const document = await modelOf(key).catch((error: unknown) => String(error))
          tell({ kind: 'described', document })
        }
        heard = (message) => {
          if (message.kind === 'more') sendBatch().catch(failed)
          else if (message.kind === 'model') void describe(message.key)
          else if (message.kind === 'failed') failed(message.reason)
          else resolve(message.written)
        }
        tell({ kind: 'write', segment })
      }),
    close: async () => {
      await worker.terminate()
    },
  }
}
