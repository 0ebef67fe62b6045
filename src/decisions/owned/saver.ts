import type { World } from '../../foundation/world.ts'
import type { StateStore } from '../../ports/state-store.ts'
import type { DecisionReceipt } from '../decided.ts'
import { decodeReceipt, type LabelReceipt } from '../decision-receipt.ts'
import type { DecisionSettings } from '../decisions.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { AFTER_DUE_LABELS, type DueLabels, isDueLabel } from './due-labels.ts'
import type { ExpiredStates } from './expired-states.ts'
import { type Frontier, isFrontierReceipt, SLICES_PER_PERIOD } from './frontier.ts'
import type { Receipts } from './receipts.ts'
import type { UnsavedStates } from './unsaved-states.ts'
import { isWaitingLabel, type WaitingLabels } from './waiting-labels.ts'

export interface SaverParts {
  readonly store: Pick<StateStore, 'sweepReceipts'>
  readonly frontier: Frontier
  readonly receipts: Receipts
  readonly states: Pick<UnsavedStates, 'save'>
  readonly due: Pick<DueLabels, 'clockAfter' | 'saved' | 'sweep'>
  readonly waiting: Pick<WaitingLabels, 'isOver'>
  /** States that nobody can ask anything of any more; left out: they stay. */
  readonly expired?: Pick<ExpiredStates, 'sweep'>
  /** Whether a label may still ask for a receipt of a transaction of this time. */
  readonly isNeeded: (eventTimeMs: number | undefined) => boolean
  readonly settings: Pick<DecisionSettings, 'saveAfterMs' | 'receiptLifeMs' | 'waitingLifeMs'>
  readonly observer: InferenceObserver
  readonly world: Pick<World, 'now'>
}

/** Fewest receipts that are looked at after each slice: a millisecond's work. */
const SWEPT_RECEIPTS = 50
/**
 * Receipts that are looked at for each that was saved, so that the expired ones are at most half as many as
 * the others, however many come: all N have their turn while N / 3 are saved.
 */
const SWEPT_FOR_EACH_SAVED = 3
/** Share of expired ones from which on as many are looked at as are saved. */
const LEAST_EXPIRED_SHARE = 1 / 16
/** Most receipts that are looked at in one go. */
const MOST_SWEPT = 1024
/** Fewest receipts in a save without haste: a millisecond or two of work. */
const FEWEST_RECEIPTS = 128
/** Most receipts in one save: what a commit is good for. */
const MOST_RECEIPTS = 1024
/** When many receipts wait, a save without haste takes a sixteenth of them. */
const WAITING_PER_SAVED = 16
/** States of one save for each receipt: a decision changes three, some of them more than once a period. */
const STATES_PER_RECEIPT = 2
/** States in one save when all are wanted; their bytes bound it too. */
const MOST_STATES = 2048
/** Shortest slice, in milliseconds. */
const SHORTEST_SLICE_MS = 10

/** Between saves, in milliseconds. */
export const sliceMsOf = ({ saveAfterMs }: Pick<DecisionSettings, 'saveAfterMs'>): number =>
  Math.max(SHORTEST_SLICE_MS, saveAfterMs / SLICES_PER_PERIOD)

/**
 * Saves states and receipts behind the log: a slice of each period's at a time, so that a busy state is saved
 * once a period and no decision waits long behind a save.
 *
 * It owns the rhythm, that one save is on its way at a time, and the sweep of expired receipts. It does not
 * own what is unsaved (`UnsavedStates`, `Receipts`), nor how far the store is (`Frontier`).
 */
export class Saver {
  private readonly parts: SaverParts
  private timer: NodeJS.Timeout | undefined
  private saving: Promise<void> | undefined
  /** Ends of slices that are not done with saving and sweeping. */
  private readonly slices = new Set<Promise<void>>()
  private haltReason: Error | undefined
  private failure = 'saving is slower than deciding'
  /** Id of the receipt that was looked at last; undefined: the next sweep begins at the first. */
  private sweptReceipt: string | undefined
  /** Receipts that are still to be looked at for what was saved. */
  private toSweep = 0

  constructor(parts: SaverParts) {
    this.parts = parts
  }

  /** Why saving failed the last time, for people. */
  get lastFailure(): string {
    return this.failure
  }

  /** Saves at the end of each slice, until `stop`. */
  start(): void {
    this.timer = setInterval(() => void this.endSlice(), sliceMsOf(this.parts.settings))
    this.timer.unref()
  }

  /** No more saves at the ends of slices. */
  stop(): void {
    clearInterval(this.timer)
  }

  /** Resolves when slices that have ended are saved and swept: the store may be closed then. */
  async settled(): Promise<void> {
    await Promise.all(this.slices)
  }

  /** Ends a slice: saves what is due, then sweeps. Failures are warned of, and the next slice tries again. */
  async endSlice(): Promise<void> {
    if (this.haltReason !== undefined) return
    this.parts.frontier.endSlice()
    const own = this.saveAndSweep()
    this.slices.add(own)
    await own
    this.slices.delete(own)
  }

