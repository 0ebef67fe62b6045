import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import type { ServingModels } from '../decisions/decider.ts'
import { testFolder, testModel } from '../decisions/inference.test-kit.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { decodeLogEntry } from '../decisions/log/log-record.ts'
import { shareStates } from '../decisions/shared-states.test-kit.ts'
import { VigiaError } from '../errors.ts'
import { createRandom } from '../foundation/random.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import {
  isKept,
  type KeepingServer,
  keptPath,
  lookAt,
  otherModel,
  payment,
  readWhole,
  startServer,
  told,
} from './kept-days.test-kit.ts'
import { watchedModel } from './monitored-log.test-kit.ts'

const CHAMPION = watchedModel(0)
const NEXT = otherModel('next')
const SOON = { timeout: 10_000, interval: 5 }

let folder: string
let remove: () => void
let store: OwnedStateStore
let warnings: string[]
let server: KeepingServer
let sent: number
beforeEach(() => {
  ;({ folder, remove } = testFolder())
  store = { ...createMemoryStateStore(), close: async () => undefined }
  warnings = []
  sent = 0
})
afterEach(async () => {
  await server.pipeline.close()
  remove()
})

const start = async (
  models: ServingModels = { champion: CHAMPION },
  wrapLog?: (log: PredictionLog) => PredictionLog,
): Promise<void> => {
  const states = { kind: 'owned', name: 'memory', store } as const
  server = await startServer(folder, { models, states, warnings, ...(wrapLog !== undefined && { wrapLog }) })
}

/** As a process that is killed leaves it: nothing is saved, and another one goes on from its folder. */
const restart = (models?: ServingModels): Promise<void> => start(models)

const send = async (count: number): Promise<void> => {
  for (const end = sent + count; sent < end; sent++) {
    await server.pipeline.predict(payment(sent), 0)
    // A client that tries again changes nothing.
    if (sent % 25 === 0) await server.pipeline.predict(payment(sent), 0)
    if (sent % 10 === 9)
      await server.pipeline.applyFeedback({ transactionId: `t${sent - 3}`, isFraud: sent % 20 === 9 })
  }
}

const expectKept = async (model: LoadedModel = CHAMPION): Promise<void> =>
  expect(told(await lookAt({ model, folders: [folder] }))).toEqual(told(await readWhole(model, folder)))

