import { createDecider } from '../decisions/decider.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { firstMissed, readLostNumbers } from '../decisions/log/log-gaps.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import { createModelDocuments } from '../decisions/model-documents.ts'
import { openFollowingStates, openOwnedDecisions } from '../decisions/owned/owned-decisions.ts'
import type { OwnedDecisionsOptions, OwnedStates } from '../decisions/owned/owned-states.ts'
import { layoutOfStates } from '../decisions/states/layout-of-states.ts'
import type { StoreIdentity } from '../decisions/states/store-identity.ts'
import { warningsOnly } from '../decisions/warnings-only.ts'
import { VigiaError } from '../errors.ts'
import { Branches, type BranchesParts } from './branches.ts'
import { tellLog } from './founder-note.ts'
import { LayoutShadow } from './layout-shadow.ts'
import { LayoutSnapshots } from './layout-snapshots.ts'
import {
  LayoutStates,
  lostReason,
  type OwnedBranch,
  readLostAfter,
  type StoredStates,
} from './layout-states.ts'
import type { FoundStates } from './open-stores.ts'
import { stateModel } from './state-model.ts'

export interface OpenBranchesOptions extends Pick<BranchesParts, 'openBranch' | 'reopen'> {
  /** The stores of the server. */
  readonly found: FoundStates
  /** Folder of the log. */
  readonly log: string
}

/** Opens decisions on the states that fit the models in service; those of other layouts follow. */
export const branchesOpener =
  ({ found, log: folder, openBranch, reopen }: OpenBranchesOptions) =>
  async (options: OwnedDecisionsOptions, identity: StoreIdentity): Promise<Branches> => {
    const { log, world, observer, decider } = options
    const { modelOf } = createModelDocuments(log)
    const snapshots = new LayoutSnapshots({ log, folder, observer, world })
    const shadow = new LayoutShadow({ log, folder, observer })
    let branches: Branches | undefined
    /** What is the same for states that decide and for those that follow: each may be the other one day. */
    const optionsOf = (
      { store }: Pick<StoredStates, 'store'>,
      layoutKey: string,
      states: () => OwnedStates | undefined,
      isFirst: boolean,
    ): OwnedDecisionsOptions => ({
      ...options,
      store: shadow.savedAfter(store, layoutKey),
      observer: whileDeciding(observer, () => branches?.isDeciding(states()) ?? isFirst),
      cacheShare: () => branches?.shareOf(states()) ?? 1,
      beforeDecision: () => shadow.listener(layoutKey),
      assertLost: lostNumbers(log, layoutKey),
    })
    const openFollower = async (branch: OwnedBranch): Promise<LayoutStates> => {
      const { layoutKey, founder } = branch.identity
      const layout = layoutOfStates(branch.identity, modelOf)
      const own = createDecider({ champion: stateModel(await modelOf(founder), layoutKey) })
      let decisions: OwnedStates | undefined
      const shared = optionsOf(branch, layoutKey, () => decisions, false)
      decisions = await openFollowingStates({ ...shared, decider: own, layout })
      return new LayoutStates(branch, decisions, layout, own)
    }
    const { founder = decider.models.champion.key, layoutKey = decider.models.champion.layoutKey } = identity
    await assertNoneLost(found.deciding, log, layoutKey)
    await tellLog(log, found.deciding)
    let deciding: OwnedStates | undefined
    deciding = await openOwnedDecisions(optionsOf(found.deciding, layoutKey, () => deciding, true))
    const opened = [deciding]
    try {
      const layout = layoutOfStates(identity, modelOf)
      const branch = { ...found.deciding, identity: { ...identity, founder, layoutKey } }
      const owner = new LayoutStates(branch, deciding, layout, decider)
      await begin(owner, snapshots)
      const others = await openOthers(found, options, deciding.storedUpTo, { open: openFollower, snapshots })
      opened.push(...others.followers.map(({ decisions }) => decisions))
      if (found.others.length > 0) await shadow.removeGone()
      const parts = { options, owner, openFollower, openBranch, reopen, snapshots, shadow }
      branches = new Branches({ ...parts, ...others })
      branches.start()
      return branches
    } catch (error) {
      for (const states of opened) await states.close().catch(() => undefined)
      throw error
    }
  }

