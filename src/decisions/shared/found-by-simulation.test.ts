import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../../test/eventually.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import { createMemorySharedStates } from '../../testing/memory/memory-shared-states.ts'
import { createDecider } from '../decider.ts'
import { decisionId } from '../decision-receipt.ts'
import type { Decisions } from '../decisions.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from '../inference.test-kit.ts'
import { encodeDecision } from '../log/log-record.ts'
import { documentName } from '../log/model-document.ts'
import { openInferencePipeline } from '../open-pipeline.ts'
import { predictionNames } from '../prediction-names.ts'
import { type StoreIdentity, writeStoreIdentity } from '../states/store-identity.ts'
import { createEntryModels, shareModel } from './entry-models.ts'
import { HistoryWatch } from './history-watch.ts'
import { HISTORY_DOCUMENT, joinHistory, type LoggedHistory, nameHistory } from './known-history.ts'
import { openSharedDecisions } from './shared-decisions.ts'

/* What `docs/simulation.md` found in decisions of processes that share their states, each by itself. */

const MODEL = testModel()
const opened: Decisions[] = []
const folders: ReturnType<typeof testFolder>[] = []
afterEach(async () => {
  for (const decisions of opened.splice(0)) await decisions.close()
  for (const { remove } of folders.splice(0)) remove()
})

const IDENTITY = { statesKey: MODEL.statesKey, identity: MODEL.identity, logName: 'shared', createdAtMs: 0 }
const payment = {
  transactionId: 't1',
  userId: 'ada',
  merchantId: 'shop',
  eventTimeMs: 1e12,
  amountMinor: 100,
}

const emptyLog = () => {
  const place = testFolder()
  folders.push(place)
  return openTestLog(place.folder)
}

const openProcess = async (
  store: SharedStateStore,
  changed: (log: PredictionLog) => PredictionLog = (log) => log,
  observer = silentObserver,
): Promise<Decisions> => {
  const log = changed(await emptyLog())
  await joinHistory({ store, name: 'the store' }, log, IDENTITY)
  let names = 0
  const decisions = await openSharedDecisions({
    store,
    log,
    identity: IDENTITY,
    observer,
    decider: createDecider({ champion: MODEL }),
    names: predictionNames(IDENTITY),
    settings: { ...TEST_SETTINGS, eventTime: { maxFutureMs: 1e9, maxAgeMs: 1e9 } },
    world: { ...TEST_WORLD, newId: () => `name-${++names}` },
  })
  opened.push(decisions)
  return decisions
}

test('two processes that start on one new store take part in one history', async () => {
  const open = createMemorySharedStates()
  const [a, b] = [await open({ consumer: 'a' }), await open({ consumer: 'b' })]
  const names = await Promise.all([nameHistory(a, 'one'), nameHistory(b, 'two')])
  expect(names).toEqual(['one', 'one'])
})

test('of first labels that two processes take at once the second corrects the first', async () => {
  const open = createMemorySharedStates()
  const [a, b] = [await open({ consumer: 'a' }), await open({ consumer: 'b' })]
  await writeStoreIdentity(a, IDENTITY)
  const [one, two] = [await openProcess(a), await openProcess(b)]
  await one.predict(payment, 0)
  const told = await Promise.all([
    one.applyFeedback({ transactionId: 't1', isFraud: true }),
    two.applyFeedback({ transactionId: 't1', isFraud: false }),
  ])
  expect(told).toEqual(['applied', 'applied'])
})

test('a decision that moves no state is made in view of the latest states', async () => {
  const open = createMemorySharedStates()
  const [a, b] = [await open({ consumer: 'a' }), await open({ consumer: 'b' })]
  await writeStoreIdentity(a, IDENTITY)
  const two = await openProcess(b)
  let loads = 0
  const slow: SharedStateStore = {
    ...a,
    load: async (keys) => {
      const loaded = await a.load(keys)
      // Another process decides on the same user meanwhile.
      if (++loads === 1) await two.predict(payment, 0)
      return loaded
    },
  }
  const one = await openProcess(slow)
  const old = await one.predict({ ...payment, transactionId: 'old', eventTimeMs: 1e12 - 1e10 }, 0)
  expect([old.timing, old.sequence, loads]).toEqual(['too_old', 2, 2])
})

