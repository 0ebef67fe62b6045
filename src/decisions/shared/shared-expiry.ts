import { encodeState } from '../../features/state/encoding.ts'
import { lifetimeMs } from '../../features/state/expiry.ts'
import { DAY_MS } from '../../foundation/days.ts'
import type { World } from '../../foundation/world.ts'
import type { SharedStateStore, StateHead } from '../../ports/state-store.ts'
import type { Decider } from '../decider.ts'
import { encodeRepair } from '../log/log-record.ts'
import {
  ENDED_HEAD_BYTES,
  endingLayouts,
  isUnused,
  NO_WORDS,
  UNUSED_LIFE_MS,
  watermarkOf,
} from '../states/ended-states.ts'
import { withApplied } from '../states/stored-state.ts'

export interface SharedExpiryParts {
  readonly store: Pick<SharedStateStore, 'commit' | 'dueLabels' | 'lookThrough' | 'knownSequence'>
  readonly decider: () => Decider
  readonly world: Pick<World, 'now'>
  /** Told of a look that failed; the next one goes on. */
  readonly failed: (error: unknown) => void
}

/** Between two looks, milliseconds. */
const SLICE_MS = 10_000
/** States that are looked at in one go: some forty million a day. */
const LOOKED_AT = 5000
/** All states are looked at once in so long, or as fast as looks come. */
const ROUND_MS = DAY_MS
/** How long the receipt of an end lives; nobody asks for it. */
const RECEIPT_LIFE_MS = 60_000

/**
 * States of entities that have not been seen for so long that nothing in them can be read any more
 * (`lifetimeMs`), in a store that many processes share.
 *
 * It owns which are looked at, and their ends. Each is one commit, whose record puts the state of an entity
 * that was never seen in the place of the old one; it has a number among all decisions, so every replay has
 * it where the service had it. That state has a life: then the store loses it by itself, which changes
 * nothing, for it and none are the same. Every process looks; of several that find one, one commit counts.
 */
export class SharedExpiry {
  private readonly parts: SharedExpiryParts
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()
  private isLooking = false
  private isClosed = false
  /** A part that failed is looked at again. */
  private isInRound = false
  /** Where the next part of the round begins; undefined: at the beginning. */
  private from: string | undefined
  private begunAtMs = Number.NEGATIVE_INFINITY
  private expired = 0

  constructor(parts: SharedExpiryParts) {
    this.parts = parts
  }

  /** How many states this process has ended since its start. */
  get count(): number {
    return this.expired
  }

  /** Looks at some states from time to time, until `close`. */
  start(): void {
    this.timer = setInterval(() => {
      if (this.isLooking) return
      this.isLooking = true
      this.looking = this.sweep()
        .catch((error: unknown) => this.parts.failed(error))
        .finally(() => {
          this.isLooking = false
        })
    }, SLICE_MS)
    this.timer.unref()
  }

  /** Resolves when the look that is under way has ended. */
  async close(): Promise<void> {
    this.isClosed = true
    clearInterval(this.timer)
    await this.looking
  }

  /** Looks at some states; all have their turn. */
  async sweep(): Promise<void> {
    const { store, decider, world } = this.parts
    const layouts = endingLayouts(decider().engineer)
    if (layouts.size === 0) return
    if (!this.isInRound) {
      // A clock that was set back does not end it.
      if (Math.abs(world.now() - this.begunAtMs) < ROUND_MS) return
      this.begunAtMs = world.now()
      this.isInRound = true
    }
    const { clockMs } = await store.dueLabels(undefined, 1)
    // The server's clock bounds it: one transaction that is stamped ahead ends nothing of others.
    const nowMs = Math.min(clockMs, world.now())
    const { states, next } = await store.lookThrough(this.from, LOOKED_AT, ENDED_HEAD_BYTES)
    for (const state of states) {
      if (this.isClosed) return
      const layout = layouts.get(state.key.kind)
      if (layout === undefined || state.head.length < ENDED_HEAD_BYTES) continue
      // One that was restored, repaired, or written by an earlier version has no life yet.
      if (isUnused(state.head)) {
        if (!state.isLeaving) await this.end(state)
      } else if (nowMs - watermarkOf(state.head) > lifetimeMs(layout) && (await this.end(state)))
        this.expired++
    }
    this.from = next
    this.isInRound = next !== undefined
  }

  /** @returns false: it was seen again meanwhile, or another process has ended it */
  private async end({ key, version }: StateHead): Promise<boolean> {
    const { store, decider, world } = this.parts
    const { kind, token } = key
    const keeper = decider().engineer.keeperOf(kind)!
    const bytes = withApplied(encodeState(keeper.layout, keeper.create()), 0)
    const repair = { kind, token, repairedAtMs: world.now(), basis: store.knownSequence() }
    const { outcome } = await store.commit(
      [{ key, bytes, expected: version, lifeMs: UNUSED_LIFE_MS }],
      { id: `expired/${kind}/${token}/${version}`, bytes: NOTHING },
      encodeRepair(0, repair, NO_WORDS).slice(),
      RECEIPT_LIFE_MS,
    )
    return outcome === 'committed'
  }
}

const NOTHING = new Uint8Array(0)
