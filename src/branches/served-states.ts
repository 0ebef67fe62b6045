import type { ServingSettings } from '../config/serving-config.ts'
import type { ServingModels } from '../decisions/decider.ts'
import type { OpenStates } from '../decisions/decisions.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LoadModel } from '../decisions/model-control.ts'
import type { PipelineOptions } from '../decisions/open-pipeline.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { type BranchControl, createBranchControl } from './branch-control.ts'
import type { Branches } from './branches.ts'
import { branchesOpener } from './open-branches.ts'
import { openBranchOf, openStores } from './open-stores.ts'

/** The states of a server. */
export interface ServedStates {
  /** Those that fit the models; a pipeline that closes them leaves them open. */
  readonly states: OpenStates
  /** For the pipeline, where others may follow. */
  readonly pipelineOptions: Pick<PipelineOptions, 'openBranches'>
  /** Control of those that follow, once the pipeline is open. */
  control(load: LoadModel): BranchControl
  /** Closes all, where no pipeline has them. */
  close(): Promise<void>
}

/**
 * Opens the states that fit the champion, and lets those of other layouts follow where there is room.
 *
 * @param open opens the store that settings name
 */
export const openServedStates = async (
  { state_store, prediction_log: { path: log } }: Pick<ServingSettings, 'state_store' | 'prediction_log'>,
  open: (settings: ServingSettings['state_store']) => Promise<OpenStates>,
  models: ServingModels,
  observer: Pick<InferenceObserver, 'warned'>,
): Promise<ServedStates> => {
  const root = await open(state_store)
  if (root.kind === 'shared' || state_store.kind !== 'lmdb')
    return {
      states: root,
      pipelineOptions: {},
      control: (load) => createBranchControl(undefined, load, root.name),
      close: () => root.store.close(),
    }
  const { path: folder } = state_store
  const openStore = async (path: string): Promise<OwnedStateStore> =>
    (await open({ ...state_store, path })).store as OwnedStateStore
  const found = await openStores(root.store, folder, openStore, models.champion, observer)
  const closeFound = async (): Promise<void> => {
    for (const { store } of [found.deciding, ...found.others, ...found.spare]) await store.close()
  }
  const opener = branchesOpener({
    found,
    log,
    openBranch: (layoutKey) => openBranchOf(folder, layoutKey, openStore),
    reopen: async (stored) => ({ ...stored, store: await openStore(stored.folder) }),
  })
  let branches: Branches | undefined
  return {
    states: { ...root, store: { ...found.deciding.store, close: async () => undefined } },
    pipelineOptions: {
      openBranches: async (...options) => {
        branches = await opener(...options)
        return branches
      },
    },
    control: (load) => createBranchControl(branches, load, root.name),
    close: closeFound,
  }
}
