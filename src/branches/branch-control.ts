import type { BranchStatus } from '../decisions/branch-status.ts'
import type { LoadModel } from '../decisions/model-control.ts'
import { VigiaError } from '../errors.ts'
import type { Branches } from './branches.ts'

/** What operators do to states of other layouts; which of them decide is up to the model (`ModelControl`). */
export interface BranchControl {
  /** Those that follow. */
  list(): readonly BranchStatus[]
  /**
   * Lets the states follow that `vigia state migrate` has made for the model of `source`.
   *
   * @throws SERVING_BRANCH_UNKNOWN, SERVING_BRANCH_REFUSED, SERVING_BRANCH_FAILED when the log has gone on
   * too far, SERVING_BRANCHES_UNSUPPORTED
   */
  adopt(source: string): Promise<BranchStatus>
  /**
   * Ends states that follow, and frees their disk.
   *
   * @param layout its name, or the first characters of it
   * @throws SERVING_BRANCH_UNKNOWN, SERVING_BRANCHES_UNSUPPORTED
   */
  drop(layout: string): Promise<readonly BranchStatus[]>
}

/** @param branches undefined: the store has no room for others, and is called `storeName` */
export const createBranchControl = (
  branches: Branches | undefined,
  load: LoadModel,
  storeName: string,
): BranchControl => {
  const theirs = (): Branches => {
    if (branches !== undefined) return branches
    throw new VigiaError('SERVING_BRANCHES_UNSUPPORTED', { store: storeName })
  }
  return {
    list: () => branches?.list() ?? [],
    adopt: async (source) => theirs().adopt(await load(source)),
    drop: async (layout) => {
      await theirs().drop(layout)
      return theirs().list()
    },
  }
}
