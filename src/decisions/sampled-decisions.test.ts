import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { unwatchedWork } from '../disk/work.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { createControlSampler, reachesThreshold } from './control-sample.ts'
import type { Prediction } from './decided.ts'
import type { OpenStates } from './decisions.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testFolder,
  testModel,
} from './inference.test-kit.ts'
import type { InferencePipeline } from './inference-pipeline.ts'
import { exportLog } from './log/export-log.ts'
import { decodeLogEntry, type LogEntry } from './log/log-record.ts'
import { type OpenPipeline, openInferencePipeline } from './open-pipeline.ts'
import { shareStates } from './shared-states.test-kit.ts'

const SALT = 'a secret'
const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }
const PAYMENTS = 60
const MOST_MINOR = 20_000

let folder: string
let remove: () => void
beforeEach(() => {
  ;({ folder, remove } = testFolder())
})
afterEach(() => remove())

test('some of what reaches the threshold is answered as not flagged, within the bound, and some of the rest is for review', async () => {
  const pipeline = await serve('log', owned())
  const answers = await send(pipeline)
  const [letThrough, reviewed] = [drawn(answers, 'let_through'), drawn(answers, 'review')]
  expect(letThrough.length).toBeGreaterThan(3)
  expect(reviewed.length).toBeGreaterThan(3)
  for (const { probability, isFlagged, threshold } of letThrough)
    expect([probability >= threshold, isFlagged]).toEqual([true, false])
  for (const { probability, threshold, controlSample } of reviewed)
    expect([probability < threshold, controlSample?.propensity]).toEqual([true, 0.4])
  const large = answers.filter((_, n) => amountOf(n) > MOST_MINOR && reachesThreshold(answers[n]!))
  expect(large.length).toBeGreaterThan(3)
  for (const { isFlagged, controlSample } of large)
    expect([isFlagged, controlSample]).toEqual([true, undefined])
  await pipeline.close()
})

test('a repeated transaction, another server and one that shares its states with others draw the same', async () => {
  const one = await serve('one', owned())
  const answers = await send(one)
  for (const [n, answer] of (await send(one)).entries())
    expect(answer).toEqual({ ...answers[n], isRepeated: true })
  await one.close()
  const other = await serve('other', owned())
  const shared = await serve('shared', await sharedStates())
  for (const pipeline of [other, shared]) {
    expect((await send(pipeline)).map(said)).toEqual(answers.map(said))
    await pipeline.close()
  }
})

test('after a kill the log alone gives the same answers, from its segments and from the archive', async () => {
  const first = await serve('log', owned())
  const answers = await send(first)
  await first.close()
  // A store that knows nothing: receipts are made again from the log.
  const again = await serve('log', owned())
  for (const [n, answer] of (await send(again)).entries())
    expect(answer).toEqual({ ...answers[n], isRepeated: true })
  const expectFound = async (): Promise<void> => {
    for (const { predictionId, controlSample, isFlagged } of answers) {
      const found = (await again.find(predictionId))!
      expect([found.controlSample, found.isFlagged]).toEqual([controlSample, isFlagged])
    }
  }
  await expectFound()
  await again.saveLogs()
  await expectFound()
  await again.close()
})

test('parity draws again: by the same salt nothing differs, by another one it says which, without one it says so', async () => {
  const pipeline = await serve('log', owned())
  const answers = await send(pipeline)
  await pipeline.close()
  const had = answers.filter(({ controlSample }) => controlSample !== undefined)
  const counts = {
    decisions: had.length,
    letThrough: drawn(answers, 'let_through').length,
    review: drawn(answers, 'review').length,
  }
  const drawsBy = async (salt: string | undefined) => {
    const [compared] = await parityOfLog({
      folders: [join(folder, 'log')],
      openLog: openLogReader,
      workFolder: folder,
      work: unwatchedWork(DATABASE),
      salt,
    })
    expect(compared?.report).toMatchObject({ differing: [], missing: 0, extra: 0 })
    return compared?.draws
  }
  expect(await drawsBy(SALT)).toEqual({ ...counts, differing: 0 })
  expect(await drawsBy(undefined)).toEqual({ ...counts, differing: null })
  const otherwise = await drawsBy('another')
  expect(otherwise?.differing).toBeGreaterThan(5)
  expect(otherwise?.example).toMatch(/^t\d+$/)
})

