import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import {
  goesOnFrom,
  identityToFill,
  readStoreIdentity,
  type StoreIdentity,
  writeStoreIdentity,
} from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { branchFolder, branchFolders } from './branch-folders.ts'
import type { OwnedBranch, StoredStates } from './layout-states.ts'

/** Opens the store in a folder. @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED */
export type OpenStore = (folder: string) => Promise<OwnedStateStore>

/** The stores of a server. */
export interface FoundStates {
  /** Those that fit the models in service; the first ones where none do. */
  readonly deciding: StoredStates
  /** Those of other layouts. */
  readonly others: readonly OwnedBranch[]
  /** Without states, or without what others need to read them. */
  readonly spare: readonly StoredStates[]
}

/**
 * Opens all stores of states beside the one in `folder`, which is open, and finds the one that goes on with a
 * model. No note says which that is, so none can say otherwise than what the stores hold.
 *
 * What cannot be opened is warned of and left alone: it is not needed to decide.
 */
export const openStores = async (
  root: OwnedStateStore,
  folder: string,
  openStore: OpenStore,
  champion: LoadedModel,
  observer: Pick<InferenceObserver, 'warned'>,
): Promise<FoundStates> => {
  const first: StoredStates = { store: root, folder, isRoot: true }
  const identified: (StoredStates & { readonly identity: StoreIdentity })[] = []
  const spare: StoredStates[] = []
  const identity = await identityToFill(root, 'start')
  if (identity === undefined) spare.push(first)
  else identified.push({ ...first, identity })
  for (const place of await branchFolders(folder)) {
    try {
      const store = await openStore(place)
      const own = await readStoreIdentity(store)
      if (own === undefined) await store.close()
      else
        identified.push({
          store,
          folder: place,
          isRoot: false,
          identity: await namedLike(store, own, identity),
        })
    } catch (error) {
      observer.warned('SERVING_BRANCH_FAILED', { folder: place, reason: (error as Error).message })
    }
  }
  const deciding = identified.find((one) => goesOnFrom(one.identity, champion)) ?? first
  const others: OwnedBranch[] = []
  for (const one of identified) {
    if (one.store === deciding.store) continue
    const { layoutKey, founder } = one.identity
    // Two of one layout would be told apart by nothing.
    const isKnown =
      goesOnFrom(one.identity, champion) ||
      others.some(({ identity: other }) => other.layoutKey === layoutKey)
    if (isKnown)
      observer.warned('SERVING_BRANCH_FAILED', {
        layout: layoutName(layoutKey ?? champion.layoutKey),
        reason: `there are others of their layout, so nobody needs those in ${one.folder}`,
      })
    if (isKnown || layoutKey === undefined || founder === undefined) spare.push(one)
    else others.push({ ...one, identity: { ...one.identity, layoutKey, founder } })
  }
  return { deciding, others, spare: spare.filter(({ store }) => store !== deciding.store) }
}

/** Predictions are called as they were before, whichever states decide. */
export const namedLike = async <I extends StoreIdentity>(
  store: OwnedStateStore,
  identity: I,
  other: StoreIdentity | undefined,
): Promise<I> => {
  const { earlierNames } = other ?? {}
  if (earlierNames === undefined || identity.earlierNames !== undefined) return identity
  if (identity.logName !== other?.logName) return identity
  const named = { ...identity, earlierNames }
  await writeStoreIdentity(store, named)
  return named
}

/** Opens the store that was made for a layout beside those in `folder`. @throws SERVING_BRANCH_UNKNOWN */
export const openBranchOf = async (
  folder: string,
  layoutKey: string,
  openStore: OpenStore,
): Promise<OwnedBranch> => {
  const place = branchFolder(folder, layoutKey)
  const isThere = (await branchFolders(folder)).includes(place)
  const unknown = () =>
    new VigiaError('SERVING_BRANCH_UNKNOWN', { layout: layoutName(layoutKey), allowed: 'none that waits' })
  if (!isThere) throw unknown()
  const store = await openStore(place)
  try {
    const identity = await readStoreIdentity(store)
    if (identity?.founder === undefined || identity.layoutKey === undefined) throw unknown()
    const { founder, layoutKey: own } = identity
    return { store, folder: place, isRoot: false, identity: { ...identity, founder, layoutKey: own } }
  } catch (error) {
    await store.close()
    throw error
  }
}
