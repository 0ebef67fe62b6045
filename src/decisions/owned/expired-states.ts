import type { EntityState } from '../../features/state/entity-state.ts'
import { lifetimeMs } from '../../features/state/expiry.ts'
import { HEADER, type StateLayout } from '../../features/state/layout.ts'
import { DAY_MS } from '../../foundation/days.ts'
import type { World } from '../../foundation/world.ts'
import type { EntityKey, StateStore } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { Decider } from '../decider.ts'
import { encodeRepair } from '../log/log-record.ts'
import { endingLayouts, isUnused, NO_WORDS, watermarkOf } from '../states/ended-states.ts'
import type { DueLabels } from './due-labels.ts'
import type { Frontier } from './frontier.ts'
import type { HeldState } from './held-state.ts'
import type { StateCache } from './state-cache.ts'
import type { UnsavedStates } from './unsaved-states.ts'

export interface ExpiredStatesParts {
  readonly store: Pick<StateStore, 'count' | 'statesAfter'>
  readonly cache: Pick<StateCache, 'bring'>
  readonly unsaved: Pick<UnsavedStates, 'leave'>
  readonly frontier: Frontier
  readonly due: Pick<DueLabels, 'clockMs'>
  readonly decider: () => Decider
  readonly world: Pick<World, 'now'>
  /** Between sweeps, milliseconds. */
  readonly sliceMs: number
  /** Whether anything can be written to the log. */
  readonly isAvailable: () => boolean
  /** Appends a record that the state of `item` has by now. */
  readonly append: (sequence: number, payload: Uint8Array, item: HeldState) => void
}

/** All states are looked at once in so long, however many there are. */
const ROUND_MS = DAY_MS
/** Fewest and most states that are looked at in one go. */
const FEWEST = 64
const MOST = 1024

/**
 * States of entities that have not been seen for so long that nothing in them can be read any more
 * (`lifetimeMs`).
 *
 * It owns which are looked at, and their end in two steps:
 *
 * 1. A record of the log puts the state of an entity that was never seen in the place of the expired one. So
 *    every replay has it where the service had it, whatever came late.
 * 2. When no replay can begin before that record, the store loses it: nothing and a state that was never used
 *    are the same.
 *
 * It does not own when (the saver does), nor what a replay makes of the record.
 */
export class ExpiredStates {
  private readonly parts: ExpiredStatesParts
  private kindAt = 0
  /** Token that was looked at last; undefined: the next look begins with the first state of the kind. */
  private after: number | undefined
  private most = FEWEST
  /** Expired, and not gone from the store. */
  private leaving: EntityKey[] = []
  private expired = 0

  constructor(parts: ExpiredStatesParts) {
    this.parts = parts
  }

  /** How many have expired since the start. */
  get count(): number {
    return this.expired
  }

  /** Looks at some states; all have their turn. */
  async sweep(): Promise<void> {
    const { store } = this.parts
    const layouts = [...endingLayouts(this.parts.decider().engineer).values()]
    if (layouts.length === 0 || store.statesAfter === undefined) return
    const layout = layouts[this.kindAt % layouts.length]!
    if (this.after === undefined) await this.beginRound(layout.kind)
    const found = await store.statesAfter(layout.kind, this.after, this.most)
    const nowMs = this.clockMs()
    const over: EntityKey[] = []
    for (const { token, bytes } of found) {
      const key = { kind: layout.kind, token }
      if (isUnused(bytes)) this.leaving.push(key)
      else if (nowMs - watermarkOf(bytes) > lifetimeMs(layout)) over.push(key)
    }
    this.after = found.at(-1)?.token
    if (found.length < this.most) {
      this.after = undefined
      this.kindAt++
    }
    if (over.length > 0 && this.parts.isAvailable()) await this.expire(over, layout)
    await this.leave()
  }

  /** The server's clock bounds it: one transaction that is stamped ahead ends nothing of others. */
  private clockMs(): number {
    return Math.min(this.parts.due.clockMs, this.parts.world.now())
  }

  private async beginRound(kind: EntityKind): Promise<void> {
    const { store, sliceMs } = this.parts
    const states = (await store.count())[kind] ?? 0
    this.most = Math.min(MOST, Math.max(FEWEST, Math.ceil(states / (ROUND_MS / sliceMs))))
  }

  private async expire(keys: readonly EntityKey[], layout: StateLayout): Promise<void> {
    const { cache, frontier, decider, world, append, isAvailable } = this.parts
    const { items } = await cache.bring(keys.map((key) => ({ ...key, source: key.kind })))
    // From here on nothing waits: this is the place of these records among all others.
    if (!isAvailable()) return
    const clockMs = this.clockMs()
    for (const item of items) {
      // The store's copy may be older.
      if (clockMs - wordOf(item.state, HEADER.watermark) <= lifetimeMs(layout)) continue
      if (wordOf(item.state, HEADER.next) === 0) continue
      const { kind, token } = item.key
      item.state.become(decider().engineer.keeperOf(kind)!.create())
      const sequence = frontier.next()
      const { layoutKey } = decider().models.champion
      const repair = { kind, token, repairedAtMs: world.now(), basis: sequence - 1, layout: layoutKey }
      append(sequence, encodeRepair(sequence, repair, NO_WORDS), item)
      this.leaving.push(item.key)
      this.expired++
    }
  }

  private async leave(): Promise<void> {
    const { cache, unsaved, frontier } = this.parts
    const keys = this.leaving.splice(0, MOST)
    const { items } = await cache.bring(keys.map((key) => ({ ...key, source: key.kind })))
    for (const item of items) {
      // Seen again meanwhile, or gone.
      if (wordOf(item.state, HEADER.next) !== 0 || item.version === 0) continue
      const isSaved = item.unsavedFrom === 0 && !item.isSaving
      if (isSaved && item.applied <= frontier.savedThrough) unsaved.leave(item)
      else if (item.applied > frontier.savedThrough) this.leaving.push(item.key)
    }
  }
}

const wordOf = ({ data, base }: EntityState, word: number): number => data[base + word]!
