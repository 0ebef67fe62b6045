import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { verifyLog } from '../backup/verify-log.ts'
import { testFolder, testModel } from '../decisions/inference.test-kit.ts'
import { readLogLayouts } from '../decisions/log/log-layouts.ts'
import { frontierReceipts } from '../decisions/owned/frontier.ts'
import { StateCache } from '../decisions/owned/state-cache.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { branchFolder } from './branch-folders.ts'
import {
  type BranchedService,
  build,
  logFolder,
  NEW,
  OLD,
  openBranched,
  openStore,
  parityOf,
  payment,
  stateFolder,
  WORK,
} from './branches.test-kit.ts'

let root: string
let folder: string
let remove: () => void
let service: BranchedService
beforeEach(async () => {
  ;({ folder: root, remove } = testFolder())
  folder = join(root, 'one')
  service = await openBranched(folder, OLD)
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

const use = (champion: typeof OLD) => service.pipeline.useModels({ champion })
const whole = (rows: number) => ({ rows, differing: 0, missing: 0, extra: 0, unchecked: 0 })

describe('states of another layout', () => {
  test('decide when a model of it does, and again those of before: parity finds no difference', async () => {
    await service.send(60)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.send(40)
    await use(NEW)
    expect(service.pipeline.models[0]).toMatchObject({ name: 'new' })
    await service.send(50)
    await use(OLD)
    await service.send(30)
    await use(NEW)
    await service.send(20)
    expect(service.warnings).toEqual([])
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(130), new: whole(70) })
  })

  test('may be made before the first decision, and follow from there', async () => {
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    expect(service.branches.list()).toMatchObject([{ through: 0, behind: 0, failure: '' }])
    await service.send(30)
    await use(NEW)
    await service.send(20)
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(30), new: whole(20) })
    service = await openBranched(folder, OLD, service)
    expect(service.warnings).toEqual([])
    expect(service.branches.list()).toMatchObject([{ behind: 0, failure: '' }])
  })

  test('make requests wait when they take over, and the server says how often and how long', async () => {
    const pauses = () => service.pipeline.status().layoutPauses
    await service.send(20)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await use({ ...OLD, key: 'a'.repeat(16) })
    expect(pauses()).toEqual({ count: 0, totalMs: 0, lastMs: 0 })
    await use(NEW)
    const { lastMs } = pauses()!
    expect(pauses()).toEqual({ count: 1, totalMs: lastMs, lastMs })
    expect(lastMs).toBeGreaterThan(0)
    await use(OLD)
    expect(pauses()).toMatchObject({ count: 2, totalMs: lastMs + pauses()!.lastMs })
  })

  test('are switched to under load without a request that fails, and numbers go on', async () => {
    await service.send(30)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    const asked = Array.from({ length: 600 }, async (_, i) => {
      // Some before, some while and some after the switches.
      for (let turn = 0; turn < i / 20; turn++) await new Promise(setImmediate)
      return service.predict(30 + i)
    })
    await use(NEW)
    await use(OLD)
    await use(NEW)
    const answers = await Promise.all(asked)
    expect(new Set(answers.map(({ sequence }) => sequence)).size).toBe(600)
    await service.pipeline.close()
    const parity = await parityOf(folder)
    const rows = (parity['old']?.rows ?? 0) + (parity['new']?.rows ?? 0)
    expect(rows).toBe(630)
    for (const { differing, missing, extra, unchecked } of Object.values(parity))
      expect([differing, missing, extra, unchecked]).toEqual([0, 0, 0, 0])
  })

  test('answer what was decided before as it was answered, and know its labels', async () => {
    await service.send(40)
    await service.pipeline.saveLogs()
    const first = await service.predict(3)
    await service.pipeline.applyFeedback({ transactionId: 'waits', isFraud: true })
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await use(NEW)
    expect(await service.predict(3)).toEqual(first)
    expect(await service.pipeline.applyFeedback({ transactionId: 't10', isFraud: true })).toBe('unchanged')
    expect(await service.pipeline.applyFeedback({ transactionId: 't39', isFraud: true })).toBe('applied')
    await service.pipeline.predict({ ...payment(41), transactionId: 'waits' }, 0)
    expect(await service.pipeline.find('waits')).toMatchObject({ label: { isFraud: true } })
    await expect(service.pipeline.predict({ ...payment(3), amountMinor: 9 }, 0)).rejects.toMatchObject({
      code: 'SERVING_TRANSACTION_DIFFERS',
    })
    expect(await service.pipeline.find('t2')).toMatchObject({ transactionId: 't2', model: { name: 'old' } })
  })

  test.each([
    ['before the switch', OLD, NEW],
    ['after it', NEW, OLD],
  ])('go on after a kill %s, whichever models are served next', async (_, last, next) => {
    await service.send(40)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.send(20)
    await use(NEW)
    await use(last)
    await service.send(30)
    // As a kill leaves it: nothing is saved, and nothing ends.
    const copy = join(root, 'two')
    cpSync(folder, copy, { recursive: true })
    const other = await openBranched(copy, next, service)
    expect(other.pipeline.models[0]).toMatchObject({ name: next.description.name })
    expect(await other.predict(5)).toMatchObject({ isRepeated: true })
    await other.send(30)
    await other.pipeline.useModels({ champion: last })
    await other.send(10)
    expect(other.warnings).toEqual([])
    await other.pipeline.close()
    const parity = await parityOf(copy)
    for (const compared of Object.values(parity))
      expect(compared).toMatchObject({ differing: 0, missing: 0, extra: 0, unchecked: 0 })
    expect(Object.values(parity).reduce((sum, { rows }) => sum + rows, 0)).toBe(130)
  })

  test('keep records in the log that they lack, and end without a trace', async () => {
    await service.send(40)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.send(20)
    await service.pipeline.saveLogs()
    await service.send(5)
    await use(NEW)
    expect(service.branches.list()).toMatchObject([
      { layoutKey: OLD.layoutKey, source: 'old', decidedThrough: 93, failure: '' },
    ])
    await use(OLD)
    const place = branchFolder(stateFolder(folder), NEW.layoutKey)
    expect(existsSync(place)).toBe(true)
    await expect(service.branches.drop(OLD.layoutKey)).rejects.toMatchObject({
      code: 'SERVING_BRANCH_UNKNOWN',
    })
    await service.branches.drop(NEW.layoutKey.slice(0, 8))
    expect(existsSync(place)).toBe(false)
    expect(service.branches.list()).toEqual([])
    await expect(use(NEW)).rejects.toMatchObject({ code: 'SERVING_STATES_FOREIGN' })
    await service.send(5)
  })

  test('are held by nobody when they have ended, also those that a start has found', async () => {
    await service.send(20)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.pipeline.close()
    service = await openBranched(folder, OLD, service)
    await service.send(20)
    const used = new Set<WeakRef<StateCache>>()
    const known = new WeakSet<StateCache>()
    const { bring } = StateCache.prototype
    // A spy would hold them itself.
    StateCache.prototype.bring = function (keys) {
      if (!known.has(this)) used.add(new WeakRef(this))
      known.add(this)
      return bring.call(this, keys)
    }
    const held = () => [...used].filter((cache) => cache.deref() !== undefined).length
    await service.send(20)
    await vi.waitFor(() => expect(held()).toBe(2))
    StateCache.prototype.bring = bring
    await service.branches.drop(NEW.layoutKey)
    await vi.waitFor(() => {
      // It collects all garbage first.
      queryObjects(StateCache, { format: 'count' })
      expect(held()).toBe(1)
    })
    await service.send(5)
  })

  test('end though they are those that the log began with, and are made again', async () => {
    await service.send(40)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await use(NEW)
    await service.send(20)
    await service.branches.drop(OLD.layoutKey)
    await service.pipeline.close()
    service = await openBranched(folder, NEW, service)
    await service.send(10)
    await build(folder, OLD)
    await service.branches.adopt(OLD)
    await use(OLD)
    await service.send(10)
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(50), new: whole(30) })
  })

  test('that are far behind keep no server from ending: they go on where they are at the next start', async () => {
    await build(folder, NEW)
    await service.send(600)
    const adopting = service.branches.adopt(NEW).catch((error: unknown) => error)
    await service.pipeline.close()
    expect(await adopting).toMatchObject({ code: 'SERVING_CLOSING' })
    service = await openBranched(folder, OLD, service)
    await use(NEW)
    await service.send(20)
    expect(service.warnings).toEqual([])
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(600), new: whole(20) })
  })

  test('that no server has taken over are found at the next start, whatever model it serves', async () => {
    await service.send(40)
    await build(folder, NEW)
    await service.pipeline.close()
    service = await openBranched(folder, OLD, service)
    expect(service.warnings).toEqual([])
    expect(service.branches.list()).toMatchObject([{ layoutKey: NEW.layoutKey, failure: '' }])
    await service.send(20)
    await use(NEW)
    await service.send(20)
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(60), new: whole(20) })
  })

  test('that cannot be read are told and left alone: a server decides without them', async () => {
    await service.send(40)
    await build(folder, NEW)
    await service.pipeline.close()
    const store = await openStore(branchFolder(stateFolder(folder), NEW.layoutKey))
    await store.writeNote('founder', '{')
    await store.close()
    service = await openBranched(folder, OLD, service)
    expect(service.warnings).toEqual([expect.stringContaining('SERVING_BRANCH_FAILED')])
    expect(service.branches.list()).toEqual([])
    await service.send(10)
    expect(existsSync(branchFolder(stateFolder(folder), NEW.layoutKey))).toBe(true)
  })

  test('that have records which the log has lost never decide again, whatever numbers it gives since', async () => {
    await service.send(20)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.pipeline.close()
    // As a power failure leaves a log of `durability: process` whose branch was saved last.
    const store = await openStore(branchFolder(stateFolder(folder), NEW.layoutKey))
    await store.save([], frontierReceipts({ savedThrough: 30, storedUpTo: 30 }))
    await store.close()
    service = await openBranched(folder, OLD, service)
    // The log goes on past those numbers, with other records.
    await service.send(20)
    await service.pipeline.close()
    service = await openBranched(folder, OLD, service)
    const lost = {
      code: 'SERVING_BRANCH_FAILED',
      details: { reason: 'they have records after 25, which the log has lost' },
    }
    await expect(use(NEW)).rejects.toMatchObject(lost)
    await service.send(5)
    await service.pipeline.close()
    await expect(openBranched(folder, NEW, service)).rejects.toMatchObject(lost)
  })

  test('of the layout that decides are refused, and are no second ones at the next start', async () => {
    await service.send(40)
    await build(folder, OLD)
    await expect(service.branches.adopt(OLD)).rejects.toMatchObject({ code: 'SERVING_BRANCH_REFUSED' })
    await service.pipeline.close()
    service = await openBranched(folder, OLD, service)
    expect(service.warnings).toEqual([expect.stringContaining('nobody needs those in')])
    expect(service.branches.list()).toEqual([])
    await service.send(20)
    await service.pipeline.close()
    expect(await parityOf(folder)).toEqual({ old: whole(60) })
  })

  test('are refused where they are of another log, or were made of another meaning', async () => {
    await service.send(10)
    await expect(service.branches.adopt(NEW)).rejects.toMatchObject({ code: 'SERVING_BRANCH_UNKNOWN' })
    await build(folder, NEW)
    const other = { ...NEW, settings: { ...NEW.settings, unlabelled: 'genuine_after_delay' as const } }
    await expect(service.branches.adopt(other)).rejects.toMatchObject({ code: 'SERVING_BRANCH_REFUSED' })
    await service.branches.adopt(NEW)
  })

  test('whose beginning is lost leave decisions that nobody can check, and parity says how many', async () => {
    await service.send(40)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await use(NEW)
    await service.send(20)
    await service.pipeline.close()
    rmSync(join(logFolder(folder), 'branches'), { recursive: true })
    expect(await parityOf(folder)).toEqual({
      old: whole(40),
      new: { rows: 0, differing: 0, missing: 0, extra: 0, unchecked: 20 },
    })
  })
})

