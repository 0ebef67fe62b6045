import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { type DecisionEntry, encodeEntry, type LabelEntry, type LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'
import { createPredictionArchive } from './prediction-archive.ts'
import { readArchive } from './read-archive.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const MODEL = { key: 'abc', name: 'fraud-detector', version: '3', computed: ['first', 'second'] }

/** Every field there is, with its example: whatever the table holds. */
const FULL = Object.fromEntries(
  TRANSACTION_FIELDS.map(({ name, kind, example }) => [name, kind === 'time' ? 1769851800250 : example]),
) as unknown as Transaction
const { transactionId, userId = '', eventTimeMs, amountMinor } = FULL
const SMALLEST: Transaction = { transactionId, userId, eventTimeMs, amountMinor }

const DECISION: DecisionEntry = {
  transaction: FULL,
  decidedAtMs: 1769851800300,
  probability: 0.125,
  isFlagged: true,
  riskLevel: 'high',
  threshold: 0.1,
  model: 'abc',
  role: 'champion',
  timing: 'late',
  controlSample: { drawn: 'not_drawn', propensity: 0.02 },
  latencyMs: 0.75,
  shadow: { model: 'def', probability: 0.05, isFlagged: false },
}
const { shadow: _, controlSample: _____, ...SHADOWLESS } = DECISION
const ALONE: DecisionEntry = { ...SHADOWLESS, timing: undefined }
const LABEL: LabelEntry = {
  transactionId,
  isFraud: true,
  isApplied: false,
  receivedAtMs: 1769851900000,
  userId,
  merchantId: 'm',
  deviceId: 'd',
  eventTimeMs,
}
const LABELLED: LogEntry = { sequence: 5000, kind: 'label', label: LABEL }
const { merchantId: __, deviceId: ___, ...BARE_LABEL } = LABEL

describe('the archive of predictions', () => {
  it('gives back what was written: every field, missing ones as missing', async () => {
    const entries: LogEntry[] = [
      { sequence: 1, kind: 'decision', decision: DECISION, vector: Float64Array.of(1, Number.NaN) },
      {
        sequence: 2,
        kind: 'decision',
        decision: { ...ALONE, transaction: SMALLEST },
        vector: Float64Array.of(-0.5, 0),
      },
      { sequence: 3, kind: 'label', label: { ...LABEL, origin: 'sample' } },
      { sequence: 4, kind: 'label', label: BARE_LABEL },
      {
        sequence: 5,
        kind: 'repair',
        repair: { kind: 'merchant', token: 2 ** 51 + 1, repairedAtMs: 1769851900001, basis: 4 },
        words: Float64Array.of(1e300, Number.NaN, -0, Number.NEGATIVE_INFINITY),
      },
      { sequence: 6, kind: 'label', label: { ...LABEL, isFraud: null } },
      {
        sequence: 7,
        kind: 'label',
        label: { ...LABEL, transactionId: '', transactionToken: 42, own: { merchant: 7 }, origin: 'history' },
      },
      {
        sequence: 8,
        kind: 'label',
        label: {
          transactionId: 'later',
          isFraud: true,
          isApplied: false,
          isWaiting: true,
          receivedAtMs: 1769851900000,
        },
      },
    ]
    const { folder } = await archived(entries)
    expect(await read(folder)).toEqual(entries)
  })

  it('gives back attributes of each kind, and features that an attribute has named like a column', async () => {
    const model = { ...MODEL, computed: ['first', 'Role', 'attributes', 'date', 'probability'] }
    const attributes = { balance: -0.1, large: 1e300, browser: 'a "b" \u00e9', is_vip: false, born: -1 }
    const entries: LogEntry[] = [
      {
        sequence: 1,
        kind: 'decision',
        decision: { ...DECISION, transaction: { ...SMALLEST, attributes } },
        vector: Float64Array.of(1, 2, Number.NaN, 4, 5),
      },
    ]
    const { folder, files } = await archived(entries, model)
    expect(await read(folder, model)).toEqual(entries)
    expect((await columnsOf(files[0]!)).split(', ').slice(-5)).toEqual([
      'first DOUBLE',
      'feature_Role DOUBLE',
      'feature_attributes DOUBLE',
      'feature_date DOUBLE',
      'feature_probability DOUBLE',
    ])
  })

  it('has the columns that its readers know, in their order', async () => {
    const { files } = await archived([
      { sequence: 1, kind: 'decision', decision: DECISION, vector: Float64Array.of(1, 2) },
      { sequence: 2, kind: 'label', label: LABEL },
    ])
    const columns = await Promise.all(files.map(columnsOf))
    expect(columns[0]).toMatch(
      /^sequence DOUBLE, decided_at_ms DOUBLE, probability DOUBLE, is_flagged BOOLEAN, risk_level VARCHAR, threshold DOUBLE, model_key VARCHAR, model_name VARCHAR, model_version VARCHAR, role VARCHAR, latency_ms DOUBLE, shadow_model_key VARCHAR, shadow_probability DOUBLE, shadow_is_flagged BOOLEAN, transaction_id VARCHAR, user_id VARCHAR, event_time_ms DOUBLE, amount_minor DOUBLE, currency VARCHAR, merchant_id VARCHAR, merchant_category VARCHAR, transaction_type VARCHAR, device_id VARCHAR, device_type VARCHAR, location VARCHAR, latitude DOUBLE, longitude DOUBLE, .*event_timing VARCHAR, control_sample VARCHAR, control_sample_propensity DOUBLE, .*attributes VARCHAR, first DOUBLE, second DOUBLE$/,
    )
    expect(columns[1]).toBe(
      'sequence DOUBLE, received_at_ms DOUBLE, transaction_id VARCHAR, is_fraud BOOLEAN, is_applied BOOLEAN, user_id VARCHAR, merchant_id VARCHAR, device_id VARCHAR, event_time_ms DOUBLE, transaction_token DOUBLE, origin VARCHAR, was_fraud BOOLEAN, is_waiting BOOLEAN, own_entities VARCHAR, layout VARCHAR',
    )
  })

  it('writes a segment that is larger than a part in parts: the same rows by number, the same bytes again', async () => {
    const repairOf = (sequence: number): LogEntry => ({
      sequence,
      kind: 'repair',
      repair: { kind: 'user', token: sequence, repairedAtMs: 1769851900001, basis: 4 },
      words: new Float64Array(60_000).fill(sequence),
    })
    // Of servers that share their states, records come out of order; 50 of half a megabyte are three parts.
    const inOrder = Array.from({ length: 50 }, (_, at) => repairOf(at + 1))
    const entries = [...inOrder.slice(40), LABELLED, ...inOrder.slice(0, 40)]
    const { folder, files } = await archived(entries)
    const again = await archived(entries)
    const numberOf = (entry: LogEntry) => (entry.kind === 'repair' ? entry.words.at(-1) : undefined)
    expect((await read(folder)).map(numberOf)).toEqual([...inOrder, LABELLED].map(numberOf))
    const hashes = (paths: readonly string[]) => paths.map((path) => sha256(readFileSync(path)))
    expect(hashes(files)).toEqual(hashes(again.files))
    expect(readdirSync(join(folder, 'spill'))).toEqual([])
  })

  it('gives back what is further apart than it reads at a time, in order, whatever is missing between', async () => {
    const decided = (sequence: number): LogEntry => ({
      sequence,
      kind: 'decision',
      decision: { ...ALONE, transaction: { ...SMALLEST, transactionId: `t${sequence}` } },
      vector: Float64Array.of(sequence, -0),
    })
    const labelled = (sequence: number): LogEntry => ({ sequence, kind: 'label', label: LABEL })
    // Around the ends of windows of 32,768 from 3 and from a billion on; the last number that doubles count.
    const entries = [
      decided(3),
      labelled(4),
      decided(32_770),
      labelled(32_771),
      decided(32_772),
      labelled(65_538),
      labelled(65_539),
      decided(1e9),
      decided(1e9 + 32_767),
      labelled(1e9 + 32_768),
      decided(Number.MAX_SAFE_INTEGER),
    ]
    const { folder } = await archived(entries.toReversed())
    expect(await read(folder)).toEqual(entries)
    expect(await read(folder, MODEL, 65_538)).toEqual(entries.slice(6))
    expect(await read(folder, MODEL, Number.MAX_SAFE_INTEGER)).toEqual([])
  })

  it('reads files from before a field was there: it is missing in their transactions', async () => {
    const { folder, files } = await archived([
      { sequence: 1, kind: 'decision', decision: DECISION, vector: Float64Array.of(1, 2) },
    ])
    await query(
      folder,
      `COPY (SELECT * EXCLUDE (longitude) FROM read_parquet(${sqlLiteral(files[0]!)})) TO ${sqlLiteral(`${files[0]}`)} (FORMAT parquet)`,
    )
    const { longitude: ____, ...transaction } = FULL
    expect(await read(folder)).toMatchObject([{ decision: { transaction } }])
    expect((await read(folder))[0]).not.toHaveProperty('decision.transaction.longitude')
    await query(
      folder,
      `COPY (SELECT * EXCLUDE (control_sample, control_sample_propensity) FROM read_parquet(${sqlLiteral(files[0]!)})) TO ${sqlLiteral(`${files[0]}`)} (FORMAT parquet)`,
    )
    expect((await read(folder))[0]).not.toHaveProperty('decision.controlSample')
  })
})

const knowing = (model: typeof MODEL) => async () => model as unknown as ModelDocument

const databaseIn = (folder: string) => ({
  threads: 1,
  memoryLimit: '128MB',
  tempDirectory: join(folder, 'spill'),
})

const archived = async (entries: readonly LogEntry[], model = MODEL) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-archive-'))
  folders.push(folder)
  const archive = createPredictionArchive({ folder, database: databaseIn(folder), modelOf: knowing(model) })
  return { folder, ...(await archive.write('000000000001.log', recordsOf(entries))) }
}

async function* recordsOf(entries: readonly LogEntry[]): AsyncGenerator<LogRecord> {
  for (const entry of entries) {
    yield { sequence: entry.sequence, payload: Uint8Array.from(encodeEntry(entry)) } as LogRecord
  }
}

const read = (folder: string, model = MODEL, after = 0): Promise<LogEntry[]> =>
  withDatabase(databaseIn(folder), async (connection) => {
    const entries: LogEntry[] = []
    for await (const entry of readArchive(connection, [folder], knowing(model), after)) entries.push(entry)
    return entries
  })

const query = (folder: string, sql: string) =>
  withDatabase(databaseIn(folder), async (connection) => (await connection.runAndReadAll(sql)).getRows())

const columnsOf = async (file: string): Promise<string> => {
  const rows = await query(
    join(file, '..'),
    `DESCRIBE FROM read_parquet(${sqlLiteral(file)}, hive_partitioning = false)`,
  )
  return rows.map(([name, type]) => `${name} ${type}`).join(', ')
}
