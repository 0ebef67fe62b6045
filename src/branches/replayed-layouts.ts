import {
  anyModel,
  assertFirst,
  type LogStart,
  type StartOfLog,
  snapshotStates,
  startStates,
} from '../decisions/log/features-of-log.ts'
import { createLogFeatures, type LogFeatures, type StartState } from '../decisions/log/log-features.ts'
import { type LogLayouts, layoutFolder, readLogLayouts } from '../decisions/log/log-layouts.ts'
import type { DecisionEntry, LabelEntry, LogEntry } from '../decisions/log/log-record.ts'
import { type LoggedEntries, withLoggedEntries } from '../decisions/log/logged-entries.ts'
import type { ModelDocument } from '../decisions/log/model-document.ts'
import type { Repaired } from '../decisions/log/repaired-state.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  type SnapshotManifest,
  usable,
  verifySnapshot,
} from '../decisions/log/state-snapshots.ts'
import { hasOwnKinds, isLabelOf } from '../decisions/states/layout-of-states.ts'
import { VigiaError } from '../errors.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'

type Snapshot = Extract<FoundSnapshot, { readonly manifest: SnapshotManifest }>

/** States of one layout in a replay. Models of a layout may have had several, one after the other. */
export interface ReplayedStates {
  /** Undefined: of models of versions that knew no layouts. */
  readonly layoutKey: string | undefined
  readonly founder: ModelDocument
  /** Last record in them when they began, inclusive. */
  readonly after: number
  /** Whether they are those that the log began with. */
  readonly isFirst: boolean
  readonly features: LogFeatures
  /** Whether they lack a label that the service's own have: nobody can compare them any more. */
  isUncertain: boolean
}

/**
 * The features of a log in which models of several layouts decided: each computed with states of its own
 * layout, which every transaction and label moves from where they began.
 */
export interface ReplayedLayouts {
  /**
   * The features of a decision, valid until the next call; undefined where the user's state has the
   * transaction already; `unchecked` where the states of its layout are known from a later record on only, or
   * were told a label of which neither record nor replay says whose it is.
   *
   * @param isRepeated whether it was decided on before: then it moves nothing
   */
  decide(
    sequence: number,
    model: ModelDocument,
    decision: DecisionEntry,
    isRepeated: boolean,
  ): Float64Array | 'unchecked' | undefined
  /** A label or a repaired state. */
  take(entry: Exclude<LogEntry, { readonly kind: 'decision' }>): void
  /** The states that take in what the record of this number says. */
  current(sequence: number): readonly ReplayedStates[]
  /** Those of them that a repaired state is one of. */
  ownersOf(entry: Repaired): readonly ReplayedStates[]
  /** Layouts of the log whose states no file has, from the beginning of the replay on. */
  readonly unknown: readonly string[]
}

