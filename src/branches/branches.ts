import { rm } from 'node:fs/promises'
import type { BranchStatus, LayoutPauses } from '../decisions/branch-status.ts'
import type { BranchedDecisions } from '../decisions/branched-decisions.ts'
import type { Prediction } from '../decisions/decided.ts'
import type { Decider } from '../decisions/decider.ts'
import type { Decisions, DecisionsStatus } from '../decisions/decisions.ts'
import { type LoadedModel, pinnedSource } from '../decisions/loaded-model.ts'
import { layoutName } from '../decisions/log/log-layouts.ts'
import { writeModelDocument } from '../decisions/log/model-document.ts'
import type { CatchUpBounds, OwnedDecisionsOptions } from '../decisions/owned/owned-states.ts'
import { goesOnFrom, type StoreIdentity } from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { OwnedStateStore } from '../ports/state-store.ts'
import { removeStates } from './branch-folders.ts'
import { comeNear } from './come-near.ts'
import { assertFits, ofThisLayout } from './fitting-branch.ts'
import { Gate } from './gate.ts'
import type { LayoutShadow } from './layout-shadow.ts'
import type { LayoutSnapshots } from './layout-snapshots.ts'
import type { LayoutStates, OwnedBranch, StoredStates } from './layout-states.ts'
import { namedLike } from './open-stores.ts'
import { shareOf } from './shares.ts'
import { Turns } from './turns.ts'

export interface BranchesParts {
  readonly options: OwnedDecisionsOptions
  /** Those that decide. */
  readonly owner: LayoutStates
  readonly followers: readonly LayoutStates[]
  /** Stores without states, which are kept from others. */
  readonly spare: readonly StoredStates[]
  /** Opens states that follow. */
  readonly openFollower: (branch: OwnedBranch) => Promise<LayoutStates>
  /** Opens the store of a layout that was made beside this server. @throws SERVING_BRANCH_UNKNOWN */
  readonly openBranch: (layoutKey: string) => Promise<OwnedBranch>
  /** Opens the store of a folder anew. */
  readonly reopen: (stored: StoredStates) => Promise<StoredStates>
  readonly snapshots: LayoutSnapshots
  /** Of another layout than the states that decide. */
  readonly shadow: LayoutShadow
}

/** Pause between two rounds of following, in milliseconds. */
const FOLLOW_MS = 250
/** Records of a round of coming near: so few that it shows early whether they do. */
const ROUND_RECORDS = 20_000
const MEBIBYTE = 1 << 20

/**
 * States of several layouts on one log: those of one decide, the others follow it, always nearly at its tip.
 *
 * It owns who decides, and the moment at which that changes:
 *
 * 1. What is asked waits; what was accepted is finished, by the states that have decided so far.
 * 2. The others take in the last records, and decide from there on. Numbers, log and receipts go on.
 * 3. What has waited is asked of them.
 *
 * A process that ends anywhere in it leaves stores that each are some way behind the log, as always: the next
 * start lets those decide that fit the models it serves, and the others follow.
 */
export class Branches implements BranchedDecisions {
  readonly isLogInOrder = true
  /** Without the states that it was opened with: those that are dropped are held by nobody. */
  private readonly parts: Omit<BranchesParts, 'owner' | 'followers' | 'spare'>
  private readonly gate = new Gate()
  private owner: LayoutStates
  private followers: LayoutStates[]
  private spare: StoredStates[]
  private decider: Decider
  private timer: NodeJS.Timeout | undefined
  /** What has to do with followers, one after the other. */
  private readonly turns = new Turns()
  private isFollowing = false
  /** States that are about to follow. */
  private coming: LayoutStates | undefined
  /** Last record that the log may have lost to its archive since the start, inclusive. */
  private mayBeGone = 0
  private pauses: LayoutPauses = { count: 0, totalMs: 0, lastMs: 0 }
  private isClosed = false
  /** Those that are far behind would otherwise take in all that they lack before it closes. */
  private readonly isOver = (): boolean => this.isClosed

