import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { openTestLog, testFolder } from '../decisions/inference.test-kit.ts'
import { GENUINE_MODEL, labelledHistory } from '../decisions/labelled-history.test-kit.ts'
import { decodeLogEntry } from '../decisions/log/log-record.ts'
import { writeModelDocument } from '../decisions/log/model-document.ts'
import { listSnapshots } from '../decisions/log/state-snapshots.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DATABASE, moveClock, type SharedServers, sharedServers } from '../keeping/shared-servers.test-kit.ts'
import type { LogReader } from '../ports/prediction-log.ts'

let folder: string
let remove: () => void
let servers: SharedServers
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  servers = await sharedServers(folder, GENUINE_MODEL, moveClock())
})
afterEach(async () => {
  await servers.end().catch(() => undefined)
  vi.restoreAllMocks()
  remove()
})

const STEPS = labelledHistory(5, 40)

const named = (log: string): string[] =>
  readdirSync(join(log, 'snapshots'), { recursive: true }).map(String).sort()

test('is the same beside each log, and repeated it changes nothing', async () => {
  const [a = '', b = ''] = servers.folders
  await servers.take(STEPS)
  await servers.moved()
  const taken = await servers.snapshot()
  const { lastSequence } = await servers.store.readHistory()
  expect(taken).toMatchObject({ sequence: lastSequence, snapshot: undefined, left: 0, written: [a, b] })
  expect(taken.decisions).toBe(40)
  expect(named(b)).toEqual(named(a))
  for (const name of named(a).filter((one) => one.includes('.')))
    expect(readFileSync(join(b, 'snapshots', name))).toEqual(readFileSync(join(a, 'snapshots', name)))
  const again = await servers.snapshot()
  expect(again).toMatchObject({ sequence: lastSequence, snapshot: lastSequence, decisions: 0, written: [] })
  expect(again.counts).toEqual(taken.counts)
})

test('is what states in small memory, and states from several snapshots, come to', async () => {
  const [a = '', b = ''] = servers.folders
  const files = async () => (await listSnapshots(a)).map((one) => 'manifest' in one && one.manifest.files)
  await servers.take(STEPS)
  await servers.moved()
  await servers.snapshot()
  const [atOnce] = await files()
  for (const log of [a, b]) rmSync(join(log, 'snapshots'), { recursive: true })
  await servers.snapshot({ memory: { lookEvery: 3, mostBytes: 0 } })
  expect(await files()).toEqual([atOnce])
  // Nothing of what did not fit into memory is left.
  expect(readdirSync(join(folder, 'work'))).toEqual([])
  for (const log of [a, b]) rmSync(join(log, 'snapshots'), { recursive: true })
  // As if what is later were on its way.
  const { lastSequence } = await servers.store.readHistory()
  const upTo = (last: number) => (log: string) => readerUpTo(openLogReader(log), last)
  const waiting = async (after: number) =>
    Array.from({ length: lastSequence - after }, (_, i) => ({
      sequence: after + 1 + i,
      bytes: new Uint8Array(0),
    }))
  for (const last of [10, 25]) {
    const store = { ...servers.store, waitingEntries: () => waiting(last) }
    expect(await servers.snapshot({ store, openLog: upTo(last) })).toMatchObject({ sequence: last })
  }
  expect(await servers.snapshot()).toMatchObject({ snapshot: 25 })
  expect((await files()).at(-1)).toEqual(atOnce)
})

test('ends before the first number that is on its way to a log, and says what is left', async () => {
  await servers.take(STEPS)
  await servers.moved()
  const store = {
    ...servers.store,
    waitingEntries: async () => [{ sequence: 21, bytes: new Uint8Array(0) }],
  }
  const openLog = (log: string) => readerWithout(openLogReader(log), 21)
  const { lastSequence } = await servers.store.readHistory()
  expect(await servers.snapshot({ store, openLog })).toMatchObject({
    sequence: 20,
    left: lastSequence - 21,
    missing: [],
  })
  expect(await servers.snapshot()).toMatchObject({ sequence: lastSequence, snapshot: 20, differing: 0 })
})

test('a log that is not named is told by its numbers, and nothing is written; what is lost is accepted', async () => {
  await servers.take(STEPS)
  await servers.moved()
  const openLog = (log: string) => readerWithout(openLogReader(log), 21)
  await expect(servers.snapshot({ openLog })).rejects.toMatchObject({
    code: 'SERVING_SNAPSHOT_GAPS',
    details: { missing: '21', doubled: 'none', accept: '21' },
  })
  for (const log of servers.folders) expect(await listSnapshots(log)).toEqual([])
  const accepted = [{ first: 21, last: 21 }]
  expect(await servers.snapshot({ openLog, accepted })).toMatchObject({ left: 0, missing: accepted })
})

