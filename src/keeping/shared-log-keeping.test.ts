import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { memoryTarget } from '../backup/memory-target.test-kit.ts'
import { restoreBackup } from '../backup/restore-backup.ts'
import { takeBackup } from '../backup/take-backup.ts'
import { verifyLog } from '../backup/verify-log.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { GENUINE_MODEL, labelledHistory } from '../decisions/labelled-history.test-kit.ts'
import { goneThrough, readLogBeginning } from '../decisions/log/log-beginning.ts'
import { listSnapshots } from '../decisions/log/state-snapshots.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import type { SharedStateStore } from '../ports/state-store.ts'
import {
  DATABASE,
  KEEPING,
  type MovedClock,
  moveClock,
  type SharedServers,
  sharedServers,
} from './shared-servers.test-kit.ts'

let folder: string
let remove: () => void
let clock: MovedClock
let servers: SharedServers
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  clock = moveClock()
})
afterEach(async () => {
  await servers?.end().catch(() => undefined)
  // A test that starts none must not end those of the one before again: their folder is gone.
  servers = undefined as never
  vi.restoreAllMocks()
  remove()
})

const STEPS = labelledHistory(3, 130)
const DAYS = 5
const part = (day: number) =>
  STEPS.slice(
    Math.floor((STEPS.length * day) / (DAYS + 1)),
    Math.floor((STEPS.length * (day + 1)) / (DAYS + 1)),
  )

/** Five days, with a snapshot at the end of each. @returns what was answered */
const live = async (isSnapshotTaken = true): Promise<string[]> => {
  const answers: string[] = []
  for (let day = 0; day < DAYS; day++) {
    answers.push(...(await servers.take(part(day))))
    await servers.moved()
    if (isSnapshotTaken) expect(await servers.snapshot()).toMatchObject({ differing: 0, left: 0 })
    await servers.endDay()
  }
  return answers
}

const beginnings = () => Promise.all(servers.folders.map((log) => readLogBeginning(openLogReader(log))))

const snapshotsOf = async (log: string): Promise<number[]> =>
  (await listSnapshots(log)).map(({ name }) => Number(name))

const compare = (folders: readonly string[], from?: number) =>
  parityOfLog({
    folders,
    openLog: openLogReader,
    workFolder: folder,
    ...(from !== undefined && { from }),
    work: unwatchedWork(DATABASE),
  })

const EQUAL = { differing: [], missing: 0, extra: 0 }

const verify = (log: string) =>
  verifyLog({ folder: log, log: openLogReader(log), workFolder: folder, work: unwatchedWork(DATABASE) })