test('labels say who told them: as they say themselves, or as the decision does', async () => {
  const pipeline = await serve('log', owned())
  const answers = await send(pipeline)
  const idOf = (wanted: (answer: Prediction) => boolean): string => answers.find(wanted)!.transactionId
  const flagged = idOf(({ isFlagged }) => isFlagged)
  const letThrough = drawn(answers, 'let_through')[0]!.transactionId
  const reviewed = drawn(answers, 'review')[0]!.transactionId
  const passed = answers.filter(
    (answer) => !reachesThreshold(answer) && answer.controlSample?.drawn !== 'review',
  )
  const tell = (transactionId: string, origin?: 'alert' | 'customer' | 'sample') =>
    pipeline.applyFeedback({ transactionId, isFraud: true, ...(origin !== undefined && { origin }) })
  await tell(flagged)
  await tell(letThrough)
  await tell(reviewed)
  await tell(passed[0]!.transactionId)
  await tell(passed[1]!.transactionId, 'alert')
  // The same again, whoever tells it, changes nothing: who was first told it.
  expect(await tell(flagged, 'customer')).toBe('unchanged')
  // Before its transaction, which says who tells it: nobody does here.
  await tell('waits', 'customer')
  await pipeline.predict(payment(PAYMENTS, 'waits'), 0)
  const origins = [flagged, letThrough, reviewed, passed[0]!.transactionId, passed[1]!.transactionId, 'waits']
  const told = await Promise.all(origins.map(async (id) => (await pipeline.find(id))?.label?.origin))
  expect(told).toEqual(['alert', 'sample', 'sample', 'customer', 'alert', 'customer'])
  await pipeline.close()
  const entries = await entriesOf('log')
  expect(
    entries.flatMap((entry) =>
      entry.kind === 'label' && entry.label.isWaiting !== true ? [entry.label.origin] : [],
    ),
  ).toEqual(['alert', 'sample', 'sample', 'customer', 'alert', 'customer'])
})

test('a log that is trained on says what was flagged or drawn, at which chance, and who told of it', async () => {
  const pipeline = await serve('log', owned())
  const answers = await send(pipeline)
  const flagged = answers.filter(({ isFlagged }) => isFlagged)
  const letThrough = drawn(answers, 'let_through')
  const reviewed = drawn(answers, 'review')
  const tell = (answer: Prediction, isFraud: boolean | null, origin?: 'customer') =>
    pipeline.applyFeedback({
      transactionId: answer.transactionId,
      isFraud,
      ...(origin !== undefined && { origin }),
    })
  await tell(flagged[0]!, true)
  await tell(flagged[1]!, true)
  await tell(flagged[1]!, null)
  await tell(letThrough[0]!, true, 'customer')
  await tell(reviewed[0]!, false)
  await pipeline.close()
  const [transactions, labels, marks] = ['t', 'l', 'm'].map((name) => join(folder, `${name}.jsonl`))
  const exported = await exportLog({
    folders: [join(folder, 'log')],
    openLog: openLogReader,
    workFolder: folder,
    work: unwatchedWork(DATABASE),
    amounts: DEFAULT_AMOUNTS,
    transactions: transactions!,
    labels: labels!,
    marks: marks!,
  })
  expect(exported.sample).toEqual({
    flagged: flagged.length,
    letThrough: letThrough.length,
    review: reviewed.length,
    untold: flagged.length - 1,
    toldBy: { alert: 3, customer: 1, sample: 1 },
  })
  const lines = readFileSync(marks!, 'utf8').trimEnd().split('\n')
  const written = new Map(
    lines.map((line) => JSON.parse(line)).map((mark) => [mark.transaction_id as string, mark as object]),
  )
  expect(written.size).toBe(flagged.length + letThrough.length + reviewed.length)
  const markOf = ({ transactionId }: Prediction) => written.get(transactionId)
  const chanceOf = ({ controlSample }: Prediction) => controlSample?.propensity ?? null
  expect(markOf(flagged[0]!)).toMatchObject({
    decision: 'flag',
    propensity: chanceOf(flagged[0]!),
    told_by: 'alert',
  })
  expect(markOf(flagged[1]!)).toMatchObject({ decision: 'flag', told_by: null })
  expect(markOf(letThrough[0]!)).toMatchObject({
    decision: 'let_through',
    propensity: 0.3,
    told_by: 'customer',
  })
  expect(markOf(letThrough[1]!)).toMatchObject({ decision: 'let_through', told_by: null })
  expect(markOf(reviewed[0]!)).toMatchObject({ decision: 'review', propensity: 0.4, told_by: 'sample' })
})

