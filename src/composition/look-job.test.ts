import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS, finding, openDesk } from '../alerts/alerts.test-kit.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import type { ServedModel } from '../decisions/inference-pipeline.ts'
import { VigiaError } from '../errors.ts'
import { testFigures } from '../monitoring/look-figures.test-kit.ts'
import { reportsIn } from '../monitoring/look-settings.ts'
import { AlmostDone } from '../scheduling/scheduled-job.ts'
import { ProcessEnded } from '../threads/run-in-process.ts'
import { type LookJobParts, lookJob } from './look-job.ts'
import type { LookAnswer, LookRequest } from './look-process.ts'
import type { LookRoom } from './look-room.ts'

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

const SCHEDULED_MS = Date.parse('2026-12-01T00:20:00Z')
const CHAMPION = {
  role: 'champion',
  name: 'fraud',
  version: '3',
  sha256: 'ab'.repeat(32),
  source: 'models:/fraud@production',
} as ServedModel
const SHADOW = { ...CHAMPION, role: 'shadow', version: '4' } as ServedModel

const ROOM: LookRoom = { sortMiB: 512, heapMiB: 256, spillBytes: 1 << 30 }

const ANSWER: LookAnswer = {
  look: {
    id: '2026-11-30 abababababababab',
    model: 'fraud',
    monitor: 'daily',
    everyMs: DAY_MS,
    kinds: ['drift', 'score_drift'],
    findings: [finding('critical')],
  },
  figures: testFigures({ severity: 'critical', statistic: 9.5 }),
  found: { id: 'daily 2026-11-30', champion: 'ab'.repeat(8), findings: [], brokenDays: [20_000] },
}

const openJob = (
  takeLook: LookJobParts['takeLook'],
  assignments: readonly string[] = [],
  track: LookJobParts['track'] = () => Promise.reject(new Error('not asked for')),
  roomNow: LookJobParts['roomNow'] = async () => ROOM,
  tellRetraining?: LookJobParts['tellRetraining'],
) => {
  let isDeaf = false
  const warnings: (readonly [string, object])[] = []
  const desk = openDesk()
  const { settings } = loadServingConfig({ environment: {}, assignments, workingDirectory: folder })
  const job = lookJob({
    settings,
    environment: {},
    workingDirectory: folder,
    world: { now: () => SCHEDULED_MS + 5000 },
    openAlerts: async () => {
      if (isDeaf)
        throw new VigiaError('ALERT_JOURNAL_FAILED', { location: 'alerts', reason: 'no space left' })
      return { center: desk.another(), channels: [desk.channel], broken: new Map() }
    },
    server: { models: () => [SHADOW, CHAMPION], warn: (...warning) => warnings.push(warning) },
    takeLook,
    track,
    roomNow,
    ...(tellRetraining !== undefined && { tellRetraining }),
  })
  const run = (signal = new AbortController().signal, atMs = SCHEDULED_MS) => job.run(atMs, signal)
  /** What is heard by the alerts from now on. */
  const listen = (hears: boolean): void => {
    isDeaf = !hears
  }
  return { desk, job, run, listen, warnings, path: settings.monitoring.path }
}

const fails =
  (error: unknown): LookJobParts['takeLook'] =>
  () =>
    Promise.reject(error)

