import type { OwnedStateStore } from '../ports/state-store.ts'
import type { Decider } from './decider.ts'
import type { Decisions } from './decisions.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { StoreIdentity } from './states/store-identity.ts'

/** Decisions on states of several layouts, of which those of one decide, and the others follow the log. */
export interface BranchedDecisions extends Decisions {
  /** What states belong to that models of this layout can go on from; undefined: there are none. */
  identityOf(model: Pick<LoadedModel, 'statesKey' | 'layoutKey'>): StoreIdentity | undefined
  /** Whether states of other layouts have ever followed the log, and may have left answers of shadows. */
  readonly hasBranched: boolean
  /**
   * Why a shadow of another layout than the champion cannot be scored by states of its own; undefined: it
   * can.
   */
  refusalOf(shadow: LoadedModel): string | undefined
  /**
   * Lets these models decide, with the states of their layout. What is asked meanwhile waits. When it throws,
   * everything is as before.
   *
   * @param onMoved called in the turn from which on they decide
   * @throws SERVING_BRANCH_FAILED
   */
  moveTo(decider: Decider, onMoved: () => void): Promise<void>
  /** That of the states which decide. */
  readonly store: OwnedStateStore
  /** Takes snapshots of all states that follow, so that a replay may begin there as well. */
  takeSnapshots(isOver: () => boolean): Promise<void>
  /** Whether the log may begin after this record: replays of all layouts have states to begin with. */
  mayBeginAfter(sequence: number): Promise<boolean>
}