describe('days that a server keeps as it decides', () => {
  test('are those of its log, and a look reads only what came after them', async () => {
    await start()
    await send(150)
    await server.watch.save()
    await send(20)
    const reads: number[] = []
    const kept = await lookAt({
      model: CHAMPION,
      folders: [folder],
      onRead: (after) => void reads.push(after),
    })
    const whole = await readWhole(CHAMPION, folder)
    expect(told(kept)).toEqual(told(whole))
    // 170 decisions, 5 of them too old, and 15 labels of the first 150.
    expect([kept.rows, kept.tooOld]).toEqual([165, 5])
    expect(Math.min(...reads)).toBeGreaterThanOrEqual(164)
  })

  test('are believed: a look has what they have, whatever the log has before', async () => {
    await start()
    await send(40)
    await server.watch.save()
    const before = await lookAt({ model: CHAMPION, folders: [folder] })
    // Old days of the log that went change nothing of what was counted.
    await server.log.remove(await server.log.rotate())
    expect(told(await lookAt({ model: CHAMPION, folders: [folder] }))).toEqual(told(before))
    expect((await readWhole(CHAMPION, folder)).rows).toBe(0)
  })

  test('are those of the champion, whoever decides: a canary is scored again', async () => {
    await start({ champion: CHAMPION, canary: { model: NEXT, share: 0.5 } })
    await send(120)
    await server.pipeline.close()
    await expectKept()
    await restart()
    const { rows, days, unfinished } = await lookAt({ model: CHAMPION, folders: [folder] })
    expect(rows).toBe(116)
    const alerts = [...days, unfinished!].reduce((sum, { profile }) => sum + profile.alerts, 0)
    expect(alerts).toBe(await alertsOfLog(CHAMPION))
    expect(alerts).toBeGreaterThan(await alertsOfLog(NEXT))
  })

  test('tell of decisions by a model that lacks features of the champion', async () => {
    const narrow = { ...testModel('narrow', 1), computed: ['amount'] }
    await start({ champion: CHAMPION, canary: { model: { ...narrow, computed: [] }, share: 0.5 } })
    await send(60)
    await server.watch.save()
    const { unreadable } = await lookAt({ model: CHAMPION, folders: [folder] })
    expect(unreadable).toBeGreaterThan(0)
    await expectKept()
  })

  test('go on with another champion, and again with the one before', async () => {
    await start()
    await send(60)
    await server.pipeline.useModels({ champion: NEXT })
    await send(50)
    await server.watch.save()
    await expectKept(NEXT)
    await expectKept(CHAMPION)
    await server.pipeline.useModels({ champion: CHAMPION })
    await send(40)
    await server.watch.save()
    await expectKept(CHAMPION)
    // What the next one had kept stops where it did, and the log has the rest.
    await expectKept(NEXT)
    expect(warnings).toEqual([])
  })

  test('are counted again from the log after a record could not be written', async () => {
    let isFull = false
    await start({ champion: CHAMPION }, (log) => failing(log, () => isFull))
    await send(30)
    isFull = true
    await expect(server.pipeline.predict(payment(1000), 0)).rejects.toMatchObject({
      code: 'SERVING_LOG_FAILED',
    })
    isFull = false
    await vi.waitFor(() => expect(server.pipeline.status().isReady).toBe(true), SOON)
    await send(30)
    await server.watch.save()
    await expectKept()
    expect(warnings).toEqual(['SERVING_LOG_FAILED'])
  })

  test('law: through kills, old, torn and missing files, archives and other models they are those of the log', async () => {
    for (const seed of [1, 2, 3]) {
      const random = createRandom(seed)
      const { integer } = random
      await start()
      for (let step = 0; step < 12; step++) {
        await send(5 + integer(25))
        const models = [{ champion: CHAMPION }, { champion: NEXT }][integer(2)]!
        const act = integer(6)
        if (act === 0) await server.watch.save()
        else if (act === 1) await server.pipeline.useModels(models)
        else if (act === 2) await server.pipeline.saveLogs()
        else if (act === 3) {
          await server.pipeline.close()
          await restart(models)
        } else await killWith(random.integer(5), models)
      }
      await server.watch.save()
      await expectKept(CHAMPION)
      await expectKept(NEXT)
      await server.pipeline.close()
      remove()
      ;({ folder, remove } = testFolder())
      store = { ...createMemoryStateStore(), close: async () => undefined }
      sent = 0
    }
    expect(new Set(warnings)).toEqual(new Set(['MONITORING_DAYS_REFUSED']))
  }, 120_000)

  test('of a damaged file are told by a look, which reads the log', async () => {
    await start()
    await send(40)
    await server.pipeline.close()
    const path = keptPath(folder, CHAMPION)
    const bytes = readFileSync(path)
    for (let at = 0; at < 400; at += 97) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 4
      writeFileSync(path, damaged)
      const notices: string[] = []
      const look = await lookAt({ model: CHAMPION, folders: [folder], told: notices })
      expect(notices).toHaveLength(1)
      expect(look.rows).toBe(39)
    }
    const ofOthers = join(dirname(path), 'journal.jsonl')
    writeFileSync(ofOthers, 'of whoever keeps more there')
    await restart()
    expect(warnings).toEqual(['MONITORING_DAYS_REFUSED'])
    expect([existsSync(path), existsSync(ofOthers)]).toEqual([false, true])
  })

  test('of another log, or of one that was set back, are not believed', async () => {
    await start()
    await send(40)
    await server.pipeline.close()
    const bytes = readFileSync(keptPath(folder, CHAMPION))
    remove()
    ;({ folder, remove } = testFolder())
    store = { ...createMemoryStateStore(), close: async () => undefined }
    sent = 500
    await start()
    await send(60)
    await server.pipeline.close()
    writeFileSync(keptPath(folder, CHAMPION), bytes)
    const notices: string[] = []
    await lookAt({ model: CHAMPION, folders: [folder], told: notices })
    expect(notices[0]).toMatch(/record \d+ of the log is another one by now/)
    await restart()
    await send(1)
    await server.pipeline.close()
    await expectKept()
  })

  test('that a server began to keep later begin with what one look read of the log', async () => {
    await start({ champion: NEXT })
    await send(60)
    await server.pipeline.saveLogs()
    // Its log is archived, so it counts from here on; a look reads what is before, once.
    await server.pipeline.useModels({ champion: CHAMPION })
    await send(30)
    await server.watch.save()
    await expectKept()
    expect(existsSync(join(folder, 'monitoring', `${CHAMPION.key}.before`))).toBe(true)
    const reads: number[] = []
    await lookAt({ model: CHAMPION, folders: [folder], onRead: (after) => void reads.push(after) })
    expect(Math.min(...reads)).toBeGreaterThan(60)
    await expectKept()
  })

  test('of a model without bins are not kept, which is told, and decisions go on', async () => {
    await start({ champion: testModel('plain', 1) })
    await send(10)
    await server.pipeline.close()
    expect(warnings).toEqual(['MONITORING_DAYS_NOT_KEPT'])
    expect(isKept(folder, CHAMPION)).toBe(false)
  })

  /** Alerts that a model would have raised on what was decided, had it decided alone. */
  const alertsOfLog = async ({ scorer, computed }: LoadedModel): Promise<number> => {
    let alerts = 0
    for await (const { payload } of openLogReader(folder).read(0)) {
      const entry = decodeLogEntry(payload)
      if (entry?.kind !== 'decision' || entry.decision.timing === 'too_old') continue
      const row = scorer.featureNames.map((name) => entry.vector[computed.indexOf(name)]!)
      if (scorer.scoreOne(row) >= scorer.threshold) alerts++
    }
    return alerts
  }

  /** Ends it as `kill -9` does, with the file as it may be then. */
  const killWith = async (fault: number, models: ServingModels): Promise<void> => {
    const path = keptPath(folder, CHAMPION)
    if (isKept(folder, CHAMPION)) {
      if (fault === 0) rmSync(path)
      if (fault === 1) truncateSync(path, Math.floor(readFileSync(path).length / 2))
      if (fault === 2) {
        copyFileSync(path, `${folder}/old`)
        await server.watch.save()
        copyFileSync(`${folder}/old`, path)
      }
      if (fault === 3) await server.watch.save()
    }
    await restart(models)
  }
})