describe('a scheduled look', () => {
  it('hands what it found to retraining, and is done also where that cannot be written down', async () => {
    const told: unknown[] = []
    const { run, listen } = openJob(
      async () => ANSWER,
      [],
      undefined,
      undefined,
      async (found) => {
        told.push(found)
      },
    )
    // Whatever the alerts hear of it.
    listen(false)
    await expect(run()).rejects.toThrow()
    listen(true)
    await run()
    expect(told).toEqual([ANSWER.found])
    const details = { location: 'retraining', reason: 'no room' }
    const failing = openJob(
      async () => ANSWER,
      [],
      undefined,
      undefined,
      () => Promise.reject(new VigiaError('RETRAINING_JOURNAL_FAILED', details)),
    )
    expect(await failing.run()).toMatchObject({ figures: ANSWER.figures })
    expect(failing.warnings.map(([code]) => code)).toEqual(['RETRAINING_JOURNAL_FAILED'])
  })

  it('is at the model in service by its version, at the log of the server, and is told to the alerts once', async () => {
    const asked: LookRequest[] = []
    const { desk, run, path } = openJob(async (request) => {
      asked.push(request)
      return ANSWER
    })
    expect(await run()).toEqual({
      detail: '2026-11-30: critical, 2 features beyond the limit, 10000 rows',
      figures: ANSWER.figures,
    })
    await run()
    await desk.center.deliver()
    expect(desk.channel.received.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(['drift fired'])
    expect(asked[0]).toMatchObject({
      served: { source: 'models:/fraud/3', sha256: CHAMPION.sha256 },
      folders: [join(folder, '.vigia/log')],
      looks: 7,
      atMs: SCHEDULED_MS,
      everyMs: DAY_MS,
      reports: { folder: reportsIn(path, [join(folder, '.vigia/log')]), most: 60 },
      room: ROOM,
      drift: { falseAlarms: 0.05, severe: { shift: 0.25, stability: 0.25, ratio: 3 } },
    })
  })

  it('is at all logs of servers that share their states, where the settings name them', async () => {
    const asked: LookRequest[] = []
    const { run } = openJob(
      async (request) => {
        asked.push(request)
        return ANSWER
      },
      ['monitoring.logs=["a/log","b/log"]', 'monitoring.schedule=0 6 * * MON-FRI'],
    )
    await run()
    expect(asked[0]!.folders).toEqual([join(folder, 'a/log'), join(folder, 'b/log')])
    expect(asked[0]!.everyMs).toBe(3 * DAY_MS)
  })

  it('of a log without a day that is over is no failure, and tells nobody', async () => {
    const { desk, run } = openJob(
      fails(
        new VigiaError('MONITORING_NOTHING_TO_LOOK_AT', { folder: 'log', reason: 'nothing was decided' }),
      ),
    )
    expect(await run()).toEqual({ detail: expect.stringContaining('nothing was decided') })
    expect((await desk.center.book()).monitors.size).toBe(0)
  })

  it('begins without what an earlier one has left, and leaves nothing, however it ends', async () => {
    let seen: boolean | undefined
    const { job, run, path } = openJob(async ({ workFolder }) => {
      seen = existsSync(join(workFolder, 'left'))
      mkdirSync(workFolder, { recursive: true })
      throw new Error('no room')
    })
    const [own, others] = [job.name, 'looks-of-another-log'].map((name) => join(path, name, 'work'))
    for (const work of [own!, others!]) {
      mkdirSync(work, { recursive: true })
      writeFileSync(join(work, 'left'), '')
    }
    await expect(run()).rejects.toThrow('no room')
    expect([seen, existsSync(own!), existsSync(join(others!, 'left'))]).toEqual([false, false, true])
  })

  it('whose process dies has failed, with how it ended', async () => {
    const { run } = openJob(fails(new ProcessEnded('it was ended by SIGKILL', '')))
    await expect(run()).rejects.toMatchObject({
      code: 'MONITORING_LOOK_FAILED',
      message: expect.stringContaining('ended by SIGKILL'),
    })
  })

  it('that has no room has failed before it begins', async () => {
    const asked: LookRequest[] = []
    const short = new VigiaError('MONITORING_DISK_SHORT', { folder: 'f', free: 9, kept: 256, needed: 20 })
    const { run } = openJob(
      async (request) => {
        asked.push(request)
        return ANSWER
      },
      [],
      undefined,
      () => Promise.reject(short),
    )
    await expect(run()).rejects.toBe(short)
    expect(asked).toEqual([])
  })

  it('that takes too long is ended and has failed', async () => {
    const { run } = openJob(
      (_request, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ['monitoring.timeout=1ms'],
    )
    await expect(run()).rejects.toMatchObject({
      code: 'MONITORING_LOOK_FAILED',
      message: expect.stringContaining('monitoring.timeout, which is 1ms'),
    })
  })

  it('is a job of its own for each set of logs, wherever its folder is', () => {
    const nameWith = (...settings: readonly string[]) => openJob(fails(new Error('none')), settings).job.name
    const logs = 'monitoring.logs=["a/log","b/log"]'
    expect(nameWith(logs)).toBe(nameWith(logs, 'prediction_log.path=b/log'))
    expect(nameWith()).not.toBe(nameWith('prediction_log.path=b/log'))
  })

  it('ends with the server, and says that', async () => {
    const ending = new AbortController()
    const { run } = openJob(
      (_request, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    const running = run(ending.signal)
    ending.abort(new VigiaError('SCHEDULE_RUN_ENDED', { job: 'looks', scheduledFor: 'now' }))
    await expect(running).rejects.toMatchObject({ code: 'SCHEDULE_RUN_ENDED' })
  })

  it('is written into the experiment of the settings; a tracker that fails is a warning', async () => {
    const tracked: [string, string][] = []
    const answer = async () => ANSWER
    const named = ['monitoring.experiment=looks']
    const told = openJob(answer, named, async (experiment, { date }) => {
      tracked.push([experiment, date])
    })
    await told.run()
    expect([tracked, told.warnings]).toEqual([[['looks', '2026-11-30']], []])
    const failing = openJob(answer, named)
    expect(await failing.run()).toMatchObject({ figures: { date: '2026-11-30' } })
    expect(failing.warnings).toEqual([
      ['TRACKING_UNREACHABLE', { experiment: 'looks', reason: 'not asked for' }],
    ])
  })

  it('whose alerts cannot be told has failed with that alone, and is told later without another look', async () => {
    let looks = 0
    const { desk, run, listen } = openJob(async () => {
      looks++
      return ANSWER
    })
    listen(false)
    for (let attempt = 1; attempt <= 2; attempt++) {
      const failure = await run().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).toBeInstanceOf(AlmostDone)
      expect(failure).toMatchObject({
        figures: ANSWER.figures,
        cause: {
          code: 'MONITORING_LOOK_UNTOLD',
          message: expect.stringMatching(/2026-12-01T00:20:00.000Z .*report is kept.*no space left/),
        },
      })
    }
    listen(true)
    expect(await run()).toMatchObject({ detail: expect.stringContaining('critical') })
    await desk.center.deliver()
    expect([looks, desk.channel.received.map(({ reason }) => reason)]).toEqual([1, ['fired']])
    // Told is told: the same time is looked at anew.
    await run()
    expect(looks).toBe(2)
  })

  it('tells first what earlier looks could not tell, even where it fails itself', async () => {
    const later: LookAnswer = {
      ...ANSWER,
      look: { ...ANSWER.look, id: '2026-12-01 abababababababab', findings: [] },
    }
    const answers = [ANSWER, new Error('no memory'), later]
    const { desk, run, listen } = openJob(async () => {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer!
    })
    const signal = new AbortController().signal
    listen(false)
    await expect(run(signal)).rejects.toBeInstanceOf(AlmostDone)
    listen(true)
    await expect(run(signal, SCHEDULED_MS + DAY_MS)).rejects.toThrow('no memory')
    expect((await desk.center.book()).monitors.get('fraud/daily')).toMatchObject({ lookId: ANSWER.look.id })
    await run(signal, SCHEDULED_MS + DAY_MS)
    const { monitors, states } = await desk.center.book()
    expect(monitors.get('fraud/daily')).toMatchObject({ lookId: later.look.id })
    expect([...states.values()]).toMatchObject([{ status: 'recovering', severity: 'critical' }])
  })

  it('that can neither be told nor kept is an ordinary failure: it is taken again, so often and no more', async () => {
    const { run, listen, path, job } = openJob(async () => ANSWER)
    mkdirSync(join(path, job.name), { recursive: true })
    writeFileSync(join(path, job.name, 'untold'), 'a file where the folder should be')
    listen(false)
    await expect(run()).rejects.toMatchObject({ code: 'MONITORING_LOOK_UNTOLD' })
    listen(true)
    expect(await run()).toMatchObject({ figures: ANSWER.figures })
  })

  it('is told where one before it is refused by the alerts, which is set aside with the reason', async () => {
    const { desk, run, path, job, warnings } = openJob(async () => ANSWER)
    const untold = join(path, job.name, 'untold')
    mkdirSync(untold, { recursive: true })
    writeFileSync(join(untold, '9000.json'), JSON.stringify({ atMs: 9000, look: { id: 'broken' } }))
    expect(await run()).toMatchObject({ figures: ANSWER.figures })
    expect([...(await desk.center.book()).monitors.values()]).toMatchObject([{ lookId: ANSWER.look.id }])
    expect(readdirSync(untold)).toEqual(['refused'])
    expect(JSON.parse(readFileSync(join(untold, 'refused', '9000.json'), 'utf8'))).toMatchObject({
      atMs: 9000,
      reason: expect.any(String),
    })
    expect(warnings).toMatchObject([['MONITORING_LOOK_REFUSED', { scheduledFor: expect.any(String) }]])
  })

  it('fails where it is refused itself, with the reason, and does not wait to be told', async () => {
    const broken = { ...ANSWER, look: { ...ANSWER.look, findings: undefined as never } }
    const { run, path, job } = openJob(async () => broken)
    await expect(run()).rejects.toMatchObject({ code: 'MONITORING_LOOK_REFUSED' })
    expect(readdirSync(join(path, job.name, 'untold'))).toEqual(['refused'])
  })

  it('may be begun three times for one time within the hour, and follows the settings', () => {
    const { job } = openJob(fails(new Error('none')), [
      'monitoring.missed=skip',
      'monitoring.time_zone=Europe/Madrid',
    ])
    expect(job).toMatchObject({
      name: expect.stringMatching(/^looks-[0-9a-f]{8}$/),
      cron: '20 0 * * *',
      timeZone: 'Europe/Madrid',
      missed: 'skip',
      attempts: 3,
    })
    expect([1, 2].map((attempt) => job.pauseMs!(attempt) / 60_000)).toEqual([10, 20])
    const { job: often } = openJob(fails(new Error('none')), [
      'monitoring.retry.attempts=10',
      'monitoring.retry.first=1m',
      'monitoring.retry.longest=5m',
    ])
    expect([often.attempts, [1, 2, 3, 4, 9].map((attempt) => often.pauseMs!(attempt) / 60_000)]).toEqual([
      10,
      [1, 2, 4, 5, 5],
    ])
  })
})