/** @param first the first record after the start */
export const replayLayouts = async (
  first: LogEntry,
  logged: LoggedEntries,
  options: StartOfLog,
  start: LogStart,
): Promise<ReplayedLayouts> => {
  assertFirst(first, options, start)
  const { all, unknown } = await beginnings(first, logged, options, start)
  const own = all.filter(({ features }) => hasOwnKinds(features))
  const labelled = all.length === 1 || own.length === 0 ? undefined : await labelledIn(options, start.after)
  /** Tokens of the bank's own entities, by transaction: who wrote a label may not have known them. */
  const tokens = new Map<ReplayedStates, Map<string, Readonly<Record<EntityKind, number>>>>(
    labelled && own.map((states) => [states, new Map()]),
  )
  const current = (sequence: number) =>
    all.filter(
      (states) =>
        states.after < sequence && !all.some((later) => isSuccessor(later, states) && later.after < sequence),
    )
  const isOwn = (states: ReplayedStates) => (layoutKey: string | undefined) =>
    layoutKey === undefined ? states.isFirst : layoutKey === states.layoutKey
  /** Layout that decided last: its models wrote what comes next. */
  let writer = start.snapshot?.manifest.identity.layoutKey
  const isUnsaid = (label: LabelEntry, states: ReplayedStates): boolean =>
    // Of a whole log, what it does not have was never decided on, and nobody knows whose it is.
    start.after > 0 &&
    label.transactionId !== '' &&
    label.eventTimeMs !== undefined &&
    tokens.get(states)?.has(label.transactionId) === false &&
    !all.some((one) => one.layoutKey === writer && namesAllOf(one, states))
  const ownersOf = ({ sequence, repair }: Repaired) =>
    current(sequence).filter((states) => isOwn(states)(repair.layout))
  return {
    current,
    ownersOf,
    unknown,
    decide: (sequence, model, { transaction, timing }, isRepeated) => {
      const { transactionId } = transaction
      writer = model.layoutKey
      if (labelled?.has(transactionId))
        for (const [{ features }, known] of tokens) known.set(transactionId, features.tokensOf(transaction))
      const moved = current(sequence)
      const deciding =
        moved.find((states) => isOwn(states)(model.layoutKey)) ??
        // One of a version that knew no layouts had no others beside it.
        (all.length === 1 && (model.layoutKey === undefined || all[0]!.layoutKey === undefined)
          ? moved[0]
          : undefined)
      const isUnchecked = deciding === undefined || deciding.isUncertain
      if (isRepeated) return isUnchecked ? 'unchecked' : undefined
      for (const states of moved)
        if (states !== deciding) states.features.createAllFeatures(states.founder, transaction, timing)
      const vector = deciding?.features.createAllFeatures(model, transaction, timing)
      return isUnchecked ? 'unchecked' : vector
    },
    take: (entry) => {
      if (entry.kind === 'repair') {
        for (const { features } of ownersOf(entry)) features.repair(entry)
        return
      }
      for (const states of current(entry.sequence)) {
        const { features } = states
        if (!isLabelOf(entry.label, isOwn(states), features)) continue
        if (isUnsaid(entry.label, states)) states.isUncertain = true
        features.applyLabel(withTokens(entry.label, tokens.get(states)))
      }
    },
  }
}

/** Whether models of one layout know whose a transaction is among all entities of another one. */
const namesAllOf = (one: ReplayedStates, other: ReplayedStates): boolean => {
  const named = new Set(namesOf(one.founder))
  return namesOf(other.founder).every((name) => named.has(name))
}

const namesOf = ({ fitted }: ModelDocument): readonly string[] =>
  ((fitted as { readonly features: FittedFeatures }).features.entities ?? []).map(({ name, id }) =>
    JSON.stringify([name, id]),
  )

const isSuccessor = (later: ReplayedStates, states: ReplayedStates): boolean =>
  later.layoutKey === states.layoutKey && later.after > states.after

const withTokens = (
  label: LabelEntry,
  tokens: ReadonlyMap<string, Readonly<Record<EntityKind, number>>> | undefined,
): LabelEntry => {
  const known = tokens?.get(label.transactionId)
  return known === undefined ? label : { ...label, own: { ...label.own, ...namedIn(known) } }
}

/** Without the entities that the transaction does not name. */
const namedIn = (tokens: Readonly<Record<EntityKind, number>>): Record<EntityKind, number> =>
  Object.fromEntries(Object.entries(tokens).filter(([, token]) => token !== 0))

/** Ids of the transactions that labels were told of. */
const labelledIn = async (options: StartOfLog, after: number): Promise<ReadonlySet<string>> =>
  withLoggedEntries({ ...options, after }, async ({ entries }) => {
    const found = new Set<string>()
    for await (const entry of entries) if (entry.kind === 'label') found.add(entry.label.transactionId)
    return found
  })

