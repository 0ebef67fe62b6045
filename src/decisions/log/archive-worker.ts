import { parentPort, workerData } from 'node:worker_threads'
import type { LogRecord } from '../../ports/prediction-log.ts'
import type { ArchiveThreadData, FromArchiveThread, ToArchiveThread } from './archive-thread.ts'
import type { ModelDocument } from './model-document.ts'
import { createPredictionArchive } from './prediction-archive.ts'
import { readShadowAnswers } from './shadow-answers.ts'

/**
 * Writes segments to Parquet beside the thread that decides: records come in batches, and each batch is asked
 * for.
 */
const { folder, database } = workerData as ArchiveThreadData
const tell = (message: FromArchiveThread): void => parentPort?.postMessage(message)

let received: (batch: readonly LogRecord[] | undefined) => void = () => undefined
let described: (document: ModelDocument | string) => void = () => undefined

const modelOf = async (key: string): Promise<ModelDocument> => {
  tell({ kind: 'model', key })
  const document = await new Promise<ModelDocument | string>((resolve) => {
    described = resolve
  })
  if (typeof document === 'string') throw new Error(document)
  return document
}
const known = new Map<string, Promise<ModelDocument>>()
const archive = createPredictionArchive({
  folder,
  database,
  modelOf: (key) => {
    const asked = known.get(key) ?? modelOf(key)
    known.set(key, asked)
    return asked
  },
  // The archive lies in the folder of its log.
  shadowsOf: (segment) => readShadowAnswers(folder, segment),
})

async function* records(): AsyncGenerator<LogRecord> {
  for (;;) {
    tell({ kind: 'more' })
    const batch = await new Promise<readonly LogRecord[] | undefined>((resolve) => {
      received = resolve
    })
    if (batch === undefined) return
    yield* batch
  }
}

parentPort?.on('message', (message: ToArchiveThread) => {
  if (message.kind === 'records') received(message.records)
  else if (message.kind === 'end') received(undefined)
  else if (message.kind === 'described') described(message.document)
  else
    archive.write(message.segment, records()).then(
      (written) => tell({ kind: 'written', written }),
      (error: unknown) =>
        tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
    )
})
