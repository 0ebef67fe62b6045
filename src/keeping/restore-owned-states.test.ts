import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { createDecider } from '../decisions/decider.ts'
import {
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
} from '../decisions/inference.test-kit.ts'
import { GENUINE_MODEL } from '../decisions/labelled-history.test-kit.ts'
import { archiveFileNames, readCatalog } from '../decisions/log/archive-catalog.ts'
import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import { listSnapshots, type SnapshotManifest } from '../decisions/log/state-snapshots.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import {
  type RestoredOwned,
  type RestoreOwnedOptions,
  restoreOwnedStates,
} from '../states/restore-owned-states.ts'
import { CHAMPION, DATABASE, DAY_MS, KEEPING, type KeptService, keptService } from './kept-log.test-kit.ts'
import { takeSnapshot } from './take-snapshot.ts'

/** A service that was lost after some days; each test has a copy of its log, and one that lost nothing. */
let template: string
let removeTemplate: () => void
let folder: string
let remove: () => void
let before: KeptService
let service: KeptService
let twin: KeptService
beforeAll(async () => {
  ;({ folder: template, remove: removeTemplate } = testFolder())
  before = await keptService(join(template, 'whole'))
  for (let day = 0; day < 5; day++) {
    await before.send(10)
    await before.endDay()
  }
  await before.send(7)
  await before.pipeline.close()
})
afterAll(() => removeTemplate())
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  for (const name of ['lost', 'twin'])
    cpSync(join(template, 'whole'), join(folder, name), { recursive: true })
  twin = await keptService(join(folder, 'twin'), KEEPING, before)
  rmSync(stateFolder(), { recursive: true })
})
afterEach(async () => {
  await service?.pipeline.close().catch(() => undefined)
  await twin.pipeline.close().catch(() => undefined)
  remove()
})

describe('a store that is lost, made again from its log:', () => {
  test('it goes on from the newest snapshot as one that lost nothing', async () => {
    const restored = await restore()
    const newest = Number((await listSnapshots(logFolder())).at(-1)!.name)
    expect(restored).toMatchObject({ snapshot: newest, unusable: [], differing: 0, decisions: 7 })
    expect(restored.labels).toBeGreaterThan(0)
    expect(restored.lastSequence - newest).toBe(restored.decisions + restored.labels)
    await goesOn()
  })

  test('its retried transactions are answered with the same decision, its labels are known', async () => {
    await restore()
    service = await reopen()
    for (const id of ['t56', 't50', 't48', 't41']) {
      const answers = [await service.pipeline.find(id), await twin.pipeline.find(id)]
      expect(answers[0]).toEqual(answers[1])
      expect(answers[0]?.predictionId).toBe(answers[1]?.predictionId)
    }
    const repeated = await Promise.all(
      [service, twin].map(({ pipeline }) =>
        pipeline.find('t55').then((found) => pipeline.predict(found!.transaction, 0)),
      ),
    )
    expect(repeated[0]).toMatchObject({ isRepeated: true })
    expect({ ...repeated[0], latencyMs: 0 }).toEqual({ ...repeated[1], latencyMs: 0 })
    const told = { transactionId: 't46', isFraud: true }
    expect(await service.pipeline.applyFeedback(told)).toBe(await twin.pipeline.applyFeedback(told))
    expect(await service.pipeline.applyFeedback(told)).toBe('unchanged')
  })

  test('a snapshot that is damaged is passed over for the one before', async () => {
    const [, ...snapshots] = (await listSnapshots(logFolder())).reverse()
    const newest = (await listSnapshots(logFolder())).at(-1)!
    appendFileSync(join(newest.folder, 'user.states'), 'x')
    const restored = await restore()
    expect(restored.snapshot).toBe(Number(snapshots[0]!.name))
    expect(restored.unusable).toEqual([{ name: newest.name, reason: expect.stringContaining('user.states') }])
    expect(restored.differing).toBe(0)
    await goesOn()
  })

  test('a log whose first days are gone and that has no snapshot is refused, and nothing is written', async () => {
    expect((await readLogBeginning(openLogReader(logFolder()))).first).toBeGreaterThan(1)
    rmSync(join(logFolder(), 'snapshots'), { recursive: true })
    await expect(restore()).rejects.toMatchObject({ code: 'SERVING_SNAPSHOT_UNUSABLE' })
    await isUntouched()
  })

  test('a log that lacks a file after the snapshot is refused', async () => {
    const newest = (await listSnapshots(logFolder())).at(-1)!
    for (const { folder: each } of (await listSnapshots(logFolder())).slice(1))
      rmSync(each, { recursive: true })
    expect(newest).toBeDefined()
    rmSync(join(logFolder(), 'predictions', 'date=2026-01-05'), { recursive: true })
    await expect(restore()).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
  })

  test('a log that ends before its archive has to be recovered first, and nothing is written', async () => {
    rmSync(join(logFolder(), 'segments'), { recursive: true })
    await expect(restore()).rejects.toMatchObject({
      code: 'SERVING_LOG_GAPS',
      details: { what: expect.stringContaining('it ends with 0') },
    })
    await isUntouched()
  })

  test('an archive with one other byte is refused before anything is written, also by force', async () => {
    const [file] = await archiveFileNames(logFolder())
    const bytes = readFileSync(join(logFolder(), file!))
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(join(logFolder(), file!), bytes)
    await expect(restore({ force: true })).rejects.toMatchObject({
      code: 'BACKUP_SOURCE_DAMAGED',
      details: { file, reason: expect.stringContaining('SHA-256') },
    })
    await isUntouched()
  })

  test('numbers of the snapshot that no file has are told: nobody knows their transactions', async () => {
    expect((await restore()).missing).toEqual([])
    const { first } = await readLogBeginning(openLogReader(logFolder()))
    const oldest = (await readCatalog(logFolder())).find((entry) => entry.first >= first)!
    for (const { name } of oldest.files) rmSync(join(logFolder(), name))
    const restored = await restore({ force: true })
    expect(restored.missing).toMatchObject([{ first: oldest.first, last: oldest.last }])
    expect(restored.snapshot).toBeGreaterThan(oldest.last)
  })

  test('one that has states is left alone, and made anew only by force', async () => {
    await restore()
    await expect(restore()).rejects.toMatchObject({
      code: 'SERVING_STATES_PRESENT',
      fix: 'Serve from them, name another store, or replace them with --force: they are made again from the log, and what a power failure took from it is lost then.',
    })
    expect(await restore({ force: true })).toMatchObject({ differing: 0 })
    await goesOn()
  })
})

