import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { writeSegment } from '../adapters/segments/write-segment.ts'
import { openTestLog, silentObserver, testFolder } from '../decisions/inference.test-kit.ts'
import { readCatalog } from '../decisions/log/archive-catalog.ts'
import { rememberLost } from '../decisions/log/log-gaps.ts'
import { readFrontier } from '../decisions/owned/frontier.ts'
import { unwatchedWork } from '../disk/work.ts'
import { DATABASE, KEEPING, type KeptService, keptService } from '../keeping/kept-log.test-kit.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import { recoverLog } from './recover-log.ts'
import { verifyLog } from './verify-log.ts'

/* Logs as a power failure left them of versions that archived what was not on the disk yet. */

let folder: string
let remove: () => void
let service: KeptService
beforeEach(async () => {
  ;({ folder, remove } = testFolder())
  const forever = { ...KEEPING, snapshotEveryMs: 0, keepMs: Number.POSITIVE_INFINITY }
  service = await keptService(folder, forever)
})
afterEach(async () => {
  await service.pipeline.close().catch(() => undefined)
  remove()
})

describe('a log whose archive goes further than its segments', () => {
  /** Numbers that the log has given. */
  let given = 0
  beforeEach(async () => {
    // Two segments, then the states of that moment.
    await service.send(20)
    await service.pipeline.saveLogs()
    await service.send(20)
    await service.pipeline.close()
    cpSync(service.stateFolder, join(folder, 'states-of-before'), { recursive: true })
    cpSync(segments(), join(folder, 'segments-of-before'), { recursive: true })
    await service.reopen()
    await service.send(10)
    await service.pipeline.saveLogs()
    await service.send(10)
    await service.pipeline.saveLogs()
    await service.send(10)
    given = service.pipeline.status().log.lastSequence
    await service.pipeline.saveLogs()
    await service.pipeline.close()
    // The power fails: states and segments are those of before, the last segment of them without its end.
    rmSync(service.stateFolder, { recursive: true })
    cpSync(join(folder, 'states-of-before'), service.stateFolder, { recursive: true })
    rmSync(segments(), { recursive: true })
    cpSync(join(folder, 'segments-of-before'), segments(), { recursive: true })
    const last = join(segments(), readdirSync(segments()).sort().at(-1)!)
    truncateSync(last, Math.floor(statSync(last).size / 2))
  })

  test('is opened by nobody, and verifying says what is behind', async () => {
    await expect(service.reopen()).rejects.toMatchObject({
      code: 'SERVING_LOG_GAPS',
      fix: expect.stringContaining('vigia log recover'),
    })
    expect(await verify()).toMatchObject({ beyondEnd: { last: given }, gaps: [], isWhole: false })
  })

  test('has all of its records again: the server goes on behind them, and parity is zero differing values', async () => {
    const { recovered, problems, gaps, lastSequence } = await recovering()
    expect([problems, gaps, lastSequence, recovered.at(-1)!.last]).toEqual([[], [], given, given])
    expect(await verify()).toMatchObject({ beyondEnd: undefined, lastSequence: given, isWhole: true })
    // A second time there is nothing to do.
    expect(await recovering()).toMatchObject({ recovered: [], lastSequence: given })
    await service.reopen()
    await service.send(10)
    expect(service.pipeline.status().log.lastSequence).toBeGreaterThan(given)
    const { sequence } = (await service.pipeline.find('t69'))!
    expect(sequence).toBeLessThanOrEqual(given)
    await expectParity({ rows: service.sent, differing: [], missing: 0, extra: 0 })
    // Archived again, under the same names.
    await service.pipeline.saveLogs()
    await expectParity({ rows: service.sent, differing: [], missing: 0, extra: 0 })
    expect(await verify()).toMatchObject({ isWhole: true, doubledNumbers: [], doubledTransactions: [] })
  })

  test('loses what a file of its archive has lost: its numbers are named, accepted, and missed by parity', async () => {
    const [middle] = (await readCatalog(service.logFolder)).slice(-2)
    const path = join(service.logFolder, middle!.files[0]!.name)
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 4
    writeFileSync(path, bytes)
    const { problems, gaps, lastSequence } = await recovering()
    expect(problems).toMatchObject([{ reason: expect.stringContaining('its SHA-256 is ') }])
    expect(gaps).toMatchObject([{ first: middle!.first, last: middle!.last }])
    expect(lastSequence).toBe(given)
    await expect(service.reopen()).rejects.toMatchObject({ code: 'SERVING_LOG_BEHIND' })
    rmSync(path)
    await expect(service.reopen()).rejects.toMatchObject({ code: 'SERVING_LOG_GAPS' })
    // As `vigia log accept` does.
    const log = await openTestLog(service.logFolder)
    await rememberLost(log, [{ first: middle!.first, last: middle!.last, reason: 'accepted' }])
    await log.close()
    const warned = vi.spyOn(silentObserver, 'warned').mockImplementation(() => undefined)
    await service.reopen()
    await service.send(1)
    expect(new Set(warned.mock.calls.map(([code]) => code))).toEqual(new Set(['SERVING_REPLAY_DIFFERS']))
    warned.mockRestore()
    const { rows, missing, differing } = await parity()
    // Five labels are gone too; what was decided in view of all of them comes out otherwise.
    expect([rows, missing]).toEqual([service.sent - 10, 10])
    expect(differing).toContainEqual({ feature: 'user_tx_count_10s', count: 10, largest: 2 })
  })

  test('takes nothing from the archive of another log', async () => {
    const [first] = readdirSync(segments()).sort()
    const { sequence, payload } = await firstRecord()
    const other = payload.slice()
    // Another transaction under the same number.
    const at = Buffer.from(other).indexOf('"t20"')
    other[at + 1]! ^= 1
    writeSegment(service.logFolder, first!, [{ sequence, payload: other }])
    const before = readdirSync(segments())
    await expect(recovering()).rejects.toMatchObject({
      code: 'SERVING_LOG_MIXED',
      message: expect.stringContaining(`record ${sequence} in ${first} is another one`),
    })
    expect(readdirSync(segments())).toEqual(before)
  })
})

