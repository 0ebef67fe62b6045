import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFileJournal } from '../adapters/journal/file-journal.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { ServedModel } from '../decisions/inference-pipeline.ts'
import { logsOf, looksName, reportsIn } from '../monitoring/look-settings.ts'
import { savedReports } from '../monitoring/saved-reports.ts'
import type { RunRecord, ScheduleEntry } from '../scheduling/run-book.ts'
import { createMemoryTrackingStore } from '../tracking/memory-tracking-store.test-kit.ts'
import { scheduledLooks } from './scheduled-looks.ts'

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const NOW_MS = Date.parse('2026-12-01T12:00:00Z')
const MODEL = {
  role: 'champion',
  name: 'fraud',
  version: '3',
  source: 'nowhere',
  sha256: 'ab',
} as ServedModel

const openLooks = (assignments: readonly string[] = []) => {
  const owner = { processId: process.pid, host: 'here', isAlive: () => true }
  const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: folder })
  const world = { now: () => NOW_MS, monotonicMs: () => 0, newId: () => 'token' }
  const looks = scheduledLooks(
    { settings, environment: {}, workingDirectory: folder },
    { world, owner, openTrackingStore: () => createMemoryTrackingStore() },
  )
  const { path } = settings.monitoring
  const journal = openFileJournal<ScheduleEntry>({
    folder: path,
    owner,
    now: Date.now,
    failure: 'SCHEDULE_JOURNAL_FAILED',
  })
  const job = looksName(logsOf(settings))
  const timetable = JSON.stringify([job, '20 0 * * *', 'UTC'])
  /** A run of another process. */
  const runOf = (changes: Partial<RunRecord>): RunRecord => ({
    id: `${job} ${changes.scheduledForMs} #1`,
    job,
    timetable,
    scheduledForMs: NOW_MS,
    attempt: 1,
    by: 'another',
    startedMs: NOW_MS,
    claimedUntilMs: NOW_MS,
    ...changes,
  })
  return {
    looks,
    path,
    settings,
    timetable,
    runOf,
    write: (entry: ScheduleEntry) => journal.transact(() => ({ append: entry, result: 0 })),
  }
}

const started = async (looks: ReturnType<typeof openLooks>['looks']) => {
  const warnings: (readonly [string, object])[] = []
  const stop = looks.start({ models: () => [MODEL], warn: (...warning) => warnings.push(warning) })
  await stop()
  return warnings
}

describe('the looks of a server', () => {
  it('touch no disk before it has started, and say when the first one is due', async () => {
    const { looks, path } = openLooks()
    expect(looks.status()).toEqual({ failures: 0, nextMs: Date.parse('2026-12-02T00:20:00Z') })
    await expect(looks.readReport('json')).rejects.toMatchObject({
      code: 'MONITORING_NO_REPORT',
      message: expect.stringContaining('due at 2026-12-02T00:20:00.000Z'),
    })
    expect([await looks.runs(), existsSync(path)]).toEqual([[], false])
    expect(await started(looks)).toEqual([])
    expect(readFileSync(join(path, 'journal.jsonl'), 'utf8')).toContain('20 0 * * *')
  })

  it('tell what others found, the newest look first, and the latest that measured something', async () => {
    const { looks, timetable, runOf, write } = openLooks()
    const first = runOf({
      scheduledForMs: Date.parse('2026-11-30T00:20:00Z'),
      startedMs: 1000,
      endedMs: 5000,
      outcome: 'done',
      detail: 'moderate',
      figures: { severity: 'moderate', date: '2026-11-29' },
    })
    const last = runOf({
      scheduledForMs: Date.parse('2026-12-01T00:20:00Z'),
      endedMs: 9000,
      outcome: 'done',
      detail: 'no day is over',
    })
    await write({ version: 1, through: { [timetable]: last.scheduledForMs }, runs: [first, last] })
    expect(await started(looks)).toEqual([])
    expect(looks.status()).toMatchObject({
      latest: { figures: { severity: 'moderate' }, endedMs: 5000, durationMs: 4000 },
      failures: 0,
    })
    expect((await looks.runs()).map(({ detail, outcome }) => [detail, outcome])).toEqual([
      ['no day is over', 'done'],
      ['moderate', 'done'],
    ])
  })

  it('that were missed and that died are warnings, and those that died failures', async () => {
    const { looks, timetable, runOf, write } = openLooks(['monitoring.missed=skip'])
    const dead = runOf({ scheduledForMs: Date.parse('2026-11-27T00:20:00Z'), claimedUntilMs: NOW_MS - 1 })
    await write({ version: 1, through: { [timetable]: dead.scheduledForMs }, runs: [dead] })
    expect(await started(looks)).toEqual([
      ['MONITORING_LOOK_FAILED', expect.objectContaining({ scheduled_for: '2026-11-27T00:20:00.000Z' })],
      ['MONITORING_LOOKS_MISSED', expect.objectContaining({ count: 4, from: '2026-11-28T00:20:00.000Z' })],
    ])
    expect(looks.status().failures).toBe(1)
  })

  it('run in a process of their own: what goes wrong in it is a warning, a failure and a line of the audit', async () => {
    const { looks, timetable, write } = openLooks()
    await write({ version: 1, through: { [timetable]: NOW_MS - 86_400_000 } })
    const warnings: (readonly [string, object])[] = []
    const stop = looks.start({ models: () => [MODEL], warn: (...warning) => warnings.push(warning) })
    await expect.poll(async () => (await looks.runs())[0]?.outcome, { timeout: 580_000 }).toBe('failed')
    await stop()
    expect((await looks.runs())[0]).toMatchObject({
      scheduledForMs: Date.parse('2026-12-01T00:20:00Z'),
      detail: expect.stringContaining('nowhere'),
    })
    expect(warnings).toEqual([
      ['MONITORING_LOOK_FAILED', expect.objectContaining({ reason: expect.stringContaining('nowhere') })],
    ])
    expect(looks.status()).toMatchObject({ failures: 1 })
    const [{ attempt, endedMs, againMs } = { attempt: 0, endedMs: 0, againMs: 0 }] = await looks.runs()
    expect([attempt, againMs! - endedMs!]).toEqual([1, 600_000])
  }, 600_000)

  it('hand out the latest report as it was kept', async () => {
    const { looks, path, settings } = openLooks()
    const save = (logs: readonly string[], html: string, atMs: number) =>
      savedReports(reportsIn(path, logs), () => '').save(atMs, { json: '{}', html }, 9)
    await save(logsOf(settings), '<p>', NOW_MS)
    // A server with another log that shares the folder.
    await save(['/srv/another/log'], '<another>', NOW_MS + 1000)
    expect([await looks.readReport('json'), await looks.readReport('html')]).toEqual(['{}', '<p>'])
  })
})