test('a log that keeps everything, without a snapshot, is replayed from its first record', async () => {
  const whole = { ...KEEPING, snapshotEveryMs: 0, keepMs: Number.POSITIVE_INFINITY }
  const names = [join(folder, 'all', 'a'), join(folder, 'all', 'b')] as const
  let all = await keptService(names[0], whole)
  for (let day = 0; day < 3; day++) {
    await all.send(10)
    await all.endDay()
  }
  await all.pipeline.close()
  cpSync(names[0], names[1], { recursive: true })
  rmSync(join(names[0], 'state'), { recursive: true })
  await twin.pipeline.close()
  const restored = await restoreIn(names[0], all.nowMs)
  expect(restored).toMatchObject({ snapshot: undefined, decisions: 30, differing: 0 })
  service = await keptService(names[0], whole, all)
  all = twin = await keptService(names[1], whole, all)
  await expectSame(names[0])
})

test('labels that are due or wait are due and wait again, from a snapshot that was taken while it decided', async () => {
  const live = { ...KEEPING, keepMs: Number.POSITIVE_INFINITY }
  await twin.pipeline.close()
  // It lives on beside the store that is made from a copy of its log: nothing is saved for it by closing.
  twin = await keptService(join(folder, 'alive'), live, undefined, GENUINE_MODEL)
  await twin.send(20)
  await twin.pipeline.applyFeedback({ transactionId: LATER, isFraud: true })
  const { sequence, savedThrough } = await snapshotAhead()
  expect(savedThrough).toBeLessThan(sequence)

  await twin.send(30)
  await twin.pipeline.applyFeedback({ transactionId: `t${twin.sent + 3}`, isFraud: true })
  const place = join(folder, 'copy')
  cpSync(join(folder, 'alive', 'log'), join(place, 'log'), { recursive: true })
  const restored = await restoreIn(place, twin.nowMs, { model: GENUINE_MODEL })
  expect(restored.snapshot).toBe(sequence)
  expect(restored).toMatchObject({ differing: 0 })
  service = await keptService(place, live, twin, GENUINE_MODEL)
  expect(service.pipeline.status().log.waitingLabels).toBe(2)
  // More than the delay of 30 s: labels fall due, and the transaction comes that a label waits for.
  for (const one of [service, twin]) await one.send(90)
  await expectSame(place)
  expect(service.pipeline.status().log.waitingLabels).toBe(1)
  expect(service.pipeline.status().log.lastSequence).toBe(twin.pipeline.status().log.lastSequence)
})

