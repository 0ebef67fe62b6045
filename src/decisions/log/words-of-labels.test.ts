import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../../adapters/segments/segment-files.ts'
import { SourceSchema, type SourceSettings } from '../../config/sections/source.ts'
import { readSource } from '../../dataset/read-source.ts'
import { sourceOfLog } from '../../dataset/source-of-log.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatchedWork } from '../../disk/work.ts'
import { DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import { openInferencePipeline } from '../open-pipeline.ts'
import { exportLog } from './export-log.ts'

const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }
const WORK = unwatchedWork(DATABASE)
const AT_MS = Date.UTC(2026, 0, 5)
const PAYMENTS = 12

/** What a bank says after which payment, and of which one; null: nobody knows any more. */
const WORDS: readonly (readonly [after: number, of: number, isFraud: boolean | null])[] = [
  [1, 0, true],
  [2, 1, false],
  [4, 0, false],
  [5, 2, true],
  [6, 2, null],
  [7, 3, true],
  [8, 3, null],
  [9, 3, true],
  [10, 0, true],
]

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

test('a file of all that was said of labels is what a log has of the same: corrections, and what was taken back', async () => {
  const log = join(folder, 'log')
  await serve(log)
  const exported = await exportLog({
    folders: [log],
    openLog: openLogReader,
    workFolder: folder,
    work: WORK,
    amounts: DEFAULT_AMOUNTS,
    transactions: join(folder, 'log.jsonl'),
    labels: join(folder, 'log labels.jsonl'),
  })
  const files = { transactions: join(folder, 'log.jsonl'), labels: join(folder, 'log labels.jsonl') }
  const settings = Value.Default(SourceSchema, {}) as SourceSettings
  const ofLog = await read('of log', sourceOfLog(settings, files, exported.names))

  // As a bank exports it: payments without labels, and a table with a row a word.
  const payments = Array.from({ length: PAYMENTS }, (_, n) => `t${n},u${n % 3},shop,d1,${timeOf(n)},${n + 1}`)
  const words = WORDS.map(([after, of, isFraud]) => `t${of},${said(isFraud)},${timeOf(after, 1)}`)
  const [bank, table] = [join(folder, 'bank.csv'), join(folder, 'chargebacks.csv')]
  const header = 'transaction_id,user_id,merchant_id,device_id,timestamp,amount'
  writeFileSync(bank, [header, ...payments, ''].join('\n'))
  writeFileSync(table, ['txn,verdict,reported_on', ...words, ''].join('\n'))
  const labels = { path: table, transaction_id: 'txn', is_fraud: 'verdict', known_at: 'reported_on' }
  const missing = { is_fraud: '', labelled_at: '' }
  const given = { ...sourceOfLog(settings, files, exported.names), path: bank, format: 'csv', labels }
  const ofFile = await read('of file', {
    ...given,
    fields: { ...given.fields, ...missing },
  } as SourceSettings)

  expect(await rowsOf(ofFile.labels)).toHaveLength(WORDS.length)
  expect(await rowsOf(ofFile.labels)).toEqual(await rowsOf(ofLog.labels))
  expect(await rowsOf(ofFile.prepared)).toHaveLength(PAYMENTS)
  expect(await rowsOf(ofFile.prepared)).toEqual(await rowsOf(ofLog.prepared))
})

const timeOf = (n: number, laterMs = 0): string => new Date(AT_MS + n * 60_000 + laterMs).toISOString()

const said = (isFraud: boolean | null): string => (isFraud === null ? '' : String(Number(isFraud)))

/** A service that decides on the payments, and is told the words where they come. */
const serve = async (log: string): Promise<void> => {
  const pipeline = await openInferencePipeline({
    models: { champion: testModel() },
    tables: noTables(),
    observer: silentObserver,
    archive: log,
    database: DATABASE,
    log: await openTestLog(log),
    states: { kind: 'owned', name: 'memory', store: createMemoryStateStore() },
    settings: TEST_SETTINGS,
    world: TEST_WORLD,
  })
  for (let n = 0; n < PAYMENTS; n++) {
    await pipeline.predict(
      {
        transactionId: `t${n}`,
        userId: `u${n % 3}`,
        merchantId: 'shop',
        deviceId: 'd1',
        eventTimeMs: AT_MS + n * 60_000,
        amountMinor: 100 * (n + 1),
      },
      0,
    )
    for (const [after, of, isFraud] of WORDS)
      if (after === n) await pipeline.applyFeedback({ transactionId: `t${of}`, isFraud })
  }
  await pipeline.close()
}

const read = async (name: string, source: SourceSettings) => {
  const [prepared, labels] = [join(folder, `${name}.parquet`), join(folder, `${name} labels.parquet`)]
  const outputs = {
    preparedPath: prepared,
    labelsPath: labels,
    quarantinePath: join(folder, `${name}.jsonl`),
  }
  const done = await withDatabase(DATABASE, (connection) =>
    readSource(connection, source, outputs, {
      workingDirectory: folder,
      work: WORK,
      labelDelayMs: 30_000,
      amounts: DEFAULT_AMOUNTS,
    }),
  )
  expect(done.quarantinedRows).toBe(0)
  return { prepared, labels }
}

/** All columns but those that say in which file and row something stood. */
const rowsOf = (path: string): Promise<unknown[][]> =>
  withDatabase(DATABASE, async (connection) => {
    const from = `read_parquet(${sqlLiteral(path)})`
    const columns = (await connection.runAndReadAll(`DESCRIBE FROM ${from}`))
      .getRows()
      .map(([name]) => String(name))
      .filter((name) => !name.startsWith('source_'))
    const order = columns.includes('arrival') ? 'arrival' : 'place'
    const text = `SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM ${from} ORDER BY ${order}`
    return (await connection.runAndReadAll(text)).getRowsJson() as unknown[][]
  })