  constructor({ owner, followers, spare, ...parts }: BranchesParts) {
    this.parts = parts
    this.owner = owner
    this.followers = [...followers]
    this.spare = [...spare]
    this.decider = parts.options.decider
    parts.shadow.use(this.decider.models)
  }

  /** Lets those follow that are there. */
  start(): void {
    if (this.timer !== undefined || this.followers.length === 0) return
    this.timer = setInterval(() => void this.followAll(), FOLLOW_MS)
    this.timer.unref()
  }

  /** Whether these decide. */
  isDeciding(decisions: Decisions | undefined): boolean {
    return decisions === this.owner.decisions
  }

  /** Share of `cacheBytes` that the states of a layout may have. */
  shareOf(decisions: Decisions | undefined): number {
    const others = this.followers.length + (this.coming === undefined ? 0 : 1)
    return shareOf(this.parts.options.settings, others, this.isDeciding(decisions))
  }

  get store(): OwnedStateStore {
    return this.owner.branch.store
  }

  predict(...asked: Parameters<Decisions['predict']>): Promise<Prediction> {
    return this.gate.pass(() => this.owner.decisions.predict(...asked))
  }

  applyFeedback(...asked: Parameters<Decisions['applyFeedback']>): ReturnType<Decisions['applyFeedback']> {
    return this.gate.pass(() => this.owner.decisions.applyFeedback(...asked))
  }

  findDecision(transactionId: string): ReturnType<Decisions['findDecision']> {
    return this.owner.decisions.findDecision(transactionId)
  }

  findLabel(transactionId: string): ReturnType<Decisions['findLabel']> {
    return this.owner.decisions.findLabel(transactionId)
  }

  findEntry(sequence: number): ReturnType<Decisions['findEntry']> {
    return this.owner.decisions.findEntry(sequence)
  }

  /** No record that any of them still lacks may leave the log. */
  async archivable(): Promise<number> {
    // So that what the shadow says of them is archived with its records.
    if (this.parts.shadow.isUsed)
      await this.alone(() => this.followOnce({ isOver: this.isOver })).catch(() => undefined)
    const saved = [this.owner, ...this.needing()].map(({ decisions }) => decisions.archivable())
    const through = await Promise.all(saved)
    // Those that came meanwhile as well.
    this.mayBeGone = Math.min(...through, ...this.needing().map(({ decisions }) => decisions.savedThrough))
    return this.mayBeGone
  }

  use(decider: Decider): void {
    this.decider = decider
    this.owner.decisions.use(decider)
    this.parts.shadow.use(decider.models)
  }

  identityOf(model: Pick<LoadedModel, 'statesKey' | 'layoutKey'>): StoreIdentity | undefined {
    return this.find(model)?.branch.identity
  }

  get hasBranched(): boolean {
    return this.parts.snapshots.hasBranched
  }

  refusalOf(shadow: LoadedModel): string | undefined {
    const states = this.find(shadow)
    if (states === undefined) return `no states of its layout ${layoutName(shadow.layoutKey)} follow the log`
    return states.failure === '' ? undefined : `its states do not follow the log: ${states.failure}`
  }

  moveTo(decider: Decider, onMoved: () => void): Promise<void> {
    return this.alone(async () => {
      const next = this.find(decider.models.champion)
      if (next === undefined || next === this.owner) {
        this.use(decider)
        onMoved()
        return
      }
      await this.comeNear(next)
      const source = pinnedSource(this.decider.models.champion)
      const before = this.owner
      let through = 0
      await this.paused(() =>
        this.gate.alone(async () => {
          await this.takeOver(before, next, decider)
          through = next.decisions.through
          onMoved()
        }),
      )
      await before.decidedBy(source, through).catch(() => undefined)
    })
  }

