import type { InferencePipeline } from '../decisions/inference-pipeline.ts'
import { VigiaError } from '../errors.ts'
import { openRowMapper, type RowMapper } from '../mapping/row-mapper.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type RequestCounts, tellSeconds } from './read-transaction.ts'

/** Reads rows of the bank's own tables, as the models in service map them. */
export interface SourceRows {
  /**
   * @param row of JSON that `quoteNumbers` has prepared
   * @throws REQUEST_TRANSACTION_INVALID; SERVING_MAPPING_MISSING, SERVING_MAPPINGS_DIFFER,
   * SERVING_MAPPING_REFUSED where the models in service cannot be sent rows
   */
  read(row: unknown): Promise<Transaction>
  close(): void
}

/** A mapper, from when it is asked for until models with another mapping are in service. */
interface Opened {
  readonly mapping: SourceMapping
  readonly shape: TransactionShape
  readonly mapper: Promise<RowMapper>
  /** Rows that it works on. */
  rows: number
  isRetired: boolean
}

/** The mapper opens with the first row: a service that is sent none needs no database. */
export const createSourceRows = (
  pipeline: Pick<InferencePipeline, 'mapping' | 'shape'>,
  observer: RequestCounts['observer'],
): SourceRows => {
  let current: Opened | undefined

  const retire = (opened: Opened): void => {
    opened.isRetired = true
    if (opened.rows === 0) void opened.mapper.then((mapper) => mapper.close()).catch(() => undefined)
  }
  const open = (): Opened => {
    const served = pipeline.mapping
    if ('refusal' in served) throw served.refusal
    const { mapping } = served
    const { shape } = pipeline
    if (current?.mapping === mapping && current.shape === shape) return current
    if (current !== undefined) retire(current)
    const mapper = openRowMapper(mapping, shape).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw new VigiaError('SERVING_MAPPING_REFUSED', { reason }, { cause: error })
    })
    current = { mapping, shape, mapper, rows: 0, isRetired: false }
    return current
  }

  return {
    read: async (row) => {
      const opened = open()
      opened.rows++
      try {
        return await (await opened.mapper).map(row)
      } catch (error) {
        throw tellSeconds(error, observer)
      } finally {
        opened.rows--
        if (opened.isRetired) retire(opened)
      }
    },
    close: () => {
      if (current !== undefined) retire(current)
    },
  }
}
