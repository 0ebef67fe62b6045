import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import {
  noTables,
  openTestLog,
  silentObserver,
  TEST_SETTINGS,
  TEST_WORLD,
  testModel,
} from '../decisions/inference.test-kit.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { createLogFeatures } from '../decisions/log/log-features.ts'
import { readLogName } from '../decisions/log/log-name.ts'
import { withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { documentOf } from '../decisions/log/model-document.ts'
import { type OpenPipeline, openInferencePipeline } from '../decisions/open-pipeline.ts'
import { writeStoreIdentity } from '../decisions/states/store-identity.ts'
import { unwatchedWork } from '../disk/work.ts'
import { sha256 } from '../foundation/hash.ts'
import type { KeepingSettings } from '../keeping/log-keeping.ts'
import { keepingOpener } from '../keeping/open-keeping.ts'
import { parityOfLog } from '../pipelines/parity/parity-of-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import type { EventTimeBounds } from '../transaction/event-time.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { branchFolder } from './branch-folders.ts'
import type { Branches } from './branches.ts'
import { fillBranch } from './build-branch.ts'
import { branchesOpener } from './open-branches.ts'
import { openBranchOf, openStores } from './open-stores.ts'

export const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: '.spill' }
export const WORK = unwatchedWork(DATABASE)

export const modelOf = (name: string, weight: number, forgetAfter: string): LoadedModel => ({
  ...testModel(name, weight, forgetAfter),
  layoutKey: sha256(forgetAfter),
})

/** Of the layout that services begin with, and of another one. */
export const OLD = modelOf('old', 1, 'never')
export const NEW = modelOf('new', 2, '1000s')

let processes = 2_000_000_000

export const openStore = (folder: string): Promise<OwnedStateStore> =>
  openLmdbStateStore({
    folder,
    owner: { processId: processes++, host: 'here', processSpace: 'test', isAlive: () => false },
  })

/** A service whose states may be of several layouts, in a folder of a test. */
export interface BranchedService {
  readonly pipeline: OpenPipeline
  readonly branches: Branches
  /** What it has warned of. */
  readonly warnings: readonly string[]
  /** What its shadow was counted with, in its order. */
  readonly shadowed: readonly Shadowed[]
  /** Number of the next transaction. */
  sent: number
  nowMs: number
  /** Decides on the next transactions, and tells labels of some before. */
  send(count: number): Promise<void>
  predict(n: number): ReturnType<OpenPipeline['predict']>
}

export interface Shadowed {
  readonly model: string
  readonly probability: number
  readonly isFlagged: boolean
  readonly championFlagged: boolean
}

/** What a test wants otherwise. */
export interface BranchedExtras {
  readonly shadow?: LoadedModel
  readonly saveAfterMs?: number
  readonly eventTime?: EventTimeBounds
  /** What the server opens instead of the store in a folder. */
  readonly wrap?: (store: OwnedStateStore, folder: string) => OwnedStateStore
}

export const logFolder = (folder: string): string => join(folder, 'log')
export const stateFolder = (folder: string): string => join(folder, 'state')

/** Opens the service in a folder, with this champion. */
export const openBranched = async (
  folder: string,
  champion: LoadedModel,
  before: Pick<BranchedService, 'sent' | 'nowMs'> = { sent: 0, nowMs: 1e12 },
  keeping?: KeepingSettings,
  {
    shadow,
    saveAfterMs = TEST_SETTINGS.saveAfterMs,
    eventTime = TEST_SETTINGS.eventTime,
    wrap = (store) => store,
  }: BranchedExtras = {},
): Promise<BranchedService> => {
  const warnings: string[] = []
  const shadowed: Shadowed[] = []
  const openWrapped = async (place: string) => wrap(await openStore(place), place)
  const observer: InferenceObserver = {
    ...silentObserver,
    shadowed: (model, probability, isFlagged, championFlagged) =>
      void shadowed.push({ model: model.name, probability, isFlagged, championFlagged }),
    warned: (code: string, details: object) => void warnings.push(`${code} ${JSON.stringify(details)}`),
  }
  const root = await openWrapped(stateFolder(folder))
  const found = await openStores(root, stateFolder(folder), openWrapped, champion, observer)
  let branches: Branches | undefined
  let monotonicMs = 0
  const opener = branchesOpener({
    found,
    log: logFolder(folder),
    openBranch: (layoutKey) => openBranchOf(stateFolder(folder), layoutKey, openWrapped),
    reopen: async (stored) => ({ ...stored, store: await openWrapped(stored.folder) }),
  })
  const store = { ...found.deciding.store, close: async () => undefined }
  const own = {
    states: { kind: 'owned', name: 'lmdb', store },
    log: await openTestLog(logFolder(folder)),
    archive: logFolder(folder),
    database: DATABASE,
    observer,
    settings: {
      ...TEST_SETTINGS,
      saveAfterMs,
      eventTime,
      receiptLifeMs: 86_400_000,
      waitingLifeMs: 86_400_000,
    },
    // Each look at the clock is a millisecond later.
    world: {
      ...TEST_WORLD,
      monotonicMs: () => monotonicMs++,
      now: () => service.nowMs,
      newId: () => `name${sha256(folder).slice(0, 6)}`,
    },
  } as const
  const service = {
    branches: undefined as unknown as Branches,
    pipeline: undefined as unknown as OpenPipeline,
    warnings,
    shadowed,
    sent: before.sent,
    nowMs: before.nowMs,
    predict: (n: number) => service.pipeline.predict(payment(n), 0),
    send: async (count: number) => {
      for (const end = service.sent + count; service.sent < end; service.sent++) {
        const { sent } = service
        await service.predict(sent)
        if (sent >= 10 && sent % 2 === 0)
          await service.pipeline.applyFeedback({ transactionId: `t${sent - 10}`, isFraud: sent % 4 === 0 })
      }
    },
  }
  service.pipeline = await openInferencePipeline({
    ...own,
    models: { champion, ...(shadow !== undefined && { shadow }) },
    tables: noTables(),
    ...(keeping !== undefined && { openKeeping: keepingOpener({ ...own, keeping }) }),
    openBranches: async (...options) => {
      branches = await opener(...options)
      return branches
    },
  })
  service.branches = branches!
  return service
}