  status(): DecisionsStatus {
    const status = this.owner.decisions.status()
    return { ...status, branches: this.list(status.lastSequence), layoutPauses: this.pauses }
  }

  /** Those that follow. */
  list(lastSequence = this.owner.decisions.status().lastSequence): readonly BranchStatus[] {
    return this.followers.map((states) => ({
      ...states.status(lastSequence),
      shadow: this.parts.shadow.of(states.branch.identity.layoutKey),
    }))
  }

  /**
   * Lets the states that were made for a model follow from now on; they are there when it resolves.
   *
   * @throws SERVING_BRANCH_UNKNOWN, SERVING_BRANCH_REFUSED
   */
  adopt(model: LoadedModel): Promise<BranchStatus> {
    return this.alone(async () => {
      const { log } = this.parts.options
      const known = this.followers.find(({ branch }) => branch.identity.layoutKey === model.layoutKey)
      if (known !== undefined) return known.status(log.lastSequence)
      if (goesOnFrom(this.owner.branch.identity, model)) throw ofThisLayout(model, 'the states that decide')
      const branch = await this.parts.openBranch(model.layoutKey)
      try {
        assertFits(branch.identity, model, this.owner.branch.identity, this.decider.models.champion)
        await writeModelDocument(log, model)
        const identity = await namedLike(branch.store, branch.identity, this.owner.branch.identity)
        const added = await this.parts.openFollower({ ...branch, identity })
        // From here on the log keeps what they lack; what may be gone already they must have.
        this.coming = added
        if (added.decisions.through < this.mayBeGone) throw this.tooFar(added)
        await this.parts.snapshots.begin(added, this.isOver)
        await added.decisions.catchUp({ isOver: this.isOver })
        this.assertOpen()
        await added.look()
        this.followers.push(added)
        this.start()
        return added.status(log.lastSequence)
      } catch (error) {
        await this.coming?.decisions.close().catch(() => undefined)
        await branch.store.close()
        throw error
      } finally {
        this.coming = undefined
      }
    })
  }

  /**
   * Ends states that follow, and frees their disk.
   *
   * @param named their layout, or its first characters
   * @throws SERVING_BRANCH_UNKNOWN for those that decide as well, SERVING_BRANCH_SHADOWED
   */
  drop(named: string): Promise<void> {
    return this.alone(async () => {
      const found = this.followers.filter(({ branch }) => branch.identity.layoutKey.startsWith(named))
      const [dropped] = found
      if (dropped === undefined || found.length > 1 || named === '')
        throw new VigiaError('SERVING_BRANCH_UNKNOWN', {
          layout: named,
          allowed: this.followers.map(({ name }) => name).join(', ') || 'none',
        })
      const { branch, decisions } = dropped
      const shadow = this.parts.shadow.of(branch.identity.layoutKey)
      if (shadow !== undefined)
        throw new VigiaError('SERVING_BRANCH_SHADOWED', {
          layout: dropped.name,
          model: `${shadow.name} ${shadow.version}`,
        })
      this.followers = this.followers.filter((one) => one !== dropped)
      await decisions.close().catch(() => undefined)
      await branch.store.close()
      if (!branch.isRoot) {
        await rm(branch.folder, { recursive: true, force: true })
        return
      }
      await removeStates(branch.folder)
      this.spare.push(await this.parts.reopen(branch))
    })
  }

  async takeSnapshots(isOver: () => boolean): Promise<void> {
    for (const states of this.followers)
      if (states.failure === '') await this.parts.snapshots.take(states, isOver)
  }

  async mayBeginAfter(sequence: number): Promise<boolean> {
    for (const states of this.followers)
      if (states.needsLog && !(await this.parts.snapshots.hasFrom(states, sequence))) return false
    return true
  }

