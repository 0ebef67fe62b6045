import { describe, expect, test } from 'vitest'
import { createMemoryJournalPlace } from '../adapters/memory/memory-journal.ts'
import { loadServingConfig } from '../config/config-manager.ts'
import type { ServedModel } from '../decisions/inference-pipeline.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import { VigiaError } from '../errors.ts'
import { type Advanced, advanceRetraining } from '../retraining/advance-retraining.ts'
import {
  CONCEPT,
  createWorks,
  dayMs,
  FAULT,
  MODEL,
  openRetraining,
  RULES,
  simulatedAnswers,
  statusesOf,
} from '../retraining/retraining.test-kit.ts'
import type { RetrainingEntry } from '../retraining/retraining-book.ts'
import type { ScheduledJob } from '../scheduling/scheduled-job.ts'
import { answerControl, controlByQuestions } from './control-of-service.ts'
import { type ServeRetrainingParts, serveRetraining } from './serve-retraining.ts'
import type { ScheduledRetraining } from './served-retraining.ts'

const CHAMPION_SHA = '3'.repeat(64)

const modelOf = (role: string, source: string): ServedModel =>
  ({ role, name: MODEL, version: source.split('/').at(-1), source, sha256: CHAMPION_SHA }) as ServedModel

/** Models of a server in memory, as its control has them. */
const openControl = (): ModelControl => {
  let models = [modelOf('champion', 'models:/fraud/3')]
  const put = async (role: string, source: string | null) => {
    models = [
      ...models.filter((model) => model.role !== role),
      ...(source === null ? [] : [modelOf(role, source)]),
    ]
    return models
  }
  return {
    list: () => models,
    reload: async () => models,
    rollBack: async () => models,
    switchTo: (source) => put('champion', source),
    setShadow: (source) => put('shadow', source),
    setCanary: (source) => put('canary', source),
  }
}

/** A server with retraining, and how many processes did steps of it. */
const openServer = (
  advance?: ServeRetrainingParts['advance'],
  place = createMemoryJournalPlace<RetrainingEntry>(),
) => {
  const clock = { day: 21 }
  const works = createWorks(simulatedAnswers({ today: () => clock.day }))
  const now = () => dayMs(clock.day)
  const control = openControl()
  const warnings: (readonly [string, Readonly<Record<string, unknown>>])[] = []
  const seen = { processes: 0, told: 0, jobs: [] as readonly ScheduledJob[], stopped: 0 }
  let id = 0
  const settings = loadServingConfig({
    environment: {},
    assignments: ['retraining.schedule=0 3 1 * *'],
    workingDirectory: '/work',
  }).settings.retraining
  const steps: ServeRetrainingParts['advance'] = async (served, signal) => {
    const all: Advanced[] = []
    do {
      all.push(
        await advanceRetraining({
          model: MODEL,
          change: openRetraining(place.open()),
          works,
          // As over the border of a process.
          control: controlByQuestions((question) => answerControl(served, structuredClone(question))),
          rules: RULES,
          now,
          by: 'vigia',
          signal,
        }),
      )
    } while (all.at(-1)!.kind === 'moved')
    return all
  }
  const retraining = serveRetraining({
    settings,
    model: MODEL,
    change: openRetraining(place.open()),
    world: { now, newId: () => `id-${++id}` },
    advance: (served, signal) => {
      seen.processes++
      return (advance ?? steps)(served, signal)
    },
    tellAlerts: async () => {
      seen.told++
    },
    runJobs: (jobs) => {
      seen.jobs = jobs
      return {
        nextMs: () => dayMs(clock.day) + 1,
        stop: async () => {
          seen.stopped++
        },
      }
    },
  })
  const warn = (code: string, details: Readonly<Record<string, unknown>>) => warnings.push([code, details])
  return {
    retraining,
    control,
    works,
    clock,
    seen,
    warnings,
    place,
    start: () => retraining.start({ models: control.list, control, warn }),
    /** Waits for what was begun without anybody waiting: the job's own turn comes after it. */
    settle: () => seen.jobs[0]!.run(0, new AbortController().signal),
  }
}

const statuses = async ({ book }: ScheduledRetraining) => statusesOf(await book())