  private async saveAndSweep(): Promise<void> {
    try {
      await this.save(false)
      if (this.haltReason !== undefined) return
      await this.sweep()
      await this.parts.expired?.sweep()
    } catch (error) {
      this.warn(error)
    }
  }

  /** Saves what is due before the slice ends. */
  async saveEarly(): Promise<void> {
    if (this.haltReason !== undefined) return
    await this.save(false).catch((error: unknown) => this.warn(error))
  }

  /** Saves all that is durable by now, because memory is full. Failures are warned of. */
  async relieve(): Promise<void> {
    if (this.haltReason !== undefined) return
    await this.save(true).catch((error: unknown) => this.warn(error))
  }

  /** Saves what a replay has filled so far; the replay waits for it. @throws SERVING_STORE_FAILED */
  saveReplayed(): Promise<void> {
    return this.saveWaiting(true, true)
  }

  /**
   * Saves receipts, and states that have waited for a period.
   *
   * @throws SERVING_STORE_FAILED, and why saving was halted
   */
  async saveDue(): Promise<void> {
    while (this.saving !== undefined) await this.saving
    return this.save(false)
  }

  /** Saves everything that is durable by now. @throws SERVING_STORE_FAILED, and why saving was halted */
  async saveAll(): Promise<void> {
    while (this.saving !== undefined) await this.saving
    return this.save(true)
  }

  /**
   * Saves nothing until `resume`, because of `reason`. Resolves when no save is on its way, and no sweep:
   * while labels that wait are read again, all of them would look as if they were over.
   */
  async halt(reason: Error): Promise<void> {
    this.haltReason = reason
    await this.saving?.catch(() => undefined)
    await this.settled()
  }

  resume(): void {
    this.haltReason = undefined
  }

  private save(isAll: boolean): Promise<void> {
    if (this.haltReason !== undefined) return Promise.reject(this.haltReason)
    this.saving ??= this.saveWaiting(isAll).finally(() => {
      this.saving = undefined
    })
    return this.saving
  }

  private async saveWaiting(isAll: boolean, isReplay = false): Promise<void> {
    const { frontier, receipts, states, due } = this.parts
    // Not what comes meanwhile, or saving would never end.
    const { given } = frontier
    const dueThrough = isAll ? given : frontier.dueThrough
    for (;;) {
      const share = Math.min(MOST_RECEIPTS, Math.ceil(receipts.waiting / WAITING_PER_SAVED))
      const mostReceipts = isAll ? MOST_RECEIPTS : Math.max(FEWEST_RECEIPTS, share)
      const mostStates = isAll ? MOST_STATES : mostReceipts * STATES_PER_RECEIPT
      const batch = receipts.batch(given, mostReceipts)
      const beside = [...batch.beside, ...due.clockAfter(batch.unsaved)]
      const isMore = await states.save({ dueThrough, receipts: { ...batch, beside }, mostStates })
      receipts.settle(batch)
      this.toSweep += SWEPT_FOR_EACH_SAVED * batch.receipts.length
      due.saved(beside)
      if (!isMore && batch.receipts.length < mostReceipts) return
      // A failed decision may have left a state half advanced.
      if (this.haltReason !== undefined && !isReplay) throw this.haltReason
    }
  }

  /** Removes some receipts that are too old; all have their turn. */
  private async sweep(): Promise<void> {
    const { store, settings, world, due, waiting, isNeeded } = this.parts
    await due.sweep()
    const expiredBeforeMs = world.now() - settings.receiptLifeMs
    const waitingSinceMs = world.now() - settings.waitingLifeMs
    const most = Math.min(MOST_SWEPT, Math.max(SWEPT_RECEIPTS, this.toSweep))
    let looked = 0
    let expired = 0
    const isExpired = (id: string, bytes: Uint8Array): boolean => {
      if (isFrontierReceipt(id) || isDueLabel(id)) return false
      if (isWaitingLabel(id)) return waiting.isOver(id, waitingSinceMs)
      const receipt = decodeReceipt<DecisionReceipt | LabelReceipt>(bytes)
      const atMs = 'decidedAtMs' in receipt ? receipt.decidedAtMs : receipt.receivedAtMs
      return atMs < expiredBeforeMs && !isNeeded(receipt.eventTimeMs)
    }
    const last = await store.sweepReceipts(this.sweptReceipt, most, (id, bytes) => {
      looked++
      if (!isExpired(id, bytes)) return false
      expired++
      return true
    })
    // While hardly any has expired there is nothing to keep up with.
    const isKeepingUp = expired >= looked * LEAST_EXPIRED_SHARE
    this.toSweep = isKeepingUp ? Math.max(0, this.toSweep - most) : 0
    // Due labels have no age: a sweep need not walk through all that is due in a week.
    this.sweptReceipt = last !== undefined && isDueLabel(last) ? AFTER_DUE_LABELS : last
  }

  private warn(error: unknown): void {
    // Why it was halted has been said by whoever halted it.
    if (error === this.haltReason) return
    this.failure = error instanceof Error ? error.message : String(error)
    this.parts.observer.warned('SERVING_STORE_FAILED', { reason: this.failure })
  }
}
