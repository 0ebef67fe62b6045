import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { copyPendingLabels } from '../../artifacts/pending-labels.ts'
import { readSnapshot, snapshotFile, writeEntries } from '../../artifacts/state-snapshot.ts'
import { publishStates, readStates } from '../../artifacts/states-manifest.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules } from '../../transaction/amount-rules.ts'
import { attributeColumn } from '../../transaction/attributes.ts'
import { entityIdSql } from '../../transaction/entities.ts'
import { type EntityKind, stateKindsOf } from '../../transaction/entity-kind.ts'
import type { EventTimeBounds } from '../../transaction/event-time.ts'
import { tokenOf } from '../../transaction/token.ts'
import { isTold } from '../label-origin.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { readLogBeginning } from '../log/log-beginning.ts'
import { createLogFeatures, type LogFeatures } from '../log/log-features.ts'
import { tokenOfLabel } from '../log/log-record.ts'
import { assertFolders, logIncomplete, withLoggedEntries } from '../log/logged-entries.ts'
import { documentName, documentOf, type ModelDocument } from '../log/model-document.ts'
import { encodedStates } from './encoded-states.ts'
import { isUntrue } from './untrue-time.ts'

export interface MigrateStatesOptions {
  /** The model that will go on from the states. */
  readonly model: LoadedModel
  /** Folder of the run that trained it: `states/`, and `read/prepared.parquet` with what it has seen. */
  readonly run: string
  /** Folders of the logs of those who decided meanwhile, with other states. */
  readonly logs: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** What times are taken as true. */
  readonly eventTime: EventTimeBounds
  /** Folder that gets `states/`. */
  readonly out: string
  readonly work: Work
}

/** What a migration came to. */
export interface MigratedStates {
  /** Decisions of the logs that the run had not seen, and are part of the states now. */
  readonly taken: number
  /** Decisions that the run had seen. */
  readonly known: number
  /** Labels that the services were told. */
  readonly labels: number
  /** Decisions that are left out, because the time of their transaction cannot be true (`isUntrue`). */
  readonly untrue: number
  /** Time of the latest transaction in the states, epoch milliseconds. */
  readonly lastEventTimeMs: number | null
}

/**
 * Carries the history of a service over to a model with other entities, windows or cleaning: the states that
 * its training ended with, and on top of them every decision and label of the service's logs that the
 * training had not seen, in the order logged, by the new model's own engine.
 *
 * What a logged transaction does not have (an attribute that is new) is missing, as it would have been. Whose
 * a labelled transaction was, the run says where it has it.
 *
 * @throws PIPELINE_HISTORY_MISSING, PIPELINE_RUN_INCOMPLETE, MODEL_STATES_REFUSED, SERVING_LOG_INCOMPLETE,
 * SERVING_AMOUNTS_DIFFER, SERVING_AMOUNT_UNCONVERTED, SERVING_LOG_BEGINS_LATER, DATASET_OUTPUT_EXISTS,
 * INTERRUPTED
 */