describe('retraining within a server', () => {
  test('starts no process while nothing runs, and still tells the alerts that it is there', async () => {
    const { start, settle, seen } = openServer()
    start()
    expect(await settle()).toEqual({ detail: 'no retraining is under way' })
    expect(seen.processes).toBe(0)
    expect(seen.told).toBeGreaterThan(0)
  })

  test('goes at once from what a look found to the challenger beside the champion, and told who', async () => {
    const { start, settle, retraining, control } = openServer()
    start()
    await retraining.take({ id: 'daily 1', champion: '3'.repeat(16), findings: [CONCEPT] })
    await settle()
    expect(await statuses(retraining)).toEqual(['observed', 'waiting', 'training', 'comparing', 'shadow'])
    expect(control.list().map(({ role, source }) => `${role} ${source}`)).toEqual([
      'champion models:/fraud/3',
      'shadow models:/fraud/4',
    ])
    expect((await retraining.book()).records.every(({ by }) => by === 'vigia')).toBe(true)
  })

  test('goes on over canary and promotion as time passes, and ends with the challenger', async () => {
    const { start, settle, retraining, control, clock } = openServer()
    start()
    await retraining.request('new card product', 'ana', null)
    for (let day = 0; day < 25; day++) {
      await settle()
      clock.day++
    }
    const passed = await statuses(retraining)
    expect(passed.slice(-5)).toEqual(['shadow', 'canary', 'promoting', 'watching', 'done'])
    expect(control.list().map(({ role, source }) => `${role} ${source}`)).toEqual([
      'champion models:/fraud/4',
    ])
    const [first] = (await retraining.book()).records
    expect([first!.by, first!.why]).toEqual(['ana', 'ana asks for it: new card product'])
  })

  test('learns from what came since the day that is asked for', async () => {
    const { start, settle, retraining } = openServer()
    start()
    await retraining.request('new card product', 'ana', dayMs(3))
    await settle()
    const [episode] = (await retraining.book()).episodes.values()
    expect(episode!.changedMs).toBe(dayMs(3))
  })

  test('takes back at once what is cancelled in service', async () => {
    const { start, settle, retraining, control, clock } = openServer()
    start()
    await retraining.request('new card product', 'ana', null)
    await settle()
    clock.day += 3
    await settle()
    expect(control.list().map(({ role }) => role)).toContain('canary')
    await retraining.cancel('wrong alarm', 'bo')
    await settle()
    expect((await statuses(retraining)).slice(-2)).toEqual(['rolling_back', 'rolled_back'])
    expect(control.list().map(({ role }) => role)).toEqual(['champion'])
    await expect(retraining.cancel('again', 'bo')).rejects.toThrow(
      expect.objectContaining({ code: 'RETRAINING_NOTHING_RUNS' }),
    )
  })

  test('trains nothing on broken data, and never on their days', async () => {
    const { start, settle, retraining, works } = openServer()
    start()
    await retraining.take({ id: 'daily 1', champion: '3'.repeat(16), findings: [CONCEPT, FAULT] })
    await settle()
    expect(works.done).toEqual([])
    await retraining.take({
      id: 'daily 2',
      champion: '3'.repeat(16),
      findings: [CONCEPT],
      brokenDays: [2, 3],
    })
    await settle()
    const [episode] = (await retraining.book()).episodes.values()
    expect(episode!.order!.leftOutDays).toEqual([2, 3])
  })

  test('begins by the calendar, once for each time', async () => {
    const { start, settle, seen, retraining } = openServer()
    start()
    const signal = new AbortController().signal
    await seen.jobs[1]!.run(dayMs(20), signal)
    await seen.jobs[1]!.run(dayMs(20), signal)
    await settle()
    const episodes = [...(await retraining.book()).episodes.values()]
    expect(episodes.map(({ kind }) => kind)).toEqual(['schedule'])
  })

  test('goes on at its start where a process before it was cut off', async () => {
    const before = openServer(() => new Promise(() => undefined))
    before.start()
    await before.retraining.request('new card product', 'ana', null)
    const after = openServer(undefined, before.place)
    after.start()
    await after.settle()
    expect(await statuses(after.retraining)).toContain('shadow')
  })

  test('does one step at a time, whoever asks', async () => {
    let [atWork, most] = [0, 0]
    const { start, settle, retraining } = openServer(async () => {
      most = Math.max(most, ++atWork)
      await Promise.resolve()
      atWork--
      return []
    })
    start()
    await retraining.request('one', 'ana', null)
    await Promise.all([settle(), settle(), retraining.take({ id: 'd', champion: '3', findings: [] })])
    await settle()
    expect(most).toBe(1)
  })

  test('says what failed, and not that another process is at it', async () => {
    const failing = openServer(() => Promise.reject(new Error('out of memory')))
    failing.start()
    await failing.retraining.request('one', 'ana', null)
    await expect(failing.settle()).rejects.toThrow('out of memory')
    expect(failing.warnings[0]).toMatchObject(['RETRAINING_STEP_FAILED', { reason: 'out of memory' }])
    expect(failing.retraining.failures()).toBeGreaterThan(0)
    const details = { folder: 'f', process: 1, host: 'h', since: 's', lock: 'l' }
    const busy = openServer(() => Promise.reject(new VigiaError('PIPELINE_LOCKED', details as never)))
    busy.start()
    await busy.retraining.request('one', 'ana', null)
    expect(await busy.settle()).toMatchObject({ detail: expect.stringContaining('another process is at it') })
    expect(busy.warnings).toEqual([])
  })

  test('ends what is under way when the server closes, and says nothing of it', async () => {
    let aborted: unknown
    const { start, retraining, seen, warnings } = openServer(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason
            reject(signal.reason)
          })
        }),
    )
    const end = start()
    await retraining.request('one', 'ana', null)
    // Its process has begun when the one before it, that of the start, has found nothing.
    await expect.poll(() => seen.processes).toBe(1)
    await end()
    expect(String(aborted)).toContain('the server closes')
    expect([seen.stopped, warnings]).toEqual([1, []])
  })
})
