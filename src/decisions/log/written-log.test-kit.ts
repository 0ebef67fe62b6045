import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { DecisionEntry } from '../decided.ts'
import { openTestLog, testModel } from '../inference.test-kit.ts'
import { appendCatalog } from './archive-catalog.ts'
import { encodeDecision } from './log-record.ts'
import { documentOf } from './model-document.ts'
import { createPredictionArchive } from './prediction-archive.ts'

/** A log of a test, with decisions that nobody made. */
export interface WrittenLog {
  readonly folder: string
  readonly log: PredictionLog
  /** Writes decisions of these numbers on transactions `t1`, `t2`, … */
  append(...numbers: number[]): Promise<void>
  /** Writes one of this number on another transaction. */
  appendOf(number: number, transactionId: string): Promise<void>
  /** Makes Parquet of a segment, and removes it. */
  archive(segment: string, isCatalogued?: boolean): Promise<void>
  remove(): Promise<void>
}

const MODEL = testModel('champion')
export const LOG_DATABASE = {
  threads: 1,
  memoryLimit: '256MB',
  tempDirectory: join(tmpdir(), 'vigia-log-spill'),
}

/** An empty log whose segments have two records. */
export const writtenLog = async (): Promise<WrittenLog> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-log-'))
  const log = await openTestLog(folder, 2 * encodeDecision(1, decisionOn('t1'), FEATURES).length)
  await log.writeDocument(`model-${MODEL.key}`, JSON.stringify(documentOf(MODEL)))
  const appendOf = async (n: number, transactionId: string): Promise<void> => {
    await log.append(n, encodeDecision(n, decisionOn(transactionId), FEATURES))
  }
  return {
    folder,
    log,
    appendOf,
    append: async (...numbers) => {
      for (const n of numbers) await appendOf(n, `t${n}`)
    },
    archive: async (segment, isCatalogued = true) => {
      const { firstSequence, lastSequence, records, catalogued } = await createPredictionArchive({
        folder,
        database: LOG_DATABASE,
        modelOf: async () => documentOf(MODEL),
      }).write(segment, log.readSegment(segment))
      const name = segment.slice(0, -4)
      const entry = { segment: name, first: firstSequence, last: lastSequence, records, files: catalogued }
      if (isCatalogued) await appendCatalog(folder, [entry])
      await log.remove([segment])
    },
    remove: async () => {
      await log.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const FEATURES = new Float64Array(MODEL.computed.length)

const decisionOn = (transactionId: string): DecisionEntry =>
  ({
    transaction: { transactionId, userId: 'ada', eventTimeMs: 1e12, amountMinor: 100 },
    decidedAtMs: 1e12,
    probability: 0.5,
    isFlagged: false,
    riskLevel: 'low',
    threshold: 0.5,
    model: MODEL.key,
    role: 'champion',
    timing: undefined,
    latencyMs: 1,
    shadow: undefined,
  }) as DecisionEntry