const beginnings = async (
  first: LogEntry,
  logged: LoggedEntries,
  options: StartOfLog,
  start: LogStart,
): Promise<{ readonly all: readonly ReplayedStates[]; readonly unknown: readonly string[] }> => {
  const [reader] = logged.logs
  const layouts = (await readLogLayouts(reader!)) ?? { begun: [] }
  const leading = await leadingStates(first, logged, options, start, layouts)
  const found = [leading]
  const [folder = ''] = options.folders
  for (const begun of layouts.begun) {
    const isLeading = begun.layoutKey === leading.layoutKey && begun.after <= leading.after
    if (isLeading || begun.after < start.after) continue
    const snapshots = await snapshotsOf(folder, begun.layoutKey)
    const snapshot = snapshots.find(({ manifest }) => manifest.sequence === begun.after)
    if (snapshot === undefined) continue
    found.push(await statesOf(snapshot, begun, logged, options))
  }
  // Those that began before the replay does, from where they are known again.
  const layoutsOf = [...(layouts.first === undefined ? [] : [layouts.first]), ...layouts.begun]
  const unknown: string[] = []
  for (const layout of layoutsOf) {
    if (found.some(({ layoutKey }) => layoutKey === layout.layoutKey)) continue
    const snapshots = await snapshotsOf(folder, layout.layoutKey)
    const snapshot = snapshots.find(({ manifest }) => manifest.sequence >= start.after)
    if (snapshot !== undefined) found.push(await statesOf(snapshot, layout, logged, options))
    else if (!unknown.includes(layout.layoutKey)) unknown.push(layout.layoutKey)
  }
  return { all: found.sort((a, b) => a.after - b.after), unknown }
}

/** Snapshots of a layout, those of when it followed and of when it decided, by their numbers. */
const snapshotsOf = async (folder: string, layoutKey: string): Promise<readonly Snapshot[]> =>
  [...usable(await listSnapshots(layoutFolder(folder, layoutKey))), ...usable(await listSnapshots(folder))]
    .filter(({ manifest }) => manifest.identity.layoutKey === layoutKey)
    .sort((a, b) => a.manifest.sequence - b.manifest.sequence)

const statesOf = async (
  snapshot: Snapshot,
  { layoutKey, founder }: { readonly layoutKey: string; readonly founder: string },
  logged: LoggedEntries,
  options: StartOfLog,
): Promise<ReplayedStates> => {
  const model = await logged.modelOf(founder)
  await assertWhole(snapshot, options)
  const features = createLogFeatures(model, snapshotStates(model, snapshot, options))
  const after = snapshot.manifest.sequence
  return { layoutKey, founder: model, after, isFirst: false, features, isUncertain: false }
}

const assertWhole = async (snapshot: Snapshot, { folders }: StartOfLog): Promise<void> => {
  const fault = await verifySnapshot(snapshot)
  if (fault !== undefined)
    throw new VigiaError('SERVING_SNAPSHOT_UNUSABLE', {
      folder: folders.join(', '),
      got: snapshot.manifest.sequence,
      reason: `${fault.file}: ${fault.reason}`,
      allowed: 'one that is whole',
    })
}

/** Those that the replay begins with. */
const leadingStates = async (
  first: LogEntry,
  logged: LoggedEntries,
  options: StartOfLog,
  { snapshot, after }: LogStart,
  layouts: LogLayouts,
): Promise<ReplayedStates> => {
  const identity = snapshot?.manifest.identity
  const founder = identity === undefined ? layouts.first?.founder : identity.founder
  const key = founder ?? (first.kind === 'decision' ? first.decision.model : await anyModel(options, logged))
  const model = await logged.modelOf(key)
  const states: StartState =
    snapshot === undefined
      ? await startStates(model, options, logged)
      : snapshotStates(model, snapshot, options)
  return {
    layoutKey: identity?.layoutKey ?? layouts.first?.layoutKey ?? model.layoutKey,
    founder: model,
    after,
    isFirst: identity?.branchedAfter === undefined,
    features: createLogFeatures(model, states),
    isUncertain: false,
  }
}
