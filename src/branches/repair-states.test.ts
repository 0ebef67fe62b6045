import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { openTestLog, testFolder } from '../decisions/inference.test-kit.ts'
import { layoutFolder } from '../decisions/log/log-layouts.ts'
import {
  type BranchedService,
  build,
  logFolder,
  NEW,
  OLD,
  openBranched,
  parityOf,
  payment,
  WORK,
} from './branches.test-kit.ts'
import { findUntrueTimes, logRepairs, type RepairStatesOptions } from './repair-states.ts'

const DAY_MS = 86_400_000
const BOUNDS = { maxFutureMs: DAY_MS, maxAgeMs: 3650 * DAY_MS }

let root: string
let remove: () => void
let opened: BranchedService[]
beforeEach(() => {
  ;({ folder: root, remove } = testFolder())
  opened = []
})
afterEach(async () => {
  for (const { pipeline } of opened) await pipeline.close().catch(() => undefined)
  remove()
})

const open = async (...args: Parameters<typeof openBranched>): Promise<BranchedService> => {
  const service = await openBranched(...args)
  opened.push(service)
  return service
}

const find = (folder: string, more: Partial<RepairStatesOptions> = {}) =>
  findUntrueTimes({
    folders: [logFolder(folder)],
    openLog: openLogReader,
    workFolder: folder,
    eventTime: BOUNDS,
    work: WORK,
    ...more,
  })

/** Blinds a user, a merchant and a device of both layouts; then those that have followed decide. */
const serve = async (folder: string, isBlinded: boolean): Promise<void> => {
  const service = await open(folder, OLD)
  await service.send(20)
  await build(folder, NEW)
  await service.branches.adopt(NEW)
  await service.send(10)
  if (isBlinded)
    await service.pipeline.predict(
      { ...payment(1), transactionId: 'ahead', eventTimeMs: 1e12 + 40 * DAY_MS },
      0,
    )
  await service.send(15)
  await service.pipeline.useModels({ champion: NEW })
  await service.send(10)
  await service.pipeline.close()
}

const writeRepairs = async (folder: string, found: Awaited<ReturnType<typeof find>>): Promise<void> => {
  const log = await openTestLog(logFolder(folder))
  await logRepairs(log, found, logFolder(folder), 1e12)
  await log.close()
}

/** Features of the next ten transactions, the last five decided by the other model. */
const featuresOfNext = async (folder: string): Promise<unknown[]> => {
  const service = await open(folder, NEW, { sent: 55, nowMs: 1e12 })
  const next: unknown[] = []
  for (let n = 60; n < 70; n++) {
    if (n === 65) await service.pipeline.useModels({ champion: OLD })
    await service.predict(n)
    next.push([...(await service.pipeline.find(`t${n}`))!.features])
  }
  expect(service.warnings).toEqual([])
  await service.pipeline.close()
  return next
}

const whole = (rows: number) => ({ rows, differing: 0, missing: 0, extra: 0, unchecked: 0 })

describe('repair of a log in which models of several layouts decided', () => {
  test('gives the states of each what they would be without the untrue time', async () => {
    const [blinded, never] = [join(root, 'blinded'), join(root, 'never')]
    await serve(blinded, true)
    await serve(never, false)
    const found = await find(blinded)
    expect(found.transactionIds).toEqual(['ahead'])
    expect(found.states.map(({ kind, layout }) => [kind, layout])).toEqual(
      [undefined, NEW.layoutKey].flatMap((layout) =>
        ['user', 'merchant', 'device'].map((kind) => [kind, layout]),
      ),
    )
    expect(found.layouts).toEqual([
      { layoutKey: OLD.layoutKey, isDeciding: false, after: 0, states: 3 },
      // 20 decisions and 5 labels came before.
      { layoutKey: NEW.layoutKey, isDeciding: true, after: 25, states: 3 },
    ])
    await writeRepairs(blinded, found)
    const again = await find(blinded)
    expect(again).toMatchObject({ states: [], layouts: [{ states: 0 }, { states: 0 }] })
    expect(await featuresOfNext(blinded)).toEqual(await featuresOfNext(never))
    expect(await parityOf(blinded)).toEqual({ old: whole(51), new: whole(15) })
  })

  test('leaves those alone that have no store any more', async () => {
    await serve(root, true)
    const found = await find(root, { isKept: (layoutKey) => layoutKey === NEW.layoutKey })
    expect(found.states.map(({ layout }) => layout)).toEqual([1, 2, 3].map(() => NEW.layoutKey))
    expect(found.layouts).toMatchObject([{ leftOut: 'ended', states: 0 }, { states: 3 }])
  })

  test('says of which layout nobody has the states that it began with', async () => {
    await serve(root, true)
    await rm(layoutFolder(logFolder(root), NEW.layoutKey), { recursive: true })
    const found = await find(root)
    expect(found.layouts).toMatchObject([
      { layoutKey: OLD.layoutKey, states: 3 },
      { layoutKey: NEW.layoutKey, isDeciding: true, leftOut: 'unknown', states: 0 },
    ])
  })

  test('is no part of states that are made anew, which have nothing untrue in them', async () => {
    await serve(root, true)
    await writeRepairs(root, await find(root))
    const service = await open(root, OLD, { sent: 55, nowMs: 1e12 })
    await service.branches.drop(NEW.layoutKey)
    await service.send(5)
    // The first payment of its user is none of the states that the training ended with.
    await build(root, NEW, { eventTime: BOUNDS, seen: new Set(['t1']) })
    await service.branches.adopt(NEW)
    await service.pipeline.useModels({ champion: NEW })
    await service.send(10)
    const last = (await service.pipeline.find('t64'))!.features.get('user_tx_count_60s')
    await service.pipeline.close()
    // Its user's are every seventh of 70, but for one.
    expect(last).toBe(9)
    expect(await find(root)).toMatchObject({ states: [], layouts: [{ states: 0 }, { after: 92, states: 0 }] })
  })
})
