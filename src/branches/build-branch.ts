import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createDecider } from '../decisions/decider.ts'
import type { DecisionSettings } from '../decisions/decisions.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { invariantBroken } from '../decisions/invariant-broken.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import { firstMissed, readLostNumbers } from '../decisions/log/log-gaps.ts'
import { readLogName } from '../decisions/log/log-name.ts'
import { type DecisionEntry, type LogEntry, tokenOfLabel } from '../decisions/log/log-record.ts'
import { logIncomplete, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import { documentName, documentOf, type ModelDocument } from '../decisions/log/model-document.ts'
import { openFollowingStates } from '../decisions/owned/owned-decisions.ts'
import type { OwnedStates } from '../decisions/owned/owned-states.ts'
import { predictionNames } from '../decisions/prediction-names.ts'
import { layoutOfStates } from '../decisions/states/layout-of-states.ts'
import {
  assertLogs,
  beginningGuard,
  ownTokensOf,
  transactionIdsOf,
} from '../decisions/states/migrate-states.ts'
import {
  goesOnFrom,
  readStoreIdentity,
  type StoreIdentity,
  writeStoreIdentity,
} from '../decisions/states/store-identity.ts'
import { isUntrue } from '../decisions/states/untrue-time.ts'
import { warningsOnly } from '../decisions/warnings-only.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { LogReader, PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { loadStates } from '../states/load-states.ts'
import { pendingLabelsOf } from '../states/pending-due-labels.ts'
import { branchFolder, buildingFolder, bytesOfStates } from './branch-folders.ts'
import { ofThisLayout } from './fitting-branch.ts'
import { noteFounder, readFounder } from './founder-note.ts'
import { lostReason, readLostAfter } from './layout-states.ts'
import type { OpenStore } from './open-stores.ts'

export interface BuildBranchOptions {
  /** The model whose layout the states get. */
  readonly model: LoadedModel
  /** Folder of the run that trained it: `states/`, and `read/prepared.parquet` with what it has seen. */
  readonly run: string
  /** Folder of the log, which a server may be writing. */
  readonly log: string
  readonly openLog: (folder: string) => LogReader
  /** `state_store.path`. */
  readonly states: string
  readonly openStore: OpenStore
  /** Takes out of the store in a folder, which is closed, the room that nothing uses. */
  readonly compactStore: (folder: string) => Promise<void>
  readonly settings: DecisionSettings
  readonly world: World
  readonly observer: InferenceObserver
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
}

/** What building came to. */
export interface BuiltBranch {
  /** Folder of the store. */
  readonly folder: string
  /** Number of the last record that the states have, inclusive. */
  readonly through: number
  /** Decisions and labels of the log that were taken in now. */
  readonly taken: number
  /** Decisions that the run had seen. */
  readonly known: number
  /** Whether states that were there went on, instead of being made anew. */
  readonly isExtended: boolean
}

/** A round of reading the log that finds fewer entries is the last. */
const FEW_ENTRIES = 500
const MOST_ROUNDS = 20
/** Before rounds that find fewer the store is made compact: what comes after leaves little room in it. */
const LATE_ENTRIES = 50_000

/**
 * Makes the states of another layout beside those of a server that decides meanwhile: the states that the
 * run's training ended with, and on top of them every decision and label of the log that the run has not
 * seen, at their places, by the code that a server replays its log with. Receipts and labels that wait or are
 * due are those of the whole log.
 *
 * States of that layout that were made before, and that no server has open, go on to the end of the log.
 *
 * @throws PIPELINE_HISTORY_MISSING, PIPELINE_RUN_INCOMPLETE, MODEL_STATES_REFUSED, SERVING_LOG_INCOMPLETE,
 * SERVING_LOG_BEGINS_LATER, SERVING_AMOUNTS_DIFFER, SERVING_BRANCH_REFUSED, SERVING_FOLDER_IN_USE,
 * INTERRUPTED
 */
export const buildBranch = async (options: BuildBranchOptions): Promise<BuiltBranch> => {
  const { model, run, log, openLog, states, openStore, work, world } = options
  const reader = openLog(log)
  await assertLogs({ model, logs: [log], openLog })
  await assertUnlabelled(model, reader)
  await assertOther(options)
  const logName = await readLogName(reader)
  if (logName === undefined) throw logIncomplete([log], 'no server with states of its own has written it')
  const final = branchFolder(states, model.layoutKey)
  const isExtended = (await stat(final).catch(() => undefined)) !== undefined
  const folder = isExtended ? final : buildingFolder(states, model.layoutKey)
  if (!isExtended) await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  let store = await openStore(folder)
  try {
    if (!isExtended) {
      const own = { kind: 'owned', name: folder, store } as const
      await loadStates({ states: own, model, from: join(run, 'states'), force: true, world, work })
    }
    const found = await readStoreIdentity(store)
    const refuse = (reason: string) =>
      new VigiaError('SERVING_BRANCH_REFUSED', { layout: model.layoutKey.slice(0, 16), reason })
    if (isExtended && found?.logName !== logName)
      throw refuse(`${folder} has states of another log; remove it`)
    const lostAfter = await readLostAfter({ store })
    if (lostAfter !== undefined) throw refuse(`in ${folder}, ${lostReason(lostAfter)}; remove it`)
    const identity: StoreIdentity = { ...found!, logName, origin: undefined, branchedAfter: 0 }
    const seen = await transactionIdsOf({ run, work })
    const compact = async (): Promise<OwnedStateStore> => {
      await store.close()
      await options.compactStore(folder)
      store = await openStore(folder)
      return store
    }
    const filled = await fillBranch({ ...options, store, compact, identity, seen })
    await writeStoreIdentity(store, { ...identity, branchedAfter: filled.through })
    await store.flush()
    await store.close()
    if (!isExtended) await rename(folder, final)
    return { ...filled, folder: final, isExtended }
  } catch (error) {
    await store.close().catch(() => undefined)
    if (!isExtended) await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** @throws SERVING_BRANCH_REFUSED when the first states are of this layout: the model goes on from them */
const assertOther = async ({ model, states, openStore }: BuildBranchOptions): Promise<void> => {
  if ((await bytesOfStates(states)) === 0) return
  const store = await openStore(states).catch((error: unknown) => {
    // A server has them, and knows.
    if (error instanceof VigiaError && error.code === 'SERVING_FOLDER_IN_USE') return undefined
    throw error
  })
  if (store === undefined) return
  try {
    const identity = await readStoreIdentity(store)
    if (identity !== undefined && goesOnFrom(identity, model)) throw ofThisLayout(model, states)
  } finally {
    await store.close()
  }
}

/** @throws SERVING_BRANCH_REFUSED when a model of the log means something else by no label */
const assertUnlabelled = async ({ settings, layoutKey }: LoadedModel, log: LogReader): Promise<void> => {
  for (const name of (await log.documentNames()).filter((one) => one.startsWith(documentName('')))) {
    const { featureSettings } = JSON.parse((await log.readDocument(name))!) as ModelDocument
    const { labels } = featureSettings as { readonly labels?: { readonly unlabelled?: string } }
    const logged = labels?.unlabelled ?? 'unknown'
    const own = settings.unlabelled ?? 'unknown'
    if (logged !== own)
      throw new VigiaError('SERVING_BRANCH_REFUSED', {
        layout: layoutKey.slice(0, 16),
        reason: `labels.unlabelled is ${own} for its model, and ${logged} for one that has decided`,
      })
  }
}

export interface FillBranchOptions extends Omit<BuildBranchOptions, 'states' | 'openStore' | 'compactStore'> {
  /** Has the states that training ended with. */
  readonly store: OwnedStateStore
  /** Makes the store compact, and opens it anew. */
  readonly compact: () => Promise<OwnedStateStore>
  readonly identity: StoreIdentity
  /** Ids of the transactions in them. */
  readonly seen: ReadonlySet<string>
}

/**
 * Brings states up to the end of the log.
 *
 * What is taken in leaves receipts that are removed again, in a store that grew meanwhile: before the last
 * rounds it is made compact, because a server that goes on with it would pay for the empty pages at each
 * transaction.
 */
export const fillBranch = async (
  options: FillBranchOptions,
): Promise<Pick<BuiltBranch, 'through' | 'taken' | 'known'>> => {
  const { log: folder, openLog, work, workFolder, store, identity, model } = options
  if (identity.founder === model.key) await noteFounder(store, model)
  const temporary = await mkdtemp(join(workFolder, '.branch-'))
  const filling = await openFilling(options, temporary)
  let taken = 0
  let isCompact = false
  try {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = taken
      const after = filling.through()
      const logged = { folders: [folder], openLog, workFolder: temporary, work, after }
      await withLoggedEntries(logged, async ({ entries }) => {
        for await (const entry of entries) {
          work.signal.throwIfAborted()
          await filling.take(entry)
          taken++
          if (taken % 1000 === 0)
            work.reportProgress({ activity: 'taking in the log', done: taken, unit: 'records' })
        }
      })
      if (!isCompact && taken - before < LATE_ENTRIES) {
        isCompact = true
        await filling.makeCompact()
      } else if (taken - before < FEW_ENTRIES) break
    }
    return { through: filling.through(), taken, known: filling.known() }
  } finally {
    await filling.close()
    await rm(temporary, { recursive: true, force: true })
  }
}

/** What takes in the entries of a log, one after the other. */
interface Filling {
  take(entry: LogEntry): Promise<void>
  /** Number of the last record that the states have, inclusive. */
  through(): number
  /** Decisions so far that the run had seen. */
  known(): number
  /** Goes on with the same states in a store without empty pages. */
  makeCompact(): Promise<void>
  close(): Promise<void>
}

const openFilling = async (options: FillBranchOptions, temporary: string): Promise<Filling> => {
  const { model, run, log: folder, openLog, store, compact, seen, work } = options
  const reader = openLog(folder)
  const modelOf = documentsOf(reader, folder, [documentOf(model), await readFounder(store)])
  const isKnown = ({ transaction }: DecisionEntry) => seen.has(transaction.transactionId)
  const { first } = await readLogBeginning(reader)
  const openStates = await statesOpener(options, reader, modelOf, isKnown)
  let decisions = await openStates(store)
  const isNew = decisions.through === 0
  const beginWithLog = (): void => {
    if (decisions.through < first - 1) decisions.reach(first - 1)
  }
  beginWithLog()
  const assertSeen = await beginningGuard({ logs: [folder], openLog }, seen)
  const tokens = await ownTokensOf(seen, temporary, { model, run, logs: [folder], openLog, work })
  const pending = new Set<number>()
  for (const { label } of pendingLabelsOf(join(run, 'states'), model).labels)
    pending.add(label.transactionToken!)
  let known = 0
  return {
    through: () => decisions.through,
    close: () => decisions.close(),
    known: () => known,
    makeCompact: async () => {
      await decisions.close()
      decisions = await openStates(await compact())
      beginWithLog()
    },
    take: async (entry) => {
      const { sequence } = entry
      if (entry.kind === 'decision') {
        assertSeen(entry.decision.transaction.transactionId)
        if (isKnown(entry.decision)) known++
      }
      const isOld =
        entry.kind === 'label' && entry.label.origin === 'history' && !pending.has(tokenOfLabel(entry.label))
      // Of states that were there before these, and hold what is left out of these.
      const isOthers = isNew && entry.kind === 'repair' && entry.words.length > 0
      // The run's own training has delivered it.
      if (isOld || isOthers) decisions.reach(sequence)
      else await decisions.take(sequence, withTokens(entry, tokens), placeOf(sequence))
    },
  }
}

/** What opens a store as states that take in the log, for the model's layout. */
const statesOpener = async (
  { model, log: folder, identity, settings, world, observer }: FillBranchOptions,
  reader: LogReader,
  modelOf: (key: string) => Promise<ModelDocument>,
  isKnown: (decision: DecisionEntry) => boolean,
): Promise<(store: OwnedStateStore) => Promise<OwnedStates>> => {
  const layout = {
    ...layoutOfStates(identity, modelOf),
    isLeftOut: (decision: DecisionEntry) => isKnown(decision) || isUntrue(decision, settings.eventTime),
  }
  const lost = await readLostNumbers(reader)
  return (store) =>
    openFollowingStates({
      decider: createDecider({ champion: model }),
      log: readOnly(reader),
      // What was served came of other states than these, which have what the run knew and nothing untrue.
      observer: warningsOnly((code, details) => {
        if (code !== 'SERVING_REPLAY_DIFFERS') observer.warned(code, details)
      }),
      names: predictionNames(identity),
      settings,
      world,
      store,
      layout,
      nameOf: async (key) => {
        const { name, version } = await modelOf(key)
        return { name, version }
      },
      assertLost: async (after, before) => {
        const missed = firstMissed(lost, after, before)
        if (missed !== undefined) throw logIncomplete([folder], `record ${missed} is missing`)
      },
    })
}

/** A label with all entities that the run knows of its transaction. */
const withTokens = (
  entry: LogEntry,
  tokens: ReadonlyMap<string, Readonly<Record<string, number>>>,
): LogEntry => {
  if (entry.kind !== 'label') return entry
  const own = tokens.get(entry.label.transactionId)
  return own === undefined
    ? entry
    : { ...entry, label: { ...entry.label, own: { ...entry.label.own, ...own } } }
}

/** What is found by its number alone: no segment of the log has this name. */
const placeOf = (sequence: number) => ({
  segment: `${String(sequence).padStart(12, '0')}.archived`,
  offset: 0,
})

/** Models of the log, and others that it may not know yet. */
const documentsOf = (reader: LogReader, folder: string, others: readonly (ModelDocument | undefined)[]) => {
  const known = new Map(others.flatMap((one) => (one === undefined ? [] : [[one.key, one] as const])))
  return async (key: string): Promise<ModelDocument> => {
    const found = known.get(key)
    if (found !== undefined) return found
    const text = await reader.readDocument(documentName(key))
    if (text === undefined) throw logIncomplete([folder], `nothing in it says what model ${key} was`)
    const document = JSON.parse(text) as ModelDocument
    known.set(key, document)
    return document
  }
}

/** A log of which states that follow use nothing: they are handed its entries, whatever of it is Parquet. */
const readOnly = (reader: LogReader): PredictionLog => {
  const refuse = (): never => {
    throw invariantBroken('a log that is only read')
  }
  return {
    lastSequence: 0,
    append: refuse,
    resume: refuse,
    read: (after) => reader.read(after),
    readAt: async () => undefined,
    rotate: refuse,
    readSegment: (segment) => reader.readSegment(segment),
    remove: refuse,
    writeDocument: refuse,
    readDocument: (name) => reader.readDocument(name),
    size: async () => 0,
    close: async () => undefined,
  }
}