  async close(): Promise<void> {
    this.isClosed = true
    clearInterval(this.timer)
    await this.turns.ended()
    const all = [this.owner, ...this.followers]
    // Where it fails, no state is saved that has their decisions.
    await this.parts.shadow.write().catch(() => undefined)
    try {
      for (const { decisions } of all) await decisions.close()
    } finally {
      for (const { branch } of all) await branch.store.close()
      for (const { store } of this.spare) await store.close()
    }
  }

  /** Those that follow, or are about to. */
  private needing(): readonly LayoutStates[] {
    const coming = this.coming === undefined ? [] : [this.coming]
    return [...this.followers, ...coming].filter(({ needsLog }) => needsLog)
  }

  private tooFar({ name, decisions }: LayoutStates): VigiaError {
    return new VigiaError('SERVING_BRANCH_FAILED', {
      layout: name,
      reason: `the log has gone on: they have it up to ${decisions.through}, and it begins after ${this.mayBeGone}`,
    })
  }

  private find(model: Pick<LoadedModel, 'statesKey' | 'layoutKey'>): LayoutStates | undefined {
    return [this.owner, ...this.followers].find(({ branch }) => goesOnFrom(branch.identity, model))
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.run(() => {
      this.assertOpen()
      return work()
    })
  }

  private assertOpen(): void {
    if (this.isClosed) throw new VigiaError('SERVING_CLOSING', {})
  }

  private async followAll(): Promise<void> {
    if (this.isFollowing || this.followers.length === 0) return
    this.isFollowing = true
    try {
      await this.alone(async () => {
        // Whoever wants something does not wait until states that are far behind have taken in all of it.
        await this.followOnce({ isOver: () => this.isClosed || this.turns.waiting > 0, givesWay: true })
        for (const states of this.followers) await states.look()
      })
    } catch {
      // It is being closed.
    } finally {
      this.isFollowing = false
    }
  }

  /** Measures work during which requests wait. */
  private async paused(work: () => Promise<void>): Promise<void> {
    const { world } = this.parts.options
    const begunMs = world.monotonicMs()
    try {
      await work()
    } finally {
      const lastMs = world.monotonicMs() - begunMs
      const { count, totalMs } = this.pauses
      this.pauses = { count: count + 1, totalMs: totalMs + lastMs, lastMs }
    }
  }

  private async followOnce(bounds: CatchUpBounds): Promise<void> {
    const { options, shadow } = this.parts
    for (const one of this.followers) await one.follow(options.observer, shadow, bounds)
  }

  private comeNear(next: LayoutStates): Promise<void> {
    const { log, observer, settings } = this.parts.options
    const states = {
      name: next.name,
      behind: () => log.lastSequence - next.decisions.through,
      follow: async () => {
        await next.follow(observer, this.parts.shadow, { most: ROUND_RECORDS, isOver: this.isOver })
        this.assertOpen()
        next.assertFollowing()
      },
    }
    return comeNear(states, Math.round(settings.cacheBytes / MEBIBYTE))
  }

  /** Nothing is asked meanwhile. When it throws, those decide that have decided before. */
  private async takeOver(before: LayoutStates, next: LayoutStates, decider: Decider): Promise<void> {
    const given = await before.decisions.rest()
    try {
      await next.decisions.catchUp()
      // States that decide hand nothing to a shadow again.
      await this.parts.shadow.write()
      const { through } = next.decisions
      if (through < this.parts.options.log.lastSequence)
        throw new VigiaError('SERVING_BRANCH_FAILED', {
          layout: layoutName(next.branch.identity.layoutKey),
          reason: `they have the log up to record ${through}`,
        })
      next.decisions.use(decider)
      await next.decisions.lead(given)
    } catch (error) {
      await next.decisions.follow().catch(() => undefined)
      await before.decisions.lead(given)
      throw error
    }
    this.owner = next
    this.decider = decider
    this.parts.shadow.use(decider.models)
    this.followers = [...this.followers.filter((one) => one !== next), before]
  }
}
