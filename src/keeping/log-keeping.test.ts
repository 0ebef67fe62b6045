import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { copyLmdbStates } from '../adapters/lmdb/copy-lmdb-states.ts'
import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { memoryTarget } from '../backup/memory-target.test-kit.ts'
import { restoreBackup } from '../backup/restore-backup.ts'
import { takeBackup } from '../backup/take-backup.ts'
import { verifyLog } from '../backup/verify-log.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import { withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { listSnapshots } from '../decisions/log/state-snapshots.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import { DATABASE, DAY_MS, KEEPING, type KeptService, keptService } from './kept-log.test-kit.ts'

/** A service that has decided for five days, once for all tests; each has a copy. */
let template: string
let removeTemplate: () => void
let folder: string
let remove: () => void
let service: KeptService
beforeAll(async () => {
  ;({ folder: template, remove: removeTemplate } = testFolder())
  service = await keptService(template)
  await live(5)
  await service.pipeline.close()
})
afterAll(() => removeTemplate())
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

describe('a log that keeps two days, after five days:', () => {
  beforeEach(async () => {
    cpSync(template, folder, { recursive: true })
    service = await keptService(folder, KEEPING, service)
  })

  test('its first days are gone, it begins after a snapshot, and parity from each snapshot is zero differing values', async () => {
    const { first } = await readLogBeginning(reader())
    expect(first).toBeGreaterThan(30)
    expect(readdirSync(join(service.logFolder, 'predictions'))).toEqual([
      'date=2026-01-04',
      'date=2026-01-05',
    ])
    const snapshots = sequences(await listSnapshots(service.logFolder))
    expect(snapshots[0]).toBe(first - 1)
    expect(snapshots).toHaveLength(3)
    expect(service.pipeline.status().log).toMatchObject({ firstSequence: first, snapshots: 3 })
    await service.send(5)
    for (const from of [undefined, ...snapshots]) {
      const [compared] = await compare(from)
      expect(compared!.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
      expect(compared!.report.rows).toBe(await decisionsAfter(from ?? first - 1))
    }
  })

  test('a file that is removed by hand is a hole all the same', async () => {
    await service.pipeline.close()
    expect((await verify()).isWhole).toBe(true)
    const [day] = readdirSync(join(service.logFolder, 'predictions'))
    rmSync(join(service.logFolder, 'predictions', day!), { recursive: true })
    await expect(service.reopen()).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
    expect((await verify()).isWhole).toBe(false)
  })

  test('a decision of a removed day is answered as removed, one that is there is found', async () => {
    const names = predictionNames(service.pipeline.identity)
    await expect(service.pipeline.find(names.idOf(3))).rejects.toMatchObject({
      code: 'SERVING_PREDICTION_REMOVED',
    })
    expect(await service.pipeline.find('t49')).toMatchObject({ transactionId: 't49' })
    expect(await service.pipeline.find('unheard-of')).toBeUndefined()
  })

  test('a backup of it is restored whole, with its snapshots', async () => {
    await service.pipeline.close()
    const target = memoryTarget()
    const work = unwatchedWork(DATABASE)
    const source = { copySegments, readLog: openLogReader, copyStates: copyLmdbStates }
    const { logFolder: log, stateFolder: states } = service
    const world = { now: () => service.nowMs }
    await takeBackup({ target, source, log, states, workFolder: folder, version: '0', world, work })
    const restored = join(folder, 'restored')
    const owner = { processId: 4_100_000_000, host: 'here', processSpace: 'test', isAlive: () => false }
    const openStates = (place: string) => openLmdbStateStore({ folder: place, owner })
    await restoreBackup({
      target,
      to: restored,
      at: undefined,
      openStates,
      world: { newId: () => 'fedcba98' },
      work,
    })
    expect(await verify(join(restored, 'log'))).toMatchObject({ isWhole: true, snapshots: 3 })
    const again = await keptService(restored, KEEPING, service)
    await again.send(5)
    expect(again.pipeline.status().log.firstSequence).toBeGreaterThan(30)
    await again.pipeline.close()
    for (const from of [undefined, ...sequences(await listSnapshots(again.logFolder))])
      expect((await compare(from, again.logFolder))[0]!.report).toMatchObject({
        differing: [],
        missing: 0,
        extra: 0,
      })
  })

  test('the snapshot that it begins with is missed by verify, and by parity', async () => {
    const [base] = await listSnapshots(service.logFolder)
    rmSync(base!.folder, { recursive: true })
    expect((await verify()).problems).toEqual([expect.objectContaining({ file: `snapshots/${base!.name}` })])
    await expect(compare(Number(base!.name))).rejects.toMatchObject({ code: 'SERVING_SNAPSHOT_UNUSABLE' })
  })
})

test('a log that keeps everything stays whole, and parity may begin at any snapshot', async () => {
  service = await keptService(folder, { ...KEEPING, snapshotsKept: 2, keepMs: Number.POSITIVE_INFINITY })
  await live(3)
  expect((await readLogBeginning(reader())).first).toBe(1)
  const snapshots = sequences(await listSnapshots(service.logFolder))
  expect(snapshots).toHaveLength(2)
  for (const from of [undefined, 0, snapshots[0]])
    expect((await compare(from))[0]!.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
})

test('a snapshot that is taken while the service decides has the states of one record', async () => {
  service = await keptService(folder)
  await service.send(30)
  service.nowMs += 2 * KEEPING.snapshotEveryMs
  const saving = service.pipeline.saveLogs()
  await service.send(60)
  await saving
  await service.send(30)
  const [snapshot] = sequences(await listSnapshots(service.logFolder))
  expect(snapshot).toBeGreaterThanOrEqual(30)
  const [compared] = await compare(snapshot)
  expect(compared!.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
  expect(compared!.report.rows).toBe(await decisionsAfter(snapshot!))
})

test.each([
  ['receipts live', { ...KEEPING, snapshotEveryMs: 1000, keepMs: DAY_MS / 2 }],
  ['two snapshots are apart', { ...KEEPING, keepMs: 1.5 * DAY_MS }],
])('a log that keeps less than %s is refused', async (_, keeping) => {
  await expect(keptService(folder, keeping)).rejects.toMatchObject({ code: 'SERVING_KEEP_SHORT' })
})

/** Ten decisions a day and some labels. */
const live = async (days: number): Promise<void> => {
  for (let day = 0; day < days; day++) {
    await service.send(10)
    await service.endDay()
  }
}

const reader = () => openLogReader(service.logFolder)

const sequences = (found: Awaited<ReturnType<typeof listSnapshots>>): number[] =>
  found.map(({ name }) => Number(name))

const compare = (from: number | undefined, logFolder = service.logFolder) =>
  parityOfLog({
    folders: [logFolder],
    openLog: openLogReader,
    workFolder: folder,
    ...(from !== undefined && { from }),
    work: unwatchedWork(DATABASE),
  })

const verify = (log = service.logFolder) =>
  verifyLog({ folder: log, log: openLogReader(log), workFolder: folder, work: unwatchedWork(DATABASE) })

/** By what the log itself has. */
const decisionsAfter = async (sequence: number): Promise<number> =>
  withLoggedEntries(
    {
      folders: [service.logFolder],
      openLog: openLogReader,
      workFolder: folder,
      after: sequence,
      work: unwatchedWork(DATABASE),
    },
    async ({ entries }) => {
      let count = 0
      for await (const { kind } of entries) if (kind === 'decision') count++
      return count
    },
  )
