import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/eventually.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { testFolder, testModel } from '../decisions/inference.test-kit.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import { DATABASE, DAY_MS, KEEPING, type KeptService, keptService } from './kept-log.test-kit.ts'

/** Small windows last 110 s; whoever was away for 200 s is begun anew. */
const FORGETFUL = testModel('forgetful', 1, '200s')
const FOREVER = { ...KEEPING, snapshotEveryMs: 0, keepMs: Number.POSITIVE_INFINITY }

let folder: string
let remove: () => void
let service: KeptService
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  service = await keptService(join(folder, 'one'), FOREVER, undefined, FORGETFUL)
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

/** Five users pay, and a day later five others. */
const twoDays = async (): Promise<void> => {
  service.users = 'u'
  await service.send(30)
  service.nowMs += DAY_MS
  service.users = 'v'
  await service.send(30)
}

const expectParity = async (log: string, rows: number): Promise<void> => {
  const options = { folders: [log], openLog: openLogReader, workFolder: folder }
  const [compared] = await parityOfLog({ ...options, work: unwatchedWork(DATABASE) })
  expect(compared!.report).toMatchObject({ rows, differing: [], missing: 0, extra: 0 })
}

describe('states of entities that were away for too long', () => {
  test('expire and leave the store, and whoever comes again is as new, with parity', async () => {
    await twoDays()
    await eventually(() => expect(service.pipeline.status().store.expiredStates).toBeGreaterThanOrEqual(5))
    // Decisions go on, so that saves do.
    await eventually(async () => {
      await service.send(1)
      expect((await service.count())['user']).toBe(5)
    })
    const { sent } = service
    service.users = 'u'
    await service.send(10)
    const { features } = (await service.pipeline.find(`t${sent}`))!
    expect(features.get('user_tx_count_60s')).toBe(1)
    expect(features.get('user_seconds_since_last')).toBe(Number.NaN)
    expect((await service.count())['user']).toBeGreaterThanOrEqual(5)
    await expectParity(service.logFolder, sent + 10)
  })

  test('are expired in a process that replays the log, and in the archive', async () => {
    await twoDays()
    await eventually(() => expect(service.pipeline.status().store.expiredStates).toBeGreaterThanOrEqual(5))
    // As a kill leaves it: nothing is saved, and nothing ends.
    cpSync(join(folder, 'one'), join(folder, 'two'), { recursive: true })
    const other = await keptService(join(folder, 'two'), FOREVER, service, FORGETFUL)
    other.users = 'u'
    await other.send(10)
    await other.pipeline.saveLogs()
    await other.send(10)
    await other.pipeline.close()
    await expectParity(other.logFolder, other.sent)
  })
})

test('nothing expires where a model counts over lives', async () => {
  const model = testModel('lifelong')
  const other = await keptService(join(folder, 'lifelong'), FOREVER, service, model)
  await other.send(30)
  other.nowMs += DAY_MS
  other.users = 'v'
  await other.send(30)
  await eventually(async () => expect((await other.count())['user']).toBe(10))
  expect(other.pipeline.status().store.expiredStates).toBe(0)
  await other.pipeline.close()
})