test('a start that ends after they were opened closes all of them', async () => {
  await service.send(20)
  await build(folder, NEW)
  await service.pipeline.close()
  const open = new Set<string>()
  const wrap = (store: OwnedStateStore, place: string): OwnedStateStore => {
    open.add(place)
    return { ...store, close: () => store.close().then(() => void open.delete(place)) }
  }
  const short = { snapshotEveryMs: 1000, snapshotsKept: 2, keepMs: 2000 }
  await expect(openBranched(folder, OLD, service, short, { wrap })).rejects.toMatchObject({
    code: 'SERVING_KEEP_SHORT',
  })
  expect([...open]).toEqual([])
  service = await openBranched(folder, OLD, service)
  await service.send(5)
})

test('states that are far behind end when somebody wants it, not when they have all of the log', async () => {
  await build(folder, NEW)
  for (let n = 0; n < 200; n++)
    await service.pipeline.predict({ ...payment(n), userId: `of the payment ${n}` }, 0)
  await service.pipeline.close()
  const place = branchFolder(stateFolder(folder), NEW.layoutKey)
  let loads = 0
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const wrap = (store: OwnedStateStore, of: string): OwnedStateStore =>
    of !== place
      ? store
      : {
          ...store,
          load: async (keys) => {
            loads++
            begin()
            await opened
            return store.load(keys)
          },
        }
  service = await openBranched(folder, OLD, service, undefined, { wrap })
  // They follow on a timer, and have begun.
  await begun
  const dropped = service.branches.drop(NEW.layoutKey)
  open()
  await dropped
  expect(loads).toBeLessThan(50)
  expect(existsSync(place)).toBe(false)
})