test('without a sample an answer and the log have nothing of it', async () => {
  const pipeline = await serve('log', owned(), false)
  const answers = await send(pipeline)
  expect(answers.every(({ controlSample }) => controlSample === undefined)).toBe(true)
  expect(answers.every(({ isFlagged, probability }) => isFlagged === probability >= 0.5)).toBe(true)
  await pipeline.close()
  for (const entry of await entriesOf('log'))
    if (entry.kind === 'decision') expect(entry.decision).not.toHaveProperty('controlSample')
})

const amountOf = (n: number): number => (n * 7919) % 30_000

const payment = (n: number, transactionId = `t${n}`): Transaction => ({
  transactionId,
  userId: `u${n % 5}`,
  merchantId: 'shop',
  deviceId: `d${n % 3}`,
  eventTimeMs: 1e12 + n * 4000,
  amountMinor: amountOf(n),
})

const send = async (pipeline: InferencePipeline): Promise<Prediction[]> => {
  const answers: Prediction[] = []
  for (let n = 0; n < PAYMENTS; n++) answers.push(await pipeline.predict(payment(n), 0))
  return answers
}

const drawn = (answers: readonly Prediction[], what: 'let_through' | 'review'): Prediction[] =>
  answers.filter(({ controlSample }) => controlSample?.drawn === what)

const said = ({ transactionId, probability, isFlagged, riskLevel, controlSample }: Prediction) => ({
  transactionId,
  probability,
  isFlagged,
  riskLevel,
  controlSample,
})

const owned = (store: OwnedStateStore = createMemoryStateStore()): OpenStates => ({
  kind: 'owned',
  name: 'memory',
  store,
})

const sharedStates = async (): Promise<OpenStates> => ({
  kind: 'shared',
  name: 'memory',
  store: await shareStates()({ consumer: 'one' }),
  persistence: { kind: 'log', says: '' },
})

const serve = async (name: string, states: OpenStates, isSampled = true): Promise<OpenPipeline> => {
  const path = join(folder, name)
  const controlSample = isSampled
    ? createControlSampler({
        letThrough: 0.3,
        review: 0.4,
        mostAmountMinor: { other: MOST_MINOR },
        except: {},
        salt: SALT,
      })
    : undefined
  return openInferencePipeline({
    models: { champion: testModel('champion') },
    tables: noTables(),
    observer: silentObserver,
    log: await openTestLog(path),
    archive: path,
    states,
    settings: { ...TEST_SETTINGS, controlSample },
    database: DATABASE,
    world: { ...TEST_WORLD, now: () => 1.7e12 },
  })
}

const entriesOf = async (name: string): Promise<LogEntry[]> => {
  const entries: LogEntry[] = []
  for await (const { payload } of openLogReader(join(folder, name)).read(0))
    entries.push(decodeLogEntry(payload)!)
  return entries
}
