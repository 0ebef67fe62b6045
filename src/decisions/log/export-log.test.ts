import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { labelledAt } from '../../../test/parity/histories.ts'
import { databaseIn, type History, replayInto } from '../../../test/parity/replay-run.ts'
import { testStorage } from '../../../test/parity/serving-kit.ts'
import { SourceSchema, type SourceSettings } from '../../config/sections/source.ts'
import { readSource } from '../../dataset/read-source.ts'
import { sourceOfLog } from '../../dataset/source-of-log.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatchedWork } from '../../disk/work.ts'
import { createServedBank, type ServedBank } from '../../pipelines/parity/served-bank.test-kit.ts'
import { readLabels, readRequests } from '../../pipelines/parity/served-rows.ts'
import { isLabelDue } from '../../replay/label-schedule.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { writeRequest } from '../../transaction/write-request.ts'
import { exportLog } from './export-log.ts'

let served: ServedBank
beforeAll(async () => {
  served = await createServedBank()
})
afterAll(() => served?.remove())

test('a log is a source: the transactions in order, and labels where the service learnt them; its features are those of the same rows', async () => {
  const { folder } = served
  const at = (name: string): string => join(folder, name)
  const hours = 'event_time_ms + (1 + hash(transaction_id) % 700) * 3600000'
  const history = await labelledAt(folder, 'told at times', served.bank.history, hours)
  const trained = await served.train('told', history)
  const { parity } = await served.serve(trained, { rows: 100_000, workFolder: at('served') })
  expect(parity).toMatchObject({ differing: [], missing: 0, extra: 0 })

  const exported = await exportLog({
    folders: [join(at('served'), '.vigia', 'log')],
    openLog: testStorage().readLog,
    workFolder: folder,
    work: unwatchedWork(databaseIn(folder)),
    amounts: history.settings.amounts,
    transactions: at('log.jsonl'),
    labels: at('labels.jsonl'),
  })
  const cut = served.bank.read.acceptedRows - parity.rows
  const { sent, told } = await playedFrom(history, cut)
  const transactions = linesOf(at('log.jsonl'))
  expect(transactions).toEqual(
    sent.map((one) => {
      const { attributes, ...fields } = writeRequest(one, history.settings.amounts)
      return { ...fields, ...attributes }
    }),
  )
  const labels = linesOf(at('labels.jsonl'))
  expect(labels).toEqual(told)
  expect(exported).toMatchObject({ transactions: sent.length, labels: told.length })
  expect(told.length).toBeGreaterThan(1000)

  const ofLog = await readLog(at('log.jsonl'), at('labels.jsonl'), exported.names)
  const ofRows = await rowsFrom(history, cut, told)
  expect(await differing(ofLog, ofRows)).toEqual([0, 0, sent.length])
}, 120_000)

test('a log with a hole is refused, and so are logs of servers that did not share their states', async () => {
  const { folder } = served
  const at = (name: string): string => join(folder, name)
  const logs: string[] = []
  for (const name of ['one', 'other']) {
    const history = await labelledAt(folder, `${name} bank`, served.bank.history, 'NULL')
    if (name === 'other') await renamed(history.prepared)
    await served.serve(await served.train(`${name} run`, history), { rows: 300, workFolder: at(name) })
    logs.push(join(at(name), '.vigia', 'log'))
  }
  const exportOf = (folders: readonly string[]) =>
    exportLog({
      folders,
      openLog: testStorage().readLog,
      workFolder: folder,
      work: unwatchedWork(databaseIn(folder)),
      amounts: served.bank.history.settings.amounts,
      transactions: at('some.jsonl'),
      labels: at('some labels.jsonl'),
    })
  await expect(exportOf(logs)).rejects.toMatchObject({
    code: 'SERVING_LOG_INCOMPLETE',
    message: expect.stringMatching(/\d+ numbers name different decisions/),
  })
  // The twice of one log is that log.
  const { transactions } = await exportOf([logs[0]!, logs[0]!])
  expect(transactions).toBe(300)
  const archived = readdirSync(join(logs[0]!, 'predictions'), { recursive: true, encoding: 'utf8' })
  rmSync(join(logs[0]!, 'predictions', archived.find((name) => name.endsWith('.parquet'))!))
  await expect(exportOf([logs[0]!])).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
}, 120_000)

/** Gives every transaction another id. */
const renamed = (prepared: string): Promise<unknown> =>
  withDatabase(databaseIn(served.folder), (connection) =>
    connection
      .run(
        `COPY (SELECT * REPLACE ('other-' || transaction_id AS transaction_id) FROM (FROM read_parquet(${sqlLiteral(prepared)})))
       TO ${sqlLiteral(`${prepared}.new`)} (FORMAT parquet)`,
      )
      .then(() => renameSync(`${prepared}.new`, prepared)),
  )

test('a source of a log without labels has none, and the files are its own', () => {
  const settings = Value.Default(SourceSchema, { path: 'vigia-log://log' }) as SourceSettings
  const source = sourceOfLog(settings, { transactions: 'a.jsonl', labels: undefined }, ['transaction_id'])
  expect(source).toMatchObject({ path: 'a.jsonl', labels: { path: '' }, fields: { is_fraud: '' } })
})

