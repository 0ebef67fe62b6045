import { parentPort, workerData } from 'node:worker_threads'
import { DOUBLE, DuckDBTableFunction } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import { withOneNaN } from '../foundation/one-nan.ts'
import { CONTROL, CONTROL_STATE, type FeatureWriterData, type FromFeatureWriter } from './messages.ts'
import { BATCH_SLOTS, mapBatch } from './shared-batch.ts'

/** Rows of one DuckDB vector. */
const CHUNK_ROWS = 2048
/**
 * Rows turned into columns at a time: few enough to stay in the first cache while every column takes its
 * part.
 */
const TILE_ROWS = 32

/**
 * Writes the file of features: DuckDB reads the prepared dataset again, puts our columns beside its own, and
 * encodes Parquet. Our columns come out of a table function, chunk by chunk; while no batch is ready, this
 * thread blocks. Both sides stand in arrival order, and the row numbers of both are compared on every row.
 */
const data = workerData as FeatureWriterData
const control = new Int32Array(data.control)
const shared = data.batches.map((memory) => mapBatch(memory, data.shape))
const answer = (message: FromFeatureWriter): void => parentPort?.postMessage(message)

const width = data.featureNames.length
let batch = 0
let row = 0
let arrival = 0
let failure: string | undefined

/** Waits for the next rows; false when there are no more. */
const awaitRows = (): boolean => {
  for (;;) {
    const slot = batch % BATCH_SLOTS
    const handedOver = Atomics.load(control, CONTROL.handedOver)
    if (batch < handedOver) {
      if (row < Atomics.load(control, CONTROL.rows + slot)) return true
      answer({ kind: 'free', slot })
      batch++
      row = 0
      continue
    }
    const state = Atomics.load(control, CONTROL.state)
    if (state === CONTROL_STATE.complete && batch === Atomics.load(control, CONTROL.handedOver)) return false
    if (state === CONTROL_STATE.aborted) throw new Error('the replay was stopped')
    Atomics.wait(control, CONTROL.handedOver, handedOver, 1000)
  }
}

const features = DuckDBTableFunction.create({
  name: 'created_features',
  bindFunction(bind) {
    bind.addResultColumn('row_of_replay', DOUBLE)
    for (const name of data.featureNames) bind.addResultColumn(name, DOUBLE)
  },
  initFunction: (init) => init.setMaxThreads(1),
  mainFunction(info, chunk) {
    try {
      chunk.rowCount = CHUNK_ROWS
      const numbers = column(chunk.getColumnVector(0))
      const targets = data.featureNames.map((_, f) => column(chunk.getColumnVector(f + 1)))
      let filled = 0
      // Chunks are filled across batches: row groups, and so the bytes of the file, do not depend on where
      // batches end.
      while (filled < CHUNK_ROWS && awaitRows()) {
        const slot = batch % BATCH_SLOTS
        const count = Math.min(CHUNK_ROWS - filled, Atomics.load(control, CONTROL.rows + slot) - row)
        const { vectors } = shared[slot]!
        for (let i = 0; i < count; i++) numbers.items[filled + i] = arrival + i
        for (let from = 0; from < count; from += TILE_ROWS) {
          const to = Math.min(from + TILE_ROWS, count)
          for (let f = 0; f < width; f++) {
            const { items } = targets[f]!
            for (let i = from, at = (row + from) * width + f; i < to; i++, at += width)
              items[filled + i] = vectors[at]!
          }
        }
        row += count
        arrival += count
        filled += count
      }
      numbers.flush()
      for (const target of targets) {
        withOneNaN(target.items)
        target.flush()
      }
      chunk.rowCount = filled
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
      info.setError(failure)
    }
  },
})

/** What a DOUBLE vector offers for writing. */
const column = (vector: unknown): { readonly items: Float64Array; flush(): void } =>
  vector as { readonly items: Float64Array; flush(): void }

const names = data.featureNames.map((name) => `f.${sqlIdentifier(name)}`).join(', ')

try {
  await withDatabase(
    { threads: data.threads, memoryLimit: data.memoryLimit, tempDirectory: data.tempDirectory },
    async (connection) => {
      connection.registerTableFunction(features)
      await connection.run(
        `COPY (
           SELECT p.transaction_id, p.event_time_ms, p.user_id, p.merchant_id,
                  CASE WHEN p.arrival = f.row_of_replay THEN p.is_fraud
                       ELSE error('features and transactions are out of step') END AS is_fraud,
                  p.labelled_at_ms, ${names}
           FROM read_parquet(${sqlLiteral(data.prepared)}) p POSITIONAL JOIN created_features() f
         ) TO ${sqlLiteral(data.out)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)`,
      )
    },
  )
  answer({ kind: 'written' })
} catch (error) {
  answer({ kind: 'failed', reason: failure ?? (error instanceof Error ? error.message : String(error)) })
}
