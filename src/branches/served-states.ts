import type { OpenStates } from '../decisions/decisions.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { LoadModel } from '../decisions/model-control.ts'
import type { PipelineOptions } from '../decisions/open-pipeline.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { type BranchControl, createBranchControl } from './branch-control.ts'
import type { Branches } from './branches.ts'
import { branchesOpener } from './open-branches.ts'
import { openBranchOf, openStores } from './open-stores.ts'

export interface ServedStatesOptions {
  /** Folder of the first ones; undefined: their store has no room for those of other layouts. */
  readonly folder: string | undefined
  /** Folder of the log. */
  readonly log: string
  /** Opens the states in another folder. */
  readonly open: (folder: string) => Promise<OpenStates>
  readonly champion: LoadedModel
  readonly observer: Pick<InferenceObserver, 'warned'>
}

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

/** Finds the states that fit the models, and lets those of other layouts follow where there is room. */
export const openServedStates = async (
  root: OpenStates,
  { folder, log, open, champion, observer }: ServedStatesOptions,
): Promise<ServedStates> => {
  if (root.kind === 'shared' || folder === undefined)
    return {
      states: root,
      pipelineOptions: {},
      control: (load) => createBranchControl(undefined, load, root.name),
      close: () => root.store.close(),
    }
  const openStore = async (place: string): Promise<OwnedStateStore> =>
    (await open(place)).store as OwnedStateStore
  const found = await openStores(root.store, folder, openStore, champion, observer)
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
    close: async () => {
      for (const { store } of [found.deciding, ...found.others, ...found.spare]) await store.close()
    },
  }
}