describe('servers that share their states and keep two days, after five days with a snapshot each:', () => {
  test('first days are gone from both logs; emptied, the store is restored from a snapshot, and they go on as servers whose store lost nothing', async () => {
    servers = await sharedServers(join(folder, 'lost'), GENUINE_MODEL, clock)
    const answers = await live()
    const gone = (await beginnings()).map(goneThrough)
    expect(Math.max(...gone)).toBeGreaterThan(10)
    const days = servers.folders.flatMap((log) => readdirSync(join(log, 'predictions')))
    // Which of the two has moved a record to its log, is chance.
    expect([...new Set(days.filter((name) => name.startsWith('date=')))].sort()).toEqual([
      'date=2026-01-04',
      'date=2026-01-05',
    ])
    for (const [i, log] of servers.folders.entries()) {
      const snapshots = await snapshotsOf(log)
      expect(gone[i]).toBeOneOf([0, snapshots[0]])
      expect(servers.pipelines[i]!.status().log).toMatchObject({
        firstSequence: gone[i]! + 1,
        snapshots: snapshots.length,
      })
      expect((await verify(log)).problems).toEqual([])
    }
    const names = predictionNames(servers.pipelines[0]!.identity)
    const removing = servers.pipelines[gone.indexOf(Math.max(...gone))]!
    await expect(removing.find(names.idOf(1))).rejects.toMatchObject({ code: 'SERVING_PREDICTION_REMOVED' })
    // The oldest after which both have all, and one that the other log may have removed.
    for (const from of [undefined, Math.max(...gone)])
      expect((await compare(servers.folders, from))[0]!.report).toMatchObject(EQUAL)
    await expect(compare(servers.folders, 1)).rejects.toMatchObject({ code: 'SERVING_SNAPSHOT_UNUSABLE' })

    const before = await servers.store.dueLabels(Number.POSITIVE_INFINITY, 999)
    expect(before.labels.length).toBeGreaterThan(0)
    await servers.store.clear()
    const restored = await servers.restore()
    const latest = (await snapshotsOf(servers.folders[0]!)).at(-1)
    expect(restored).toMatchObject({ snapshot: latest, decisions: 0, differing: 0, missing: [], doubled: [] })
    const after = await servers.store.dueLabels(Number.POSITIVE_INFINITY, 999)
    expect(after.clockMs).toBe(before.clockMs)
    const texts = new Set(before.labels.map(({ text }) => text))
    expect(after.labels.filter(({ text }) => !texts.has(text))).toEqual([])
    answers.push(...(await servers.take(part(DAYS))))
    await servers.moved()
    expect((await compare(servers.folders))[0]!.report).toMatchObject(EQUAL)
    // What was decided on before the snapshot is known again.
    const retried = part(DAYS - 1).find((step) => 'transaction' in step) as { transaction: never }
    expect(await servers.pipelines[1]!.predict(retried.transaction, 0)).toMatchObject({ isRepeated: true })
    await servers.end()

    clock.day = 0
    servers = await sharedServers(join(folder, 'whole'), GENUINE_MODEL, clock, {
      ...KEEPING,
      keepMs: Number.POSITIVE_INFINITY,
    })
    const undisturbed = await live(false)
    undisturbed.push(...(await servers.take(part(DAYS))))
    expect(answers).toEqual(undisturbed)
    expect((await beginnings()).map(goneThrough)).toEqual([0, 0])
  })

  test('a store that lost what came after the snapshot has it replayed, with labels that wait at it', async () => {
    servers = await sharedServers(folder, GENUINE_MODEL, clock)
    await servers.take(part(0))
    const waits = { transactionId: 'later', isFraud: true }
    expect(await servers.pipelines[0]!.applyFeedback(waits)).toBe('waiting')
    await servers.moved()
    const { sequence } = await servers.snapshot()
    await servers.take(part(1))
    await servers.moved()
    const given = (await servers.store.readHistory()).lastSequence
    await servers.store.clear()
    const restored = await servers.restore()
    expect(restored).toMatchObject({ snapshot: sequence, differing: 0, lastSequence: given })
    expect(restored.decisions + restored.labels).toBe(given - sequence)
    expect(restored.receipts).toBeGreaterThan(restored.decisions + restored.labels)
    expect(await servers.pipelines[1]!.applyFeedback(waits)).toBe('unchanged')
    const late = STEPS.flatMap((step) => ('transaction' in step ? [step.transaction] : [])).at(-1)!
    await servers.pipelines[1]!.predict({ ...late, transactionId: 'later' }, 0)
    await servers.moved()
    // The label that waited has come right after it.
    expect(await servers.pipelines[0]!.applyFeedback(waits)).toBe('unchanged')
    await servers.pipelines[0]!.predict({ ...late, transactionId: 'next' }, 0)
    await servers.moved()
    expect((await compare(servers.folders))[0]!.report).toMatchObject(EQUAL)
  })

  test('a backup of one log is restored whole, with its snapshots', async () => {
    servers = await sharedServers(folder, GENUINE_MODEL, clock)
    await live()
    await servers.end()
    const target = memoryTarget()
    const work = unwatchedWork(DATABASE)
    const source = {
      copySegments,
      readLog: openLogReader,
      copyStates: () => Promise.reject(new Error('none')),
    }
    const world = { now: () => Date.now(), newId: () => 'fedcba98' }
    const restored = servers.folders.map((log) => `${log} restored`)
    for (const [i, log] of servers.folders.entries()) {
      await takeBackup({
        target,
        source,
        log,
        states: undefined,
        workFolder: folder,
        version: '0',
        world,
        work,
      })
      const openStates = () => Promise.reject(new Error('none'))
      await restoreBackup({ target, to: restored[i]!, at: undefined, openStates, world, work })
      clock.day++
    }
    const logs = restored.map((to) => join(to, 'log'))
    for (const log of logs) expect(await verify(log)).toMatchObject({ isWhole: true })
    expect((await compare(logs))[0]!.report).toMatchObject(EQUAL)
    await servers.store.clear()
    expect(await servers.restore({ logs })).toMatchObject({ differing: 0, missing: [], doubled: [] })
  })
})

describe('a log of servers that share their states', () => {
  test('loses nothing while no snapshot comes, and says so', async () => {
    servers = await sharedServers(folder, GENUINE_MODEL, clock)
    await live(false)
    expect((await beginnings()).map(goneThrough)).toEqual([0, 0])
    expect(servers.warnings.filter((code) => code === 'SERVING_SNAPSHOT_OVERDUE').length).toBeGreaterThan(1)
    expect(servers.pipelines[0]!.status().log).toMatchObject({ firstSequence: 1, snapshots: 0 })
  })

  test('stays as it is where the snapshot that would be its beginning is damaged', async () => {
    servers = await sharedServers(folder, GENUINE_MODEL, clock)
    await servers.take(part(0))
    await servers.moved()
    await servers.snapshot()
    const [a = ''] = servers.folders
    const [snapshot] = await listSnapshots(a)
    const file = join(snapshot!.folder, 'user.states')
    writeFileSync(
      file,
      readFileSync(file).map((byte, i) => (i === 20 ? byte ^ 1 : byte)),
    )
    for (let day = 0; day < 4; day++) await servers.endDay()
    expect((await beginnings()).map(goneThrough)).toEqual([0, Number(snapshot!.name)])
    // The other log has it whole.
    expect(await compare(servers.folders).catch((error: unknown) => error)).toMatchObject({
      code: 'SERVING_LOG_QUIET',
    })
    rmSync(snapshot!.folder, { recursive: true })
    await servers.store.clear()
    expect(await servers.restore()).toMatchObject({ snapshot: Number(snapshot!.name), differing: 0 })
  })

  test('is not kept shorter than something needs it: the start ends, and nobody is left who moves records', async () => {
    const short = { ...KEEPING, snapshotEveryMs: 1000, keepMs: 1000 }
    let taking = 0
    const counted = (store: SharedStateStore): SharedStateStore => ({
      ...store,
      takeEntries: async (...asked) => {
        taking++
        return store.takeEntries(...asked).finally(() => {
          taking--
        })
      },
    })
    await expect(sharedServers(folder, GENUINE_MODEL, clock, short, counted)).rejects.toMatchObject({
      code: 'SERVING_KEEP_SHORT',
    })
    expect(taking).toBe(0)
  })
})