/**
 * Makes sure that states which are to decide have no record that the log has lost, and given the number of to
 * another since.
 *
 * @throws SERVING_BRANCH_FAILED
 */
const assertNoneLost = async (
  stored: StoredStates,
  { lastSequence }: OwnedDecisionsOptions['log'],
  layoutKey: string,
): Promise<void> => {
  const lostAfter = await readLostAfter(stored)
  if (lostAfter !== undefined && lastSequence > lostAfter)
    throw new VigiaError('SERVING_BRANCH_FAILED', {
      layout: layoutName(layoutKey),
      reason: lostReason(lostAfter),
    })
}

/**
 * States that follow may have what those that decide, and the log, have lost.
 *
 * @param storedUpTo of the states that decide
 */
const lookForLost = async (
  states: LayoutStates,
  { lastSequence }: OwnedDecisionsOptions['log'],
  storedUpTo: number,
): Promise<void> => {
  const lostAfter = await readLostAfter(states.branch)
  if (lostAfter !== undefined) await states.isBeyond(lostAfter)
  else if (states.decisions.storedUpTo > Math.max(lastSequence, storedUpTo))
    await states.isBeyond(lastSequence)
}

/** Says beside the log where states began. */
const begin = async (states: LayoutStates, snapshots: LayoutSnapshots): Promise<void> => {
  if (states.branch.identity.branchedAfter === undefined) await snapshots.beginFirst(states)
  else await snapshots.begin(states)
  await states.look()
}

interface OthersParts {
  readonly open: (branch: OwnedBranch) => Promise<LayoutStates>
  readonly snapshots: LayoutSnapshots
}

/**
 * Opens the states that follow; what cannot follow is told and left alone, since nobody needs it to decide.
 *
 * @param storedUpTo of the states that decide
 */
const openOthers = async (
  found: FoundStates,
  { log, observer }: OwnedDecisionsOptions,
  storedUpTo: number,
  { open, snapshots }: OthersParts,
): Promise<Pick<BranchesParts, 'followers' | 'spare'>> => {
  const followers: LayoutStates[] = []
  const spare = [...found.spare]
  for (const other of found.others) {
    let states: LayoutStates | undefined
    try {
      await tellLog(log, other)
      states = await open(other)
      await begin(states, snapshots)
      await lookForLost(states, log, storedUpTo)
      followers.push(states)
    } catch (error) {
      const layout = layoutName(other.identity.layoutKey)
      observer.warned('SERVING_BRANCH_FAILED', { layout, reason: (error as Error).message })
      await states?.decisions.close().catch(() => undefined)
      if (other.isRoot) spare.push(other)
      else await other.store.close()
    }
  }
  return { followers, spare }
}

/** What states tell while they decide; those that follow repeat what others have told already. */
const whileDeciding = (observer: InferenceObserver, isDeciding: () => boolean): InferenceObserver => {
  const follower = warningsOnly(observer.warned)
  const told = () => (isDeciding() ? observer : follower)
  return {
    predicted: (...about) => told().predicted(...about),
    shadowed: (...about) => told().shadowed(...about),
    labelled: (...about) => told().labelled(...about),
    updated: (...about) => told().updated(...about),
    mistimed: (...about) => told().mistimed(...about),
    lookedUp: (...about) => told().lookedUp(...about),
    warned: observer.warned,
  }
}

/** Numbers that nobody misses may be missing, and no others. */
const lostNumbers =
  (log: OwnedDecisionsOptions['log'], layoutKey: string) =>
  async (after: number, before: number): Promise<void> => {
    const missed = firstMissed(await readLostNumbers(log), after, before)
    if (missed !== undefined)
      throw new VigiaError('SERVING_BRANCH_FAILED', {
        layout: layoutName(layoutKey),
        reason: `the log has record ${missed} in its archive alone`,
      })
  }
