import { createDecider } from '../decisions/decider.ts'
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
    let branches: Branches | undefined
    const shared = (states: () => OwnedStates | undefined): OwnedDecisionsOptions => ({
      ...options,
      cacheShare: () => branches?.shareOf(states()) ?? 1,
    })
    const openFollower = async (branch: OwnedBranch): Promise<LayoutStates> => {
      const { layoutKey, founder } = branch.identity
      const layout = layoutOfStates(branch.identity, modelOf)
      const own = createDecider({ champion: stateModel(await modelOf(founder), layoutKey) })
      let decisions: OwnedStates | undefined
      decisions = await openFollowingStates({
        ...shared(() => decisions),
        store: branch.store,
        decider: own,
        layout,
        // States that follow repeat what others have told already.
        observer: warningsOnly(observer.warned),
        assertLost: lostNumbers(log, layoutKey),
      })
      return new LayoutStates(branch, decisions, layout, own)
    }
    const { founder = decider.models.champion.key, layoutKey = decider.models.champion.layoutKey } = identity
    await assertNoneLost(found.deciding, log, layoutKey)
    await tellLog(log, found.deciding)
    let deciding: OwnedStates | undefined
    deciding = await openOwnedDecisions({
      ...shared(() => deciding),
      assertLost: lostNumbers(log, layoutKey),
    })
    const layout = layoutOfStates(identity, modelOf)
    const branch = { ...found.deciding, identity: { ...identity, founder, layoutKey } }
    const owner = new LayoutStates(branch, deciding, layout, decider)
    const begin = async (states: LayoutStates): Promise<void> => {
      if (states.branch.identity.branchedAfter === undefined) await snapshots.beginFirst(states)
      else await snapshots.begin(states)
      await states.look()
    }
    await begin(owner)
    const followers: LayoutStates[] = []
    const spare = [...found.spare]
    for (const other of found.others) {
      let states: LayoutStates | undefined
      try {
        await tellLog(log, other)
        states = await openFollower(other)
        await begin(states)
        await lookForLost(states, log, deciding)
        followers.push(states)
      } catch (error) {
        // Nobody needs them to decide.
        const layout = layoutName(other.identity.layoutKey)
        observer.warned('SERVING_BRANCH_FAILED', { layout, reason: (error as Error).message })
        await states?.decisions.close().catch(() => undefined)
        if (other.isRoot) spare.push(other)
        else await other.store.close()
      }
    }
    branches = new Branches({ options, owner, followers, spare, openFollower, openBranch, reopen, snapshots })
    branches.start()
    return branches
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

/** States that follow may have what those that decide, and the log, have lost. */
const lookForLost = async (
  states: LayoutStates,
  { lastSequence }: OwnedDecisionsOptions['log'],
  deciding: OwnedStates,
): Promise<void> => {
  const lostAfter = await readLostAfter(states.branch)
  if (lostAfter !== undefined) await states.isBeyond(lostAfter)
  else if (states.decisions.storedUpTo > Math.max(lastSequence, deciding.storedUpTo))
    await states.isBeyond(lastSequence)
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
