import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { withDatabase } from '../disk/database.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { ServingModels } from './decider.ts'
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
import type { InferenceObserver } from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { ServedSources } from './log/served-choice.ts'
import { createModelControl } from './model-control.ts'
import { type OpenPipeline, openInferencePipeline } from './open-pipeline.ts'

const CHAMPION = testModel('champion')

describe('the pipeline with its log and archive', () => {
  let folder: string
  let remove: () => void
  let pipeline: OpenPipeline
  beforeEach(() => {
    ;({ folder, remove } = testFolder())
  })
  afterEach(async () => {
    await pipeline.close().catch(() => undefined)
    remove()
  })

  test('a decision is found by both its ids, in the log and, bit for bit the same, in the archive', async () => {
    pipeline = await open(folder)
    const { predictionId } = await pipeline.predict(payment(1), 0)
    await pipeline.predict(payment(2), 0)
    await pipeline.applyFeedback({ transactionId: 't1', isFraud: true })
    const inLog = await pipeline.find('t1')
    expect(inLog).toMatchObject({ predictionId, transaction: payment(1), label: { isFraud: true } })
    expect(inLog!.features.size).toBe(CHAMPION.computed.length)
    const saved = await pipeline.saveLogs()
    expect(saved).toMatchObject({ records: 3 })
    expect(await openLogReader(folder).documentNames()).toEqual([`model-${CHAMPION.key}`, 'name'])
    expect(await recordsIn(folder)).toBe(0)
    expect(await pipeline.find('t1')).toEqual(inLog)
    expect(await pipeline.find(predictionId)).toEqual(inLog)
    expect(await pipeline.find(`${predictionId}0`)).toBeUndefined()
    expect(await pipeline.find('nobody')).toBeUndefined()
  })

  test('a category in other letters is the same category, so the transaction is the same one', async () => {
    pipeline = await open(folder)
    const sent = { ...payment(1), merchantCategory: 'Grocery Store' }
    const first = await pipeline.predict(sent, 0)
    const again = { ...first, isRepeated: true }
    for (const merchantCategory of ['Grocery Store', 'grocery store', 'GROCERY  STORE'])
      expect(await pipeline.predict({ ...sent, merchantCategory }, 0)).toEqual(again)
    await expect(pipeline.predict({ ...sent, merchantCategory: 'grocer' }, 0)).rejects.toMatchObject({
      code: 'SERVING_TRANSACTION_DIFFERS',
    })
  })

  test('who asks again with reasons gets those of the decision, from the log and from the archive', async () => {
    pipeline = await open(folder)
    const first = await pipeline.predict(payment(1), 2)
    expect(first.reasons).toHaveLength(2)
    // What came meanwhile has no part in it.
    await pipeline.predict(payment(2), 0)
    const again = { ...first, isRepeated: true }
    expect(await pipeline.predict(payment(1), 2)).toEqual(again)
    await pipeline.saveLogs()
    expect(await pipeline.predict(payment(1), 2)).toEqual(again)
    expect((await pipeline.predict(payment(1), 0)).reasons).toBeUndefined()
  })

  test('saving the logs twice writes nothing twice, and goes on where it ended', async () => {
    pipeline = await open(folder)
    await pipeline.predict(payment(1), 0)
    const [first, second] = await Promise.all([pipeline.saveLogs(), pipeline.saveLogs()])
    expect([first.records, second.records]).toEqual([1, 0])
    await pipeline.predict(payment(2), 0)
    expect((await pipeline.saveLogs()).records).toBe(1)
    const sequences = await query(folder, 'SELECT sequence FROM {predictions} ORDER BY sequence')
    expect(sequences).toEqual([[1], [2]])
  })

  test('a log of several segments becomes Parquet in one go, and none of them stays', async () => {
    pipeline = await open(folder, { segmentBytes: 1000 })
    for (let n = 1; n <= 8; n++) await pipeline.predict(payment(n), 0)
    const saved = await pipeline.saveLogs()
    expect(saved.records).toBe(8)
    expect(saved.files.length).toBeGreaterThan(3)
    expect(await recordsIn(folder)).toBe(0)
    const sequences = await query(folder, 'SELECT sequence FROM {predictions} ORDER BY sequence')
    expect(sequences.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('the archive has a row a decision, with the features under their names, and one a label', async () => {
    pipeline = await open(folder)
    await pipeline.predict(payment(1), 0)
    await pipeline.predict({ transactionId: 't2', userId: 'ada', eventTimeMs: 1e12 + 1, amountMinor: 250 }, 0)
    await pipeline.applyFeedback({ transactionId: 't1', isFraud: true })
    await pipeline.saveLogs()
    const rows = await query(
      folder,
      'SELECT transaction_id, amount_minor, merchant_id, model_name, amount, user_tx_count_60s FROM {predictions} ORDER BY sequence',
    )
    expect(rows).toEqual([
      ['t1', 100, 'shop', 'champion', 1, 1],
      ['t2', 250, null, 'champion', 2.5, 2],
    ])
    expect(await query(folder, 'SELECT transaction_id, is_fraud FROM {labels}')).toEqual([['t1', true]])
  })

  test('a canary decides for its share of the users, always the same ones; a shadow only looks on', async () => {
    const shadowed: number[] = []
    const observer: InferenceObserver = {
      ...silentObserver,
      shadowed: (_, probability) => void shadowed.push(probability),
    }
    const models = {
      champion: CHAMPION,
      canary: { model: testModel('canary', 2), share: 0.25 },
      shadow: testModel('shadow', 3),
    }
    pipeline = await open(folder, { models, observer })
    const roles = new Map<string, string>()
    for (let n = 0; n < 800; n++) {
      const userId = `u${n % 400}`
      const { role, model } = await pipeline.predict({ ...payment(n), userId }, 0)
      expect(model.name).toBe(role)
      expect(roles.get(userId) ?? role).toBe(role)
      roles.set(userId, role)
    }
    const canaries = [...roles.values()].filter((role) => role === 'canary').length
    expect(canaries / 400).toBeGreaterThan(0.18)
    expect(canaries / 400).toBeLessThan(0.32)
    expect(shadowed).toHaveLength(800)
    expect((await pipeline.find('t7'))?.shadow?.probability).toBe(shadowed[7])
    // What the champion serves is not changed by who looks on.
    const alone = await open(`${folder}/alone`)
    for (const n of [0, 1]) {
      await alone.predict({ ...payment(n), userId: `u${n}` }, 0)
      expect((await alone.find(`t${n}`))?.features).toEqual((await pipeline.find(`t${n}`))?.features)
    }
    await alone.close()
  })

  test('models are switched and rolled back while decisions go on; each decision names its model', async () => {
    pipeline = await open(folder)
    const control = createModelControl(pipeline, async (source) => testModel(source, 2))
    await expect(control.rollBack()).rejects.toMatchObject({ code: 'SERVING_NO_EARLIER_MODEL' })
    const decided: Promise<{ readonly model: { readonly name: string } }>[] = []
    const send = (from: number) => {
      for (let n = from; n < from + 20; n++) decided.push(pipeline.predict(payment(n), 0))
    }
    send(0)
    const switching = control.switchTo('second')
    send(20)
    await switching
    send(40)
    await control.rollBack()
    send(60)
    const names = (await Promise.all(decided)).map(({ model }) => model.name)
    expect(names.slice(0, 20)).toEqual(Array(20).fill('champion'))
    expect(names.slice(40, 60)).toEqual(Array(20).fill('second'))
    expect(names.slice(60)).toEqual(Array(20).fill('champion'))
    expect(pipeline.models.map(({ name, role }) => [name, role])).toEqual([['champion', 'champion']])
  })

  test('what an act of administration chose is kept, a rollback by the version that decides again', async () => {
    const registered = (version: string, asked: string): LoadedModel => {
      const model = testModel(version)
      // As a loader does: a folder is told in full.
      const source = asked.startsWith('models:/') ? asked : `/served/${asked}`
      return { ...model, description: { ...model.description, name: 'fraud', version, source } }
    }
    const production = 'models:/fraud@production'
    pipeline = await open(folder, { models: { champion: registered('3', production) } })
    const sources = { source: production, shadow: '', canary: '', canary_share: 0.05 }
    const kept: ServedSources[] = []
    const control = createModelControl(pipeline, async (asked) => registered('4', asked), {
      sources,
      keep: async (chosen) => void kept.push(chosen),
    })
    await control.reload()
    await control.setCanary('models:/fraud/5', 0.1)
    await control.setCanary(null, 0.1)
    await control.setShadow('runs/new')
    await control.rollBack()
    await expect(control.rollBack()).rejects.toMatchObject({ code: 'SERVING_NO_EARLIER_MODEL' })
    await control.switchTo('runs/other')
    const shadowed = { ...sources, canary_share: 0.1, shadow: '/served/runs/new' }
    expect(kept).toEqual([
      sources,
      { ...sources, canary: 'models:/fraud/5', canary_share: 0.1 },
      { ...sources, canary_share: 0.1 },
      shadowed,
      { ...shadowed, source: 'models:/fraud/3' },
      { ...shadowed, source: '/served/runs/other' },
    ])
  })

  test('a model that could not go on from the states is refused, and the one in service stays', async () => {
    pipeline = await open(folder)
    const foreign = { ...testModel('foreign'), statesKey: 'other', layoutKey: 'other' }
    const control = createModelControl(pipeline, async () => foreign)
    await expect(control.switchTo('foreign')).rejects.toMatchObject({ code: 'SERVING_STATES_FOREIGN' })
    expect((await pipeline.predict(payment(1), 0)).model.name).toBe('champion')
  })

  test('a shadow of another layout ends no start where the store has no room for its states; nobody can set one', async () => {
    const foreign = { ...testModel('foreign'), statesKey: 'other', layoutKey: 'other' }
    const warnings: string[] = []
    const observer = { ...silentObserver, warned: (code: string) => void warnings.push(code) }
    pipeline = await open(folder, { models: { champion: CHAMPION, shadow: foreign }, observer })
    expect(warnings).toEqual(['SERVING_SHADOW_WITHOUT_STATES'])
    expect(pipeline.models[1]).toMatchObject({
      name: 'foreign',
      unscored: 'state store memory has room for the states of one layout alone',
    })
    await pipeline.predict(payment(1), 0)
    expect(await pipeline.find('t1')).not.toHaveProperty('shadow')
    const other = { ...foreign, key: 'f'.repeat(16) }
    await expect(pipeline.useModels({ champion: CHAMPION, shadow: other })).rejects.toMatchObject({
      code: 'SERVING_SHADOW_WITHOUT_STATES',
    })
  })

  test('a store remembers whose states it has', async () => {
    const store = createMemoryStateStore()
    const kept: OwnedStateStore = { ...store, close: async () => undefined }
    pipeline = await open(folder, { store: kept })
    await pipeline.close()
    const foreign = { champion: { ...testModel('foreign'), statesKey: 'other', layoutKey: 'other' } }
    await expect(open(folder, { store: kept, models: foreign })).rejects.toMatchObject({
      code: 'SERVING_STATES_FOREIGN',
    })
  })

  test('records of a model that nothing describes any more are read again after a start with it as shadow', async () => {
    const store: OwnedStateStore = { ...createMemoryStateStore(), close: async () => undefined }
    const before = await open(folder, { store, models: { champion: testModel('before', 2) } })
    await before.predict(payment(1), 0)
    // It is killed, and a power failure takes the description.
    rmSync(join(folder, 'documents', `model-${testModel('before', 2).key}.json`))
    await expect(open(folder, { store })).rejects.toMatchObject({
      code: 'SERVING_LOG_DAMAGED',
      message: expect.stringContaining('a start with it, as model.shadow for instance, writes it down'),
    })
    pipeline = await open(folder, { store, models: { champion: CHAMPION, shadow: testModel('before', 2) } })
    await pipeline.close()
    pipeline = await open(folder, { store })
    expect(await pipeline.find('t1')).toMatchObject({ model: { name: 'before' } })
  })

  test('a closed pipeline takes nothing more, and everything it took is in the log', async () => {
    pipeline = await open(folder)
    const accepted = Array.from({ length: 30 }, (_, n) => pipeline.predict(payment(n), 0))
    const closed = pipeline.close()
    await Promise.allSettled(accepted)
    await closed
    await expect(pipeline.predict(payment(99), 0)).rejects.toMatchObject({ code: 'SERVING_CLOSING' })
    const answered = (await Promise.allSettled(accepted)).filter(({ status }) => status === 'fulfilled')
    expect(await recordsIn(folder)).toBe(answered.length)
  })
})

const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: 'ada',
  merchantId: 'shop',
  deviceId: 'phone',
  eventTimeMs: 1e12 + n,
  amountMinor: 100,
})

const database = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }

const open = async (
  folder: string,
  {
    models = { champion: CHAMPION },
    observer = silentObserver,
    store = createMemoryStateStore(),
    states = { kind: 'owned', name: 'memory', store },
    segmentBytes = 1 << 20,
  }: {
    models?: ServingModels
    observer?: InferenceObserver
    store?: OwnedStateStore
    states?: OpenStates
    segmentBytes?: number
  } = {},
): Promise<OpenPipeline> => {
  let clock = Date.UTC(2026, 0, 31, 23, 59)
  return openInferencePipeline({
    models,
    tables: noTables(),
    observer,
    archive: folder,
    database,
    log: await openTestLog(folder, segmentBytes),
    states,
    settings: TEST_SETTINGS,
    world: { ...TEST_WORLD, now: () => clock++ },
  })
}

const recordsIn = async (folder: string): Promise<number> => {
  let records = 0
  for await (const _ of openLogReader(folder).read(0)) records++
  return records
}

const query = (folder: string, sql: string): Promise<unknown[][]> =>
  withDatabase(database, async (connection) => {
    const text = sql.replace(/\{(\w+)\}/, (_, kind) => `read_parquet('${folder}/${kind}/*/*.parquet')`)
    return (await connection.runAndReadAll(text)).getRows()
  })
