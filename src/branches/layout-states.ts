import type { BranchStatus } from '../decisions/branch-status.ts'
import type { Decider } from '../decisions/decider.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import type { CatchUpBounds, OwnedStates } from '../decisions/owned/owned-states.ts'
import type { LayoutOfStates } from '../decisions/states/layout-of-states.ts'
import type { StoreIdentity } from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { bytesOfStates } from './branch-folders.ts'
import type { LayoutShadow } from './layout-shadow.ts'

/** A store of states and where it lies. */
export interface StoredStates {
  readonly store: OwnedStateStore
  readonly folder: string
  /** Whether other stores lie in its folder, which stays. */
  readonly isRoot: boolean
}

/** A store of states that belong to a layout. */
export interface OwnedBranch extends StoredStates {
  readonly identity: StoreIdentity & { readonly layoutKey: string; readonly founder: string }
}

/** Note of a store: where the model that decided with its states last was loaded from. */
const SOURCE_NOTE = 'decided-by'
/** Note of a store: last record of the log at that time. */
const THROUGH_NOTE = 'decided-through'

/** Note of a store: last record of a log that had lost later ones, which its states have. */
const BEYOND_NOTE = 'log-lost-after'

/**
 * Last record of the log when it was found to have lost later ones that these states have; undefined: never.
 * Others have been given their numbers since, so nothing in the numbers says so any more.
 */
export const readLostAfter = async ({ store }: Pick<StoredStates, 'store'>): Promise<number | undefined> => {
  const text = await store.readNote(BEYOND_NOTE)
  return text === undefined ? undefined : Number(text)
}

/** Open states of one layout: those that decide, or some that follow. It owns what is known of them. */
export class LayoutStates {
  readonly branch: OwnedBranch
  readonly decisions: OwnedStates
  readonly layout: LayoutOfStates
  /** By whose layout they are read. */
  readonly decider: Decider
  failure = ''
  private isOver = false
  private source: string | undefined
  private decidedThrough: number | undefined
  private bytes = 0

  constructor(branch: OwnedBranch, decisions: OwnedStates, layout: LayoutOfStates, decider: Decider) {
    this.branch = branch
    this.decisions = decisions
    this.layout = layout
    this.decider = decider
  }

  get name(): string {
    return layoutName(this.branch.identity.layoutKey)
  }

  /** Reads what their store says, and how large it is. */
  async look(): Promise<void> {
    const { store } = this.branch
    this.source ??= (await store.readNote(SOURCE_NOTE)) ?? undefined
    const through = this.decidedThrough === undefined ? await store.readNote(THROUGH_NOTE) : undefined
    if (through !== undefined) this.decidedThrough = Number(through)
    this.bytes = await bytesOfStates(this.branch.folder)
  }

  /** They have decided with this model until now, when this is the last record. */
  async decidedBy(source: string, through: number): Promise<void> {
    this.source = source
    this.decidedThrough = through
    await this.branch.store.writeNote(SOURCE_NOTE, source)
    await this.branch.store.writeNote(THROUGH_NOTE, String(through))
  }

  /**
   * Takes in what is new, and has written what a shadow says of it. When that fails it is told once, and they
   * begin again from what is stored.
   */
  async follow(
    observer: Pick<InferenceObserver, 'warned'>,
    shadow: Pick<LayoutShadow, 'of' | 'write'>,
    bounds: CatchUpBounds,
  ): Promise<void> {
    if (this.isOver) return
    try {
      // What could not be written before comes first: without it nothing more is saved.
      await shadow.write()
      await this.decisions.catchUp(bounds)
      await shadow.write()
      this.failure = ''
    } catch (error) {
      const reason = reasonOf(error)
      if (this.failure !== reason) this.warn(observer, reason, shadow)
      this.failure = reason
      // What is gone from the log does not come again.
      if (error instanceof VigiaError && error.code === 'SERVING_BRANCH_FAILED') this.isOver = true
      await this.decisions.follow().catch(() => undefined)
    }
  }

  private warn(
    { warned }: Pick<InferenceObserver, 'warned'>,
    reason: string,
    shadow: Pick<LayoutShadow, 'of'>,
  ): void {
    const model = shadow.of(this.branch.identity.layoutKey)
    warned('SERVING_BRANCH_FAILED', {
      layout: this.name,
      reason,
      ...(model !== undefined && { shadow: `${model.name} ${model.version}` }),
    })
  }

  /** Whether records that they lack must stay in the log. */
  get needsLog(): boolean {
    return !this.isOver
  }

  /**
   * A power failure took records from the log that they have, and others will get their numbers: they cannot
   * follow it any more, at any later start either.
   */
  async isBeyond(lastSequence: number): Promise<void> {
    this.isOver = true
    this.failure = lostReason(lastSequence)
    await this.branch.store.writeNote(BEYOND_NOTE, String(lastSequence))
  }

  /** @throws SERVING_BRANCH_FAILED when they do not follow */
  assertFollowing(): void {
    if (this.failure === '') return
    throw new VigiaError('SERVING_BRANCH_FAILED', { layout: this.name, reason: this.failure })
  }

  status(lastSequence: number): BranchStatus {
    const { branch, decisions, decider, source, decidedThrough, bytes, failure } = this
    const { name, version } = decider.models.champion.description
    return {
      layoutKey: branch.identity.layoutKey,
      source,
      decidedThrough,
      model: { name, version },
      createdAtMs: branch.identity.createdAtMs,
      through: decisions.through,
      behind: Math.max(0, lastSequence - decisions.through),
      bytes,
      failure,
    }
  }
}

export const lostReason = (lastSequence: number): string =>
  `they have records after ${lastSequence}, which the log has lost`

/** What an error of these states says, once. */
const reasonOf = (error: unknown): string =>
  error instanceof VigiaError && error.code === 'SERVING_BRANCH_FAILED'
    ? String(error.details['reason'])
    : error instanceof Error
      ? error.message
      : String(error)