describe('days that a server of shared states keeps', () => {
  test('are those of its own log, whoever decided, and of records that were moved twice once', async () => {
    const openProcess = shareStates()
    const first = await openShared(openProcess)
    await startShared(first)
    await send(60)
    await allMoved(first)
    await server.watch.save()
    await expectKept()
    // It moves records to its log, and cannot say so: they are moved again.
    first.isSettling = false
    await send(5)
    await vi.waitFor(() => expect(warnings).toContain('SERVING_OUTBOX_STUCK'), SOON)
    first.isSettling = true
    await allMoved(first)
    await send(20)
    await allMoved(first)
    await server.watch.save()
    expect(await recordsOf()).toBeGreaterThan(85 + 8)
    await expectKept()
    // As it is killed: what it could not say it has moved is moved again by the process after it.
    first.isSettling = false
    await send(5)
    await vi.waitFor(async () => expect(await recordsOf()).toBeGreaterThan(98 + 5), SOON)
    first.isKilled = true
    const second = await openShared(openProcess)
    await startShared(second)
    await send(10)
    await allMoved(second)
    await server.watch.save()
    await expectKept()
  }, 60_000)

  interface SharedProcess {
    readonly store: Awaited<ReturnType<ReturnType<typeof shareStates>>>
    isSettling: boolean
    isKilled: boolean
  }

  const openShared = async (openProcess: ReturnType<typeof shareStates>): Promise<SharedProcess> => {
    const opened = await openProcess({ consumer: 'a', takeOverAfterMs: 30 })
    const process: SharedProcess = {
      isSettling: true,
      isKilled: false,
      store: {
        ...opened,
        takeEntries: (...asked) =>
          process.isKilled ? new Promise(() => undefined) : opened.takeEntries(...asked),
        settle: async (sequences) => {
          if (!process.isSettling) throw new Error('the store does not answer')
          await opened.settle(sequences)
        },
      },
    }
    return process
  }

  const startShared = async ({ store: shared }: SharedProcess): Promise<void> => {
    const persistence = { kind: 'log', says: '' } as const
    const states = { kind: 'shared', name: 'memory', store: shared, persistence } as const
    server = await startServer(folder, { models: { champion: CHAMPION }, states, warnings })
  }

  const allMoved = ({ store: shared }: SharedProcess): Promise<void> =>
    vi.waitFor(async () => expect(await shared.waitingEntries()).toEqual([]), SOON)

  const recordsOf = async (): Promise<number> => {
    let records = 0
    for await (const _ of server.log.read(0)) records++
    return records
  }
})

/** A log on a disk that is full at times. */
const failing = (log: PredictionLog, isFull: () => boolean): PredictionLog => {
  let hasFailed = false
  return {
    get lastSequence() {
      return log.lastSequence
    },
    append: async (sequence, payload) => {
      if (!isFull() && !hasFailed) return log.append(sequence, payload)
      hasFailed = true
      throw new VigiaError('SERVING_LOG_FAILED', { folder: 'the log', reason: 'the disk is full' })
    },
    resume: () => {
      hasFailed = false
      log.resume()
    },
    read: (...asked) => log.read(...asked),
    readAt: (position) => log.readAt(position),
    rotate: () => log.rotate(),
    readSegment: (segment) => log.readSegment(segment),
    remove: (segments) => log.remove(segments),
    writeDocument: (name, text) => log.writeDocument(name, text),
    readDocument: (name) => log.readDocument(name),
    size: () => log.size(),
    close: () => log.close(),
  }
}
