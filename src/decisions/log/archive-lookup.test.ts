import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { withDatabase } from '../../disk/database.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import { filesByName, filesByRange } from './archive-files.ts'
import { type ArchiveLookup, createArchiveLookup } from './archive-lookup.ts'
import { type DecisionEntry, encodeDecision, type LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'
import { createPredictionArchive } from './prediction-archive.ts'
import { readArchive } from './read-archive.ts'

const open: { readonly folder: string; readonly lookup: ArchiveLookup }[] = []
afterEach(async () => {
  for (const { folder, lookup } of open.splice(0)) {
    await lookup.close()
    rmSync(folder, { recursive: true })
  }
})

describe.each([
  { isInOrder: true, name: 'a log of its own' },
  { isInOrder: false, name: 'a log among those that share states' },
])('in the archive of $name', ({ isInOrder }) => {
  test('each decision is found in whichever file has it, as reading everything gives it', async () => {
    const { folder, lookup, write } = archive(isInOrder)
    // Two days and two models in one segment, so four files; numbers are missing.
    await write(1, [1, 2, 5, 6])
    await write(7, [7])
    await write(9, [9, 11, 12])
    const found: (LogEntry | undefined)[] = []
    for (let sequence = 0; sequence <= 14; sequence++) found.push(await lookup.find(sequence))
    expect(found.filter((entry) => entry !== undefined)).toEqual(await readAll(folder))
    expect(found.map((entry) => entry?.sequence)).toEqual([
      ...[undefined, 1, 2, undefined, undefined, 5, 6, 7, undefined, 9, undefined, 11, 12, undefined],
      undefined,
    ])
  })

  test('files that came later are found when it is told of them, and those that people removed are missed by nobody', async () => {
    const { folder, lookup, write } = archive(isInOrder)
    expect(await lookup.find(1)).toBeUndefined()
    await write(1, [1, 2])
    lookup.changed()
    expect((await lookup.find(2))?.sequence).toBe(2)
    await write(3, [3])
    lookup.changed()
    expect((await lookup.find(3))?.sequence).toBe(3)
    rmSync(join(folder, 'predictions'), { recursive: true })
    expect(await lookup.find(2)).toBeUndefined()
  })
})

test('a log of its own opens the file of one segment alone, whatever else there is', async () => {
  const { folder, write } = archive(true)
  await write(1, [1])
  await write(20, [20])
  writeFileSync(join(folder, 'predictions', '000000000010-abc.parquet'), 'no Parquet')
  const files = filesByName(folder)
  expect((await files.candidates(9)).map(nameOf)).toEqual(['000000000001-abc.parquet'])
  expect((await files.candidates(19)).map(nameOf)).toEqual(['000000000010-abc.parquet'])
  expect((await files.candidates(1e12)).map(nameOf)).toEqual(['000000000020-abc.parquet'])
  expect(await files.candidates(0)).toEqual([])
})

test('the numbers of shared logs are read of each file once, and kept for the next process', async () => {
  const { folder, write } = archive(false)
  await write(1, [1000, 4, 70])
  await write(4, [900])
  const asked: string[] = []
  const files = () =>
    filesByRange(folder, async (path) => {
      asked.push(nameOf(path))
      return nameOf(path).startsWith('000000000001') ? { first: 4, last: 1000 } : { first: 900, last: 900 }
    })
  const first = files()
  expect(await first.candidates(900)).toHaveLength(2)
  expect(await first.candidates(70)).toHaveLength(1)
  expect(await first.candidates(3)).toEqual([])
  expect(asked).toHaveLength(2)
  const kept = join(folder, 'predictions', 'ranges.jsonl')
  // Half a line, as a process that was killed leaves it.
  writeFileSync(kept, readFileSync(kept, 'utf8').slice(0, -10))
  const second = files()
  expect(await second.candidates(900)).toHaveLength(2)
  expect(asked).toHaveLength(3)
})

/** A decision of an even number is of another day than one of an odd number. */
const record = (sequence: number): LogRecord => ({
  sequence,
  payload: encodeDecision(
    sequence,
    {
      timing: undefined,
      transaction: { transactionId: `t${sequence}`, userId: 'u', eventTimeMs: 1, amountMinor: 100 },
      decidedAtMs: 1769851800300 + (sequence % 2) * 86_400_000,
      probability: 0.125,
      isFlagged: true,
      riskLevel: 'high',
      threshold: 0.1,
      model: sequence % 3 === 0 ? 'def' : 'abc',
      role: 'champion',
      latencyMs: 0.75,
    } as DecisionEntry,
    Float64Array.of(sequence, Number.NaN),
  ),
  position: { segment: '', offset: 0 },
})

const modelOf = async (key: string) =>
  ({ key, name: 'm', version: '1', computed: ['first', 'second'] }) as unknown as ModelDocument

const databaseOf = (folder: string) => ({
  threads: 1,
  memoryLimit: '256MB',
  tempDirectory: join(folder, '.spill'),
})

const archive = (isInOrder: boolean) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-lookup-'))
  const database = databaseOf(folder)
  const lookup = createArchiveLookup({ folder, database, modelOf, isInOrder })
  open.push({ folder, lookup })
  const writer = createPredictionArchive({ folder, database, modelOf })
  const write = (segment: number, sequences: readonly number[]) =>
    writer.write(
      `${String(segment).padStart(12, '0')}.log`,
      (async function* () {
        for (const sequence of sequences) yield record(sequence)
      })(),
    )
  return { folder, lookup, write }
}

const readAll = (folder: string): Promise<LogEntry[]> =>
  withDatabase(databaseOf(folder), async (connection) => {
    const entries: LogEntry[] = []
    for await (const entry of readArchive(connection, [folder], modelOf)) entries.push(entry)
    return entries
  })

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
