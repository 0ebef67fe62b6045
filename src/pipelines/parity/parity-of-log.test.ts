import { mkdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../../adapters/segments/segment-files.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../../decisions/inference.test-kit.ts'
import { decodeLogEntry, encodeEntry, type LogEntry } from '../../decisions/log/log-record.ts'
import { writeModelDocument } from '../../decisions/log/model-document.ts'
import { type OpenPipeline, openInferencePipeline } from '../../decisions/open-pipeline.ts'
import { unwatchedWork } from '../../disk/work.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { type ModelParity, parityOfLog } from './parity-of-log.ts'
import { isParity } from './parity-report.ts'

const CHAMPION = testModel('champion')
const COUNT = CHAMPION.computed.indexOf('user_tx_count_60s')

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

test('what was served is what a replay gives: in segments, in the archive, over labels, and with a second model', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 30)
  await pipeline.saveLogs()
  await pipeline.useModels({ champion: CHAMPION, canary: { model: testModel('canary', 2), share: 0.5 } })
  await send(pipeline, 30, 60)
  const compared = await compare(folder)
  const rows = Object.fromEntries(compared.map(({ model, report }) => [model.name, report.rows]))
  expect(rows['champion']! + rows['canary']!).toBe(60)
  expect(rows['canary']).toBeGreaterThan(5)
  for (const { report } of compared) {
    expect(report).toMatchObject({ differing: [], missing: 0, extra: 0, identity: CHAMPION.identity })
    expect(report.values).toBe(report.rows * CHAMPION.computed.length)
    expect(isParity(report)).toBe(true)
  }
  await pipeline.close()
})

test('a value that differs is counted with its feature and distance, a second decision on a transaction as extra', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 20)
  await pipeline.close()
  const entries = await entriesOf(folder)
  const decisions = entries.filter((entry) => entry.kind === 'decision')
  const again: LogEntry = { ...decisions[19]!, sequence: entries.length + 1 }
  const strange = await altered(`${folder}/altered`, [...entries, again], (entry) => {
    if (entry === decisions[2]) entry.vector[COUNT] = entry.vector[COUNT]! + 3
    if (entry === decisions[4]) entry.vector[COUNT] = entry.vector[COUNT]! + 1
    return entry
  })
  const [{ report }] = (await compare(strange)) as [ModelParity]
  expect(report.differing).toEqual([{ feature: 'user_tx_count_60s', count: 2, largest: 3 }])
  expect(report).toMatchObject({ rows: 20, missing: 0, extra: 1 })
  expect(isParity(report)).toBe(false)
})

test('a lost record is missing, and what the states had learnt from it differs', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 20)
  await pipeline.close()
  const entries = await entriesOf(folder)
  const label = entries.findIndex(({ kind }) => kind === 'label')
  const lossy = await altered(`${folder}/lossy`, entries, (entry) =>
    entry === entries[label] ? undefined : entry,
  )
  const [{ report }] = (await compare(lossy)) as [ModelParity]
  expect(report.missing).toBe(1)
  expect(report.differing.map(({ feature }) => feature)).toContain('merchant_labelled_count_60s')
})

test('a log whose beginning is gone is refused', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 5)
  await pipeline.close()
  const entries = await entriesOf(folder)
  const cut = await altered(`${folder}/cut`, entries, (entry) => (entry.sequence === 1 ? undefined : entry))
  await expect(compare(cut)).rejects.toMatchObject({ code: 'SERVING_LOG_INCOMPLETE' })
})

test('two logs of servers that shared their states are read as one, a record in both once', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 20)
  await pipeline.close()
  const entries = await entriesOf(folder)
  const label = entries.find(({ kind }) => kind === 'label')!
  const inBoth = [label.sequence, label.sequence + 1, 5]
  expect(new Set(inBoth.map((sequence) => entries[sequence - 1]!.kind)).size).toBe(2)
  const even = await altered(`${folder}/even`, entries, (entry) =>
    entry.sequence % 2 === 0 || inBoth.includes(entry.sequence) ? entry : undefined,
  )
  const odd = await altered(`${folder}/odd`, entries, (entry) =>
    entry.sequence % 2 === 1 || inBoth.includes(entry.sequence) ? entry : undefined,
  )
  const [compared] = await compare(even, odd)
  expect(compared!.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
})

test('a number that was given to two records is counted as extra', async () => {
  const pipeline = await serve(folder)
  await send(pipeline, 0, 20)
  await pipeline.close()
  const entries = await entriesOf(folder)
  const first = await altered(`${folder}/first`, entries, (entry) =>
    entry.sequence <= entries.length - 1 ? entry : undefined,
  )
  // As after a Redis that forgot its last entry, which had been moved to a log, and decided on the next
  // transaction.
  const second = await altered(`${folder}/second`, entries, (entry) =>
    entry.sequence === entries.length ? { ...entry, sequence: entries.length - 1 } : undefined,
  )
  const [compared] = await compare(first, second)
  expect(compared!.report).toMatchObject({ missing: 0, extra: 1 })
  expect(isParity(compared!.report)).toBe(false)
})

const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 5}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: 1e12 + n * 4000,
  amountMinor: 100 + n,
})

/** Sends transactions, and labels of those ten before. */
const send = async (pipeline: OpenPipeline, from: number, to: number): Promise<void> => {
  for (let n = from; n < to; n++) {
    await pipeline.predict(payment(n), 0)
    if (n >= 10 && n % 2 === 0)
      await pipeline.applyFeedback({ transactionId: `t${n - 10}`, isFraud: n % 4 === 0 })
  }
}

const database = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

const serve = async (logFolder: string): Promise<OpenPipeline> =>
  openInferencePipeline({
    models: { champion: CHAMPION },
    tables: noTables(),
    observer: silentObserver,
    log: await openTestLog(logFolder),
    archive: logFolder,
    states: { kind: 'owned', name: 'memory', store: createMemoryStateStore() },
    settings: TEST_SETTINGS,
    database,
    world: { ...TEST_WORLD, now: () => 1.7e12 },
  })

const compare = (...folders: readonly string[]) =>
  parityOfLog({
    folders,
    openLog: openLogReader,
    workFolder: folder,
    work: unwatchedWork(database),
  })

const entriesOf = async (logFolder: string): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for await (const { payload } of openLogReader(logFolder).read(0)) entries.push(decodeLogEntry(payload)!)
  return entries
}

/** A log of the entries that `change` gives back. */
const altered = async (
  logFolder: string,
  entries: readonly LogEntry[],
  change: (entry: LogEntry) => LogEntry | undefined,
): Promise<string> => {
  mkdirSync(logFolder)
  const log = await openTestLog(logFolder)
  await writeModelDocument(log, CHAMPION)
  let own = 0
  for (const entry of entries) {
    const kept = change(entry)
    if (kept === undefined) continue
    await log.append(++own, encodeEntry(kept))
  }
  await log.close()
  return logFolder
}
