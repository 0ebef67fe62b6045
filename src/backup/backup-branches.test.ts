import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copyLmdbStates } from '../adapters/lmdb/copy-lmdb-states.ts'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { branchFolder } from '../branches/branch-folders.ts'
import {
  type BranchedService,
  build,
  logFolder,
  NEW,
  OLD,
  openBranched,
  openStore,
  parityOf,
  stateFolder,
  WORK,
} from '../branches/branches.test-kit.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { frontierReceipts } from '../decisions/owned/frontier.ts'
import { memoryTarget } from './memory-target.test-kit.ts'
import { restoreBackup } from './restore-backup.ts'
import { takeBackup } from './take-backup.ts'

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

const backUpAndRestore = async (): Promise<string> => {
  const target = memoryTarget()
  await takeBackup({
    target,
    source: { copySegments, readLog: openLogReader, copyStates: copyLmdbStates },
    log: logFolder(folder),
    states: stateFolder(folder),
    workFolder: root,
    version: '0.0.0',
    world: { now: () => 1e12 },
    work: WORK,
  })
  const to = join(root, 'restored')
  await restoreBackup({
    target,
    at: undefined,
    to,
    openStates: openStore,
    world: { newId: () => 'abcdef012345' },
    work: WORK,
  })
  return to
}

const GONE = {
  code: 'SERVING_BRANCH_FAILED',
  details: { reason: expect.stringContaining('in its archive alone') },
}

describe('a backup of a service with states of several layouts', () => {
  test('is taken though some of them cannot follow the log any more, and restored it is as it was', async () => {
    await service.send(20)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.send(5)
    await service.pipeline.close()
    // A disk that was not there for a while.
    const place = branchFolder(stateFolder(folder), NEW.layoutKey)
    renameSync(place, join(root, 'away'))
    service = await openBranched(folder, OLD, service)
    await service.send(20)
    await service.pipeline.saveLogs()
    await service.send(5)
    await service.pipeline.close()
    renameSync(join(root, 'away'), place)
    service = await openBranched(folder, OLD, service)
    await expect(service.pipeline.useModels({ champion: NEW })).rejects.toMatchObject(GONE)
    await service.send(5)
    const restored = await backUpAndRestore()
    await service.pipeline.close()
    service = await openBranched(restored, OLD, service)
    expect(service.branches.list()).toMatchObject([{ layoutKey: NEW.layoutKey }])
    await expect(service.pipeline.useModels({ champion: NEW })).rejects.toMatchObject(GONE)
    await service.send(5)
    await service.pipeline.close()
    expect(await parityOf(restored)).toEqual({
      old: { rows: 60, differing: 0, missing: 0, extra: 0, unchecked: 0 },
    })
  })
  test('is taken though some have records that the log has lost', async () => {
    await service.send(20)
    await build(folder, NEW)
    await service.branches.adopt(NEW)
    await service.pipeline.close()
    // As a power failure leaves a log of `durability: process` whose branch was saved last.
    const store = await openStore(branchFolder(stateFolder(folder), NEW.layoutKey))
    await store.save([], frontierReceipts({ savedThrough: 30, storedUpTo: 30 }))
    await store.close()
    service = await openBranched(folder, OLD, service)
    await expect(service.pipeline.useModels({ champion: NEW })).rejects.toMatchObject(LOST)
    const restored = await backUpAndRestore()
    await service.pipeline.close()
    service = await openBranched(restored, OLD, service)
    await expect(service.pipeline.useModels({ champion: NEW })).rejects.toMatchObject(LOST)
  })
})

const LOST = {
  code: 'SERVING_BRANCH_FAILED',
  details: { reason: 'they have records after 25, which the log has lost' },
}