test('a log that keeps two days begins where replays of all layouts can', async () => {
  const keeping = { snapshotEveryMs: DAY_MS, snapshotsKept: 2, keepMs: 2 * DAY_MS }
  await service.pipeline.close()
  service = await openBranched(join(root, 'kept'), OLD, undefined, keeping)
  folder = join(root, 'kept')
  const endDay = async (): Promise<void> => {
    await service.send(20)
    service.nowMs += DAY_MS
    await service.pipeline.saveLogs()
  }
  await endDay()
  await build(folder, NEW)
  await service.branches.adopt(NEW)
  await endDay()
  await use(NEW)
  for (let day = 0; day < 4; day++) await endDay()
  await use(OLD)
  await endDay()
  expect(service.pipeline.status().log.firstSequence).toBeGreaterThan(30)
  await service.pipeline.close()
  const parity = await parityOf(folder)
  for (const compared of Object.values(parity))
    expect(compared).toMatchObject({ differing: 0, missing: 0, extra: 0, unchecked: 0 })
  expect(parity['old']?.rows).toBe(20)
  const verified = await verifyLog({
    folder: logFolder(folder),
    log: openLogReader(logFolder(folder)),
    workFolder: root,
    work: WORK,
  })
  expect(verified.isWhole).toBe(true)
  expect((await readLogLayouts(openLogReader(logFolder(folder))))?.begun).toHaveLength(1)
})

test('a model that was trained again goes on from the states, whatever cleaning was fitted anew', async () => {
  const capped = { ...OLD.cleaning, amountCapMinor: 110 }
  const trained = testModel('again', 3)
  const again = {
    ...trained,
    layoutKey: OLD.layoutKey,
    statesKey: 'other',
    cleaning: capped,
    artifact: {
      manifest: {
        ...trained.artifact.manifest,
        fitted: { ...(trained.artifact.manifest.fitted as object), cleaning: capped },
      },
    } as never,
  }
  await service.send(30)
  await use(again)
  await service.send(30)
  // As a kill leaves it: what the first model decided is replayed by its own cleaning.
  const copy = join(root, 'two')
  cpSync(folder, copy, { recursive: true })
  const other = await openBranched(copy, again, service)
  await other.send(30)
  expect(other.warnings).toEqual([])
  await other.pipeline.close()
  expect(await parityOf(copy)).toEqual({ old: whole(30), again: whole(60) })
})

const DAY_MS = 86_400_000