export const payment = (n: number): Transaction => ({
  transactionId: `t${n}`,
  userId: `u${n % 7}`,
  merchantId: n % 3 === 0 ? 'shop' : 'market',
  deviceId: `d${n % 4}`,
  eventTimeMs: 1e12 + n * 400,
  amountMinor: 100 + (n % 50),
})

interface BuildTestOptions {
  readonly eventTime: EventTimeBounds
  /** Ids of transactions that the training says it has seen. */
  readonly seen: ReadonlySet<string>
}

/**
 * Makes the states of another layout beside those of a service, as `vigia state migrate` does it, from a
 * training that has seen nothing.
 */
export const build = async (
  folder: string,
  model: LoadedModel,
  { eventTime = TEST_SETTINGS.eventTime, seen = new Set() }: Partial<BuildTestOptions> = {},
): Promise<Awaited<ReturnType<typeof fillBranch>>> => {
  const run = join(folder, 'run')
  mkdirSync(join(run, 'states'), { recursive: true })
  writeFileSync(
    join(run, 'states', 'pending.labels'),
    new Uint8Array(new Float64Array([Number.NEGATIVE_INFINITY]).buffer),
  )
  const place = branchFolder(stateFolder(folder), model.layoutKey)
  let store = await openStore(place)
  const { statesKey, layoutKey, key: founder } = model
  const identity = {
    statesKey,
    layoutKey,
    founder,
    identity: model.identity,
    logName: (await readLogName(openLogReader(logFolder(folder))))!,
    createdAtMs: 0,
    branchedAfter: 0,
  }
  const filled = await fillBranch({
    store,
    compact: async () => {
      await store.close()
      store = await openStore(place)
      return store
    },
    identity,
    model,
    run,
    log: logFolder(folder),
    openLog: openLogReader,
    seen,
    settings: { ...TEST_SETTINGS, eventTime },
    world: TEST_WORLD,
    observer: silentObserver,
    workFolder: folder,
    work: WORK,
  })
  await writeStoreIdentity(store, { ...identity, branchedAfter: filled.through })
  await store.close()
  return filled
}

/** What `vigia parity` finds, by model. */
export const parityOf = async (folder: string, from?: number) =>
  Object.fromEntries(
    (
      await parityOfLog({
        folders: [logFolder(folder)],
        openLog: openLogReader,
        workFolder: folder,
        ...(from !== undefined && { from }),
        work: WORK,
      })
    ).map(({ model, report, unchecked }) => [
      model.name,
      {
        rows: report.rows,
        differing: report.differing.reduce((sum, { count }) => sum + count, 0),
        missing: report.missing,
        extra: report.extra,
        unchecked,
      },
    ]),
  )

/** What a log has of what a shadow says of a decision, and what it is by a replay. */
export interface ComparedShadow {
  readonly transactionId: string
  readonly logged: number | undefined
  readonly replayed: number
}

/**
 * What the log says that this model said as a shadow, in the order of the decisions, beside what a replay of
 * the whole log gives: into states of its layout that begin with nothing, which knows nothing of stores and
 * of who decided.
 */
export const comparedShadows = async (
  folder: string,
  model: LoadedModel,
): Promise<readonly ComparedShadow[]> => {
  const document = documentOf(model)
  const features = createLogFeatures(document, () => undefined)
  const places = model.scorer.featureNames.map((name) => document.computed.indexOf(name))
  const found: ComparedShadow[] = []
  const options = { folders: [logFolder(folder)], openLog: openLogReader, workFolder: folder, work: WORK }
  await withLoggedEntries(options, async ({ entries }) => {
    for await (const entry of entries) {
      if (entry.kind === 'label') features.applyLabel(entry.label)
      if (entry.kind !== 'decision') continue
      const { transaction, timing, shadow } = entry.decision
      const vector = features.createAllFeatures(document, transaction, timing)!
      const input = Float64Array.from(places, (place) => vector[place]!)
      found.push({
        transactionId: transaction.transactionId,
        logged: shadow?.model === model.key ? shadow.probability : undefined,
        replayed: model.scorer.scoreOne(input),
      })
    }
  })
  return found
}