describe('a log that has lost all of its segments', () => {
  let given = 0
  beforeEach(async () => {
    await service.send(20)
    await service.pipeline.saveLogs()
    await service.send(20)
    await service.pipeline.saveLogs()
    await service.pipeline.close()
    cpSync(service.stateFolder, join(folder, 'states-of-before'), { recursive: true })
    await service.reopen()
    await service.send(10)
    await service.pipeline.saveLogs()
    await service.send(10)
    given = service.pipeline.status().log.lastSequence
    await service.pipeline.saveLogs()
    await service.pipeline.close()
    rmSync(segments(), { recursive: true })
  })

  test('has the last of its archive again, which says its numbers: states that have everything need no more', async () => {
    const [last] = (await readCatalog(service.logFolder)).slice(-1)
    const { recovered, lastSequence } = await recovering()
    expect(recovered).toEqual([{ first: last!.first, last: given }])
    expect(lastSequence).toBe(given)
    await service.reopen()
    await service.send(10)
    expect((await service.pipeline.find(`t${service.sent - 1}`))!.sequence).toBeGreaterThan(given)
    await expectParity({ rows: service.sent, differing: [], missing: 0, extra: 0 })
    expect(await verify()).toMatchObject({ isWhole: true })
  })

  test('has what earlier states lack', async () => {
    rmSync(service.stateFolder, { recursive: true })
    cpSync(join(folder, 'states-of-before'), service.stateFolder, { recursive: true })
    const [, , third] = await readCatalog(service.logFolder)
    const { recovered } = await recovering()
    expect(recovered).toEqual([{ first: third!.first, last: given }])
    await service.reopen()
    await service.send(10)
    await expectParity({ rows: service.sent, differing: [], missing: 0, extra: 0 })
    expect(await verify()).toMatchObject({ isWhole: true })
  })
})

const segments = (): string => join(service.logFolder, 'segments')

const firstRecord = async () => {
  for await (const record of openLogReader(service.logFolder).read(0)) return record
  throw new Error('the log has no record')
}

const recovering = async () => {
  const owner = { processId: 5, host: 'here', processSpace: 'test', isAlive: () => false }
  const store = await openLmdbStateStore({ folder: service.stateFolder, owner })
  const { savedThrough } = await readFrontier(store)
  await store.close()
  const log = await openTestLog(service.logFolder)
  try {
    const work = unwatchedWork(DATABASE)
    return await recoverLog({
      folder: service.logFolder,
      log,
      savedThrough,
      writeSegment,
      workFolder: folder,
      work,
    })
  } finally {
    await log.close()
  }
}

const verify = () =>
  verifyLog({
    folder: service.logFolder,
    log: openLogReader(service.logFolder),
    workFolder: folder,
    work: unwatchedWork(DATABASE),
  })

const parity = async () => {
  const [compared] = await parityOfLog({
    folders: [service.logFolder],
    openLog: openLogReader,
    workFolder: folder,
    work: unwatchedWork(DATABASE),
  })
  return compared!.report
}

const expectParity = async (report: object): Promise<void> => expect(await parity()).toMatchObject(report)