test('the log of a process says what the models of others were whose decisions it takes', async () => {
  const open = createMemorySharedStates()
  const store = await open({ consumer: 'a' })
  const other = testModel('other', 2)
  await shareModel(store, other)
  const log = await emptyLog()
  const bytes = encodeDecision(0, { model: other.key } as never, new Float64Array(0)).slice()
  await createEntryModels(store, log)([{ sequence: 1, bytes }])
  expect(JSON.parse((await log.readDocument(documentName(other.key)))!)).toMatchObject({ version: '2' })
  await log.close()
})

test('a log says that its store was used as soon as there is a decision, once', async () => {
  let known = 0
  const said: number[] = []
  const watch = new HistoryWatch({
    store: { knownSequence: () => known, readNote: async () => undefined },
    log: {
      lastSequence: 0,
      writeDocument: async (_: string, text: string) => void said.push(JSON.parse(text).lastSequence),
    } as unknown as PredictionLog,
    identity: { ...IDENTITY, origin: undefined },
    observer: silentObserver,
  })
  await watch.remember()
  for (known of [0, 1, 2, 3]) {
    watch.worked()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(said).toEqual([0, 1])
})

test('nothing is answered before the log says that its store was used, however long its disk takes', async () => {
  const open = createMemorySharedStates()
  const store = await open({ consumer: 'a' })
  await writeStoreIdentity(store, IDENTITY)
  const waiting: (() => void)[] = []
  let isStuck = false
  let said = 0
  const decisions = await openProcess(store, (log) =>
    Object.assign(Object.create(log), {
      writeDocument: async (name: string, text: string) => {
        if (isStuck) await new Promise<void>((resolve) => waiting.push(resolve))
        await log.writeDocument(name, text)
        if (name === HISTORY_DOCUMENT) said = (JSON.parse(text) as LoggedHistory).lastSequence
      },
    }),
  )
  isStuck = true
  const answers: string[] = []
  const deciding = [payment, { ...payment, transactionId: 't2' }].map(async (one) => {
    const { predictionId } = await decisions.predict(one, 0)
    answers.push(`${predictionId} when ${said} was said`)
  })
  await eventually(async () => {
    expect(await store.findReceipt(decisionId('t2'))).toBeDefined()
    expect(waiting.length).toBeGreaterThan(0)
  })
  expect(answers).toEqual([])
  isStuck = false
  for (const resolve of waiting) resolve()
  await Promise.all(deciding)
  expect(answers).toHaveLength(2)
  for (const answer of answers) expect(answer).toMatch(/ when [12] was said$/)
})

test('a store that is emptied between two looks of a server that starts is begun anew by nobody', async () => {
  const open = createMemorySharedStates()
  const [starting, other] = [await open({ consumer: 'a' }), await open({ consumer: 'b' })]
  const begin = async (store: SharedStateStore, seen?: StoreIdentity) => {
    const log = await emptyLog()
    const place = testFolder()
    folders.push(place)
    return openInferencePipeline({
      models: { champion: MODEL },
      states: { kind: 'shared', name: 'memory', store, persistence: { kind: 'log', says: '' } },
      log,
      tables: noTables(),
      archive: place.folder,
      database: { threads: 1, memoryLimit: '128MB', tempDirectory: place.folder },
      settings: TEST_SETTINGS,
      observer: silentObserver,
      world: TEST_WORLD,
      seen,
    }).finally(() => log.close())
  }
  const refused = { code: 'SERVING_HISTORY_LOST' }
  await expect(begin(starting, { ...IDENTITY, logName: 'first' })).rejects.toMatchObject(refused)
  // One that has seen nothing of it would begin anew.
  await expect(begin(other)).rejects.toMatchObject(refused)
  expect((await other.readHistory()).loss).toContain('first')
})

test('a disk that stands still keeps no loss of the store from being noticed', async () => {
  const open = createMemorySharedStates()
  const [a, b] = [await open({ consumer: 'a' }), await open({ consumer: 'b' })]
  await writeStoreIdentity(a, IDENTITY)
  let release = (): void => undefined
  const warned: string[] = []
  const stuck = (log: PredictionLog): PredictionLog =>
    Object.assign(Object.create(log), {
      append: async (sequence: number, payload: Uint8Array) => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return log.append(sequence, payload)
      },
    })
  const observer = { ...silentObserver, warned: (code: string) => void warned.push(code) }
  const decisions = await openProcess(a, stuck, observer)
  await decisions.predict(payment, 0)
  await b.clear()
  await eventually(() => expect(decisions.status().isHistoryLost).toBe(true))
  expect(warned).toEqual(['SERVING_HISTORY_LOST'])
  release()
})