test('after a snapshot without lost numbers, decisions that had them are told where these are accepted again', async () => {
  await servers.take(STEPS.slice(0, 45))
  await servers.moved()
  const openLog = (log: string) => readerWithout(openLogReader(log), 21)
  const accepted = [{ first: 21, last: 21 }]
  const { sequence } = await servers.snapshot({ openLog, accepted })
  await servers.take(STEPS.slice(45))
  await servers.moved()
  await expect(servers.snapshot({ openLog })).rejects.toMatchObject({
    code: 'SERVING_SNAPSHOT_DIFFERS',
    details: { after: sequence },
  })
  const later = await servers.snapshot({ openLog, accepted })
  expect(later).toMatchObject({ snapshot: sequence, missing: [], left: 0, written: servers.folders })
  expect(later.differing).toBeGreaterThan(0)
})

test('begun with the first states, says what is in it, also where all logs have it', async () => {
  await servers.take(STEPS)
  await servers.moved()
  const { counts, sequence } = await servers.snapshot()
  const again = await servers.snapshot({ from: folder })
  expect(again).toMatchObject({ snapshot: undefined, sequence, written: [], counts })
})

test('a log without later records does not hide that another one is not named', async () => {
  await servers.take(STEPS)
  await servers.moved()
  const openLog = (log: string) => readerUpTo(openLogReader(log), 30)
  const { lastSequence } = await servers.store.readHistory()
  await expect(servers.snapshot({ openLog })).rejects.toMatchObject({
    details: { missing: `31-${lastSequence}` },
  })
})

test('features that come out otherwise than they were served are no snapshot', async () => {
  await servers.take(STEPS)
  await servers.moved()
  await servers.end()
  const other = join(folder, 'other')
  mkdirSync(other)
  const log = await openTestLog(other)
  await writeModelDocument(log, GENUINE_MODEL)
  let own = 0
  let isAltered = false
  for (const from of servers.folders) {
    const reader = openLogReader(from)
    const history = await reader.readDocument('history')
    await log.writeDocument('history', history!)
    for await (const { payload } of reader.read(0)) {
      const bytes = new Uint8Array(payload)
      // The last feature of a decision.
      if (!isAltered && decodeLogEntry(payload)?.kind === 'decision') {
        new DataView(bytes.buffer).setFloat64(bytes.length - 8, 12_345, true)
        isAltered = true
      }
      await log.append(++own, bytes)
    }
  }
  await log.close()
  await expect(servers.snapshot({ logs: [other] })).rejects.toMatchObject({
    code: 'SERVING_SNAPSHOT_DIFFERS',
    details: { differing: 1, after: 0 },
  })
  expect(await listSnapshots(other)).toEqual([])
})

test('a store that has lost decisions has none taken', async () => {
  await servers.take(STEPS.slice(0, 5))
  await servers.moved()
  await servers.end()
  await servers.store.clear()
  await expect(servers.snapshot()).rejects.toMatchObject({ code: 'SERVING_HISTORY_LOST' })
})

test('interrupted, what is half written is no snapshot; killed between two logs, the next one goes on', async () => {
  const [a = '', b = ''] = servers.folders
  await servers.take(STEPS)
  await servers.moved()
  const ending = new AbortController()
  const newId = () => {
    ending.abort()
    return 'ended'
  }
  const work = { ...unwatchedWork(DATABASE), signal: ending.signal }
  const world = { now: () => Date.now(), newId }
  await expect(servers.snapshot({ world, work })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  for (const log of [a, b]) expect(await listSnapshots(log)).toEqual([])
  expect(named(a)).toEqual([])
  const { sequence } = await servers.snapshot()
  rmSync(join(b, 'snapshots'), { recursive: true })
  mkdirSync(join(b, 'snapshots', '.taking-000000000009-killed'), { recursive: true })
  expect(await servers.snapshot()).toMatchObject({ sequence, decisions: 0, written: [b] })
  expect(named(b)).toEqual(named(a))
})

test('of several at once, one is written everywhere or each is, and the others say why they ended', async () => {
  const [a = '', b = ''] = servers.folders
  await servers.take(STEPS)
  await servers.moved()
  const each = (name: string) =>
    servers.snapshot({ world: { now: () => Date.now(), newId: () => name }, workFolder: join(folder, name) })
  for (const name of ['one', 'two', 'three']) mkdirSync(join(folder, name))
  const ends = await Promise.allSettled(['one', 'two', 'three'].map(each))
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code ?? end.reason] : []))
  expect(failures).toEqual(failures.map(() => 'INTERRUPTED'))
  expect(failures.length).toBeLessThan(3)
  expect(named(b)).toEqual(named(a))
  expect(await servers.snapshot()).toMatchObject({ decisions: 0, written: [] })
})

/** A log without the record of a number. */
const readerWithout = (reader: LogReader, sequence: number): LogReader =>
  filtered(reader, (number) => number !== sequence)

const readerUpTo = (reader: LogReader, last: number): LogReader =>
  filtered(reader, (number) => number <= last)

const filtered = (reader: LogReader, isThere: (sequence: number) => boolean): LogReader => ({
  ...reader,
  async *read(after) {
    for await (const record of reader.read(after))
      if (isThere(new DataView(record.payload.buffer, record.payload.byteOffset).getFloat64(8, true)))
        yield record
  },
})