export const migrateStates = async (options: MigrateStatesOptions): Promise<MigratedStates> => {
  const { model, run, out } = options
  const from = join(run, 'states')
  const to = join(out, 'states')
  await assertLogs(options)
  const manifest = await readStates(from, model.identity)
  if (manifest === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder: run })
  if ((await stat(to).catch(() => undefined)) !== undefined)
    throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: to })
  const kinds = stateKindsOf(model.settings.options.entities)
  const stored = readSnapshot(from, kinds)
  const seen = await transactionIdsOf(options)
  const features = createLogFeatures(documentOf(model), (kind, token) => stored.get(kind)?.get(token))
  await mkdir(out, { recursive: true })
  const temporary = await mkdtemp(join(out, '.states-'))
  try {
    const outcome = await takeLogs(features, seen, manifest.lastEventTimeMs, temporary, options)
    for (const kind of kinds) writeKind(features, kind, stored.get(kind)!, snapshotFile(temporary, kind))
    const entities = model.settings.options.entities.length
    copyPendingLabels(from, temporary, entities, outcome.told, outcome.lastEventTimeMs)
    const finished = join(temporary, 'states')
    await mkdir(finished)
    await publishStates(temporary, finished, model.identity, outcome.lastEventTimeMs, kinds)
    await rename(finished, to)
    const { told: _, ...migrated } = outcome
    return migrated
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/**
 * Every server says beside its log what its models were: amounts must stand in the log as the new one reads
 * them.
 *
 * @throws SERVING_LOG_INCOMPLETE, SERVING_AMOUNTS_DIFFER
 */
export const assertLogs = async ({
  model,
  logs,
  openLog,
}: Pick<MigrateStatesOptions, 'model' | 'logs' | 'openLog'>): Promise<void> => {
  await assertFolders(logs)
  for (const folder of logs) {
    const log = openLog(folder)
    const names = await log.documentNames()
    if (names.length === 0) throw logIncomplete([folder], 'no server has written a log in it')
    for (const name of names.filter((one) => one.startsWith(documentName('')))) {
      const text = await log.readDocument(name)
      if (text !== undefined) assertAmounts(JSON.parse(text) as ModelDocument, model)
    }
  }
}

const assertAmounts = (logged: ModelDocument, { settings, description }: LoadedModel): void => {
  const { amounts = AMOUNTS_ABOVE_ZERO } = logged.featureSettings as { readonly amounts?: AmountRules }
  if (amounts.decimals === settings.amounts.decimals) return
  throw new VigiaError('SERVING_AMOUNTS_DIFFER', {
    model: `${description.name} ${description.version}`,
    got: canonicalJson({ ...settings.amounts }),
    other: `${logged.name} ${logged.version}`,
    allowed: canonicalJson({ ...amounts }),
  })
}

/** Ids of everything that a run has read. @throws PIPELINE_RUN_INCOMPLETE */
export const transactionIdsOf = async ({
  run,
  work,
}: Pick<MigrateStatesOptions, 'run' | 'work'>): Promise<ReadonlySet<string>> => {
  const prepared = await fileOf(run, 'read/prepared.parquet', 'what the training has seen')
  const ids = new Set<string>()
  await eachRow(`SELECT transaction_id FROM read_parquet(${sqlLiteral(prepared)})`, work, ([id]) =>
    ids.add(String(id)),
  )
  return ids
}

/**
 * Tokens of the bank's own entities, for each transaction that the logs have a label of and the run has: the
 * run may know more of a transaction than the service did that was told its label.
 */
export const ownTokensOf = async (
  seen: ReadonlySet<string>,
  workFolder: string,
  {
    model,
    run,
    logs,
    openLog,
    work,
  }: Pick<MigrateStatesOptions, 'model' | 'run' | 'logs' | 'openLog' | 'work'>,
): Promise<Map<string, Readonly<Record<EntityKind, number>>>> => {
  const tokens = new Map<string, Readonly<Record<EntityKind, number>>>()
  const { entities } = model.settings.options
  if (entities.length === 0) return tokens
  const labelled = new Set<string>()
  await withLoggedEntries({ folders: logs, openLog, workFolder, work }, async ({ entries }) => {
    for await (const entry of entries)
      if (entry.kind === 'label' && seen.has(entry.label.transactionId))
        labelled.add(entry.label.transactionId)
  })
  if (labelled.size === 0) return tokens
  const cleaned = await fileOf(run, 'clean/cleaned.parquet', 'whose the labelled transactions were')
  const ids = entities.map((entity) => entityIdSql(entity, attributeColumn))
  const sql = `SELECT transaction_id, ${ids.join(', ')} FROM read_parquet(${sqlLiteral(cleaned)})`
  await eachRow(sql, work, ([transactionId, ...values]) => {
    if (!labelled.has(String(transactionId))) return
    const named = entities.flatMap(({ name }, e) =>
      values[e] === '' ? [] : [[name, tokenOf(String(values[e]))] as const],
    )
    tokens.set(String(transactionId), Object.fromEntries(named))
  })
  return tokens
}

/** @throws PIPELINE_RUN_INCOMPLETE */
const fileOf = async (run: string, name: string, says: string): Promise<string> => {
  const path = join(run, ...name.split('/'))
  if ((await stat(path).catch(() => undefined)) !== undefined) return path
  throw new VigiaError('PIPELINE_RUN_INCOMPLETE', {
    folder: run,
    reason: `it has no ${name}, which says ${says}`,
  })
}

const eachRow = (sql: string, work: Work, take: (values: readonly unknown[]) => void): Promise<void> =>
  withDatabase(work.database, async (connection) => {
    const result = await connection.stream(sql)
    for (;;) {
      work.signal.throwIfAborted()
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return
      for (const row of chunk.getRows()) take(row)
    }
  })

/**
 * Records that were removed are a hole in the new states unless the training has seen them: it has when it
 * has seen the first decision that is left.
 */
export const beginningGuard = async (
  { logs, openLog }: Pick<MigrateStatesOptions, 'logs' | 'openLog'>,
  seen: ReadonlySet<string>,
): Promise<(transactionId: string) => void> => {
  let begun: { readonly folder: string; readonly first: number } | undefined
  for (const folder of logs) {
    const { first } = await readLogBeginning(openLog(folder))
    if (first > 1) begun ??= { folder, first }
  }
  return (transactionId: string): void => {
    if (begun !== undefined && !seen.has(transactionId))
      throw new VigiaError('SERVING_LOG_BEGINS_LATER', begun)
    begun = undefined
  }
}

const takeLogs = async (
  features: LogFeatures,
  seen: ReadonlySet<string>,
  lastEventTimeMs: number | null,
  workFolder: string,
  options: MigrateStatesOptions,
): Promise<MigratedStates & { readonly told: ReadonlySet<number> }> => {
  const { model, logs, openLog, work } = options
  const tokens = await ownTokensOf(seen, workFolder, options)
  const assertSeen = await beginningGuard(options, seen)
  return withLoggedEntries({ folders: logs, openLog, workFolder, work }, async ({ entries }) => {
    const document = documentOf(model)
    let taken = 0
    let known = 0
    let labels = 0
    let untrue = 0
    /** Tokens of the transactions whose labels the service has: they are not delivered again. */
    const told = new Set<number>()
    let last = lastEventTimeMs
    for await (const entry of entries) {
      work.signal.throwIfAborted()
      if (entry.kind === 'label') {
        // What the service had of its own training's history, the new one has too, and of more entities.
        if (entry.label.origin === 'history') continue
        if (isTold(entry.label)) labels++
        if (entry.label.isWaiting !== true) told.add(tokenOfLabel(entry.label))
        const own = tokens.get(entry.label.transactionId)
        features.applyLabel({ ...entry.label, ...(own !== undefined && { own }) })
        continue
      }
      // What it put right is left out below.
      if (entry.kind === 'repair') continue
      assertSeen(entry.decision.transaction.transactionId)
      if (isUntrue(entry.decision, options.eventTime)) {
        untrue++
        continue
      }
      const { transaction, timing } = entry.decision
      if (!tokens.has(transaction.transactionId))
        tokens.set(transaction.transactionId, features.tokensOf(transaction))
      const isNew =
        !seen.has(transaction.transactionId) &&
        features.createAllFeatures(document, transaction, timing) !== undefined
      if (isNew) {
        taken++
        last = Math.max(last ?? Number.NEGATIVE_INFINITY, transaction.eventTimeMs)
      } else known++
      if ((taken + known) % 1000 === 0)
        work.reportProgress({ activity: 'taking in the log', done: taken + known, unit: 'decisions' })
    }
    return { taken, known, labels, untrue, lastEventTimeMs: last, told }
  })
}

/** All states of a kind, those that were not touched as they are, ascending by token. */
const writeKind = (
  features: LogFeatures,
  kind: EntityKind,
  stored: ReadonlyMap<number, Uint8Array>,
  path: string,
): void => {
  if (!features.kinds.includes(kind)) {
    writeEntries(path, [])
    return
  }
  const entries = [...encodedStates(features, kind, stored)].sort(([a], [b]) => a - b)
  writeEntries(
    path,
    entries.map(([token, bytes]) => ({ token, bytes })),
  )
}