type Label = Readonly<Record<'transaction_id' | 'is_fraud' | 'known_at', unknown>>

/** What is sent from arrival `cut` on, and what is told of it. */
const playedFrom = ({ prepared, settings }: History, cut: number) =>
  withDatabase(databaseIn(served.folder), async (connection, connect) => {
    const other = await connect()
    const delayMs = settings.limits.user.labelDelayMs
    const { attributes, reversals } = settings.options
    const shape = { attributes, reversals, amounts: settings.amounts }
    const labels = readLabels(other, prepared, { from: cut, delayMs }, shape)
    const sent: Transaction[] = []
    const told: Label[] = []
    let label = await labels.next()
    let latestMs = Number.NEGATIVE_INFINITY
    const [[before]] = (
      await other.runAndReadAll(
        `SELECT max(event_time_ms)::DOUBLE FROM ${sqlLiteral(prepared)} WHERE arrival < ${cut}`,
      )
    ).getRows() as [[number]]
    for await (const transaction of readRequests(connection, prepared, cut, shape)) {
      const clockMs = Math.max(before, latestMs, transaction.eventTimeMs)
      for (
        ;
        label.done !== true && isLabelDue(label.value, clockMs, cut + sent.length);
        label = await labels.next()
      ) {
        const { transactionId, isFraud } = label.value.feedback
        told.push({ transaction_id: transactionId, is_fraud: Number(isFraud), known_at: latestMs + 1 })
      }
      latestMs = Math.max(latestMs, transaction.eventTimeMs)
      sent.push(transaction)
    }
    other.closeSync()
    return { sent, told }
  })

const linesOf = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

/** Features of the exported log, read as a training reads it. */
const readLog = async (transactions: string, labels: string, names: readonly string[]): Promise<string> => {
  const { folder, bank } = served
  const attributes = Object.fromEntries(
    bank.history.settings.options.attributes.map(({ name, kind }) => [name, { kind, from: 'elsewhere' }]),
  )
  const settings = Value.Default(SourceSchema, { attributes }) as SourceSettings
  const source = sourceOfLog(settings, { transactions, labels }, names)
  const prepared = join(folder, 'log prepared.parquet')
  const labelHistory = join(folder, 'log labels.parquet')
  const outputs = {
    preparedPath: prepared,
    labelsPath: labelHistory,
    quarantinePath: join(folder, 'none.jsonl'),
  }
  const read = await withDatabase(databaseIn(folder), (connection) =>
    readSource(connection, source, outputs, {
      workingDirectory: folder,
      work: unwatchedWork(databaseIn(folder)),
      labelDelayMs: bank.history.settings.limits.user.labelDelayMs,
      amounts: bank.history.settings.amounts,
    }),
  )
  expect(read.quarantinedRows).toBe(0)
  const { out } = await replayInto(
    folder,
    'of log',
    { ...bank.history, prepared, labelHistory },
    { workers: 1 },
  )
  return out
}

/** Features of the rows from arrival `cut` on, as if nothing had come before, with these labels. */
const rowsFrom = async (history: History, cut: number, told: readonly Label[]): Promise<string> => {
  const { folder } = served
  const prepared = join(folder, 'rows.parquet')
  const labelHistory = join(folder, 'rows labels.parquet')
  const values = told.map(
    ({ transaction_id, is_fraud, known_at }, place) =>
      `(${sqlLiteral(String(transaction_id))}, ${Number(is_fraud)}, ${Number(known_at)}, ${place + 1})`,
  )
  await withDatabase(databaseIn(folder), async (connection) => {
    await connection.run(
      `COPY (SELECT * REPLACE (arrival - ${cut} AS arrival, NULL::TINYINT AS is_fraud) FROM ${sqlLiteral(history.prepared)} WHERE arrival >= ${cut} ORDER BY arrival)
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    )
    await connection.run(
      `COPY (SELECT * FROM (VALUES ${values.join(', ')}) AS t(transaction_id, is_fraud, known_at_ms, place)) TO ${sqlLiteral(labelHistory)} (FORMAT parquet)`,
    )
  })
  const { out } = await replayInto(folder, 'of rows', { ...history, prepared, labelHistory }, { workers: 1 })
  return out
}

/** Rows of each that the other has not, and rows of both. */
const differing = (one: string, other: string): Promise<unknown[]> =>
  withDatabase(databaseIn(served.folder), async (connection) => {
    const features = (path: string): string =>
      `(SELECT * EXCLUDE (is_fraud, labelled_at_ms) FROM read_parquet(${sqlLiteral(path)}))`
    const [a, b] = [features(one), features(other)]
    const reader = await connection.runAndReadAll(
      `SELECT (SELECT count(*) FROM (FROM ${a} EXCEPT ALL FROM ${b}))::DOUBLE, (SELECT count(*) FROM (FROM ${b} EXCEPT ALL FROM ${a}))::DOUBLE,
              (SELECT count(*) FROM (FROM ${a} INTERSECT ALL FROM ${b}))::DOUBLE`,
    )
    return reader.getRows()[0]!
  })