/** A transaction that never comes. */
const LATER = 't1000000'

/** Decides until a snapshot has states that are further than its receipts: the store lags behind the log. */
const snapshotAhead = async (): Promise<SnapshotManifest> => {
  for (;;) {
    await twin.send(5)
    const manifest = await takeSnapshot({
      store: twin.store,
      log: openLogReader(twin.logFolder),
      decider: createDecider({ champion: GENUINE_MODEL }),
      observer: silentObserver,
      layout: { cleaningOf: async () => GENUINE_MODEL.cleaning, isOwn: () => true },
      identity: twin.pipeline.identity,
      folder: twin.logFolder,
      nowMs: twin.nowMs,
      isOver: () => false,
    })
    if (manifest !== undefined && manifest.savedThrough !== manifest.sequence) return manifest
  }
}

const logFolder = () => join(folder, 'lost', 'log')
const stateFolder = () => join(folder, 'lost', 'state')
const reopen = () => keptService(join(folder, 'lost'), KEEPING, before)

let processes = 3_500_000_000
const owner = () => ({
  processId: processes++,
  host: 'here',
  processSpace: 'test',
  isAlive: () => false,
})
const openStore = (at = stateFolder()) => openLmdbStateStore({ folder: at, owner: owner() })

/** As before a restore that was refused. */
const isUntouched = async (): Promise<void> => {
  const store = await openStore()
  expect(await store.readNote('loading')).toBeUndefined()
  await store.close()
}

const restore = (options: Partial<RestoreOwnedOptions> = {}) =>
  restoreIn(join(folder, 'lost'), before.nowMs, options)

const restoreIn = async (
  place: string,
  nowMs: number,
  options: Partial<RestoreOwnedOptions> = {},
): Promise<RestoredOwned> => {
  const store = await openStore(join(place, 'state'))
  const log = await openTestLog(join(place, 'log'))
  try {
    return await restoreOwnedStates({
      store,
      storeName: 'the store',
      model: CHAMPION,
      log,
      folder: join(place, 'log'),
      force: false,
      settings: { ...TEST_SETTINGS, receiptLifeMs: DAY_MS, waitingLifeMs: DAY_MS },
      world: { ...TEST_WORLD, now: () => nowMs },
      work: unwatchedWork(DATABASE),
      ...options,
    })
  } finally {
    await store.close()
    await log.close()
  }
}

/** Opens it again, and has it decide beside its twin. */
const goesOn = async (): Promise<void> => {
  service = await reopen()
  await expectSame(join(folder, 'lost'))
}

/** Features, numbers and counts of states of what both decide from here on, and no difference in the log. */
const expectSame = async (place: string): Promise<void> => {
  expect(service.pipeline.identity.logName).toBe(twin.pipeline.identity.logName)
  const { sent } = service
  for (const one of [service, twin]) await one.send(12)
  for (let n = sent; n < sent + 12; n++) {
    const [found, wanted] = [await service.pipeline.find(`t${n}`), await twin.pipeline.find(`t${n}`)]
    expect({ ...found, latencyMs: 0 }).toEqual({ ...wanted, latencyMs: 0 })
  }
  // Each saves in its own time.
  await eventually(async () => expect(await service.count()).toEqual(await twin.count()))
  const work = unwatchedWork(DATABASE)
  const log = join(place, 'log')
  for (const { report } of await parityOfLog({
    folders: [log],
    openLog: openLogReader,
    workFolder: folder,
    work,
  }))
    expect(report).toMatchObject({ differing: [], missing: 0, extra: 0 })
}
