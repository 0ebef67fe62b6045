import type { PastSteps } from './steps/past-steps.ts'
import type { ValueLinks } from './value-links.ts'

/**
 * The state of one entity: `size` words from `base` in `data`. Blocks move when they grow; the handle stays.
 */
export class EntityState {
  data: Float64Array
  base: number
  size: number
  /** Where values of rows stood before, since late transactions have needed it; not part of the state. */
  links: ValueLinks | undefined = undefined
  /** What has left a full ring while windows may need it. */
  past: PastSteps | undefined = undefined

  constructor(data: Float64Array, base: number, size: number) {
    this.data = data
    this.base = base
    this.size = size
  }

  /** Makes this handle one of the block of `other`, which nobody uses afterwards. */
  become({ data, base, size, links, past }: EntityState): void {
    this.data = data
    this.base = base
    this.size = size
    this.links = links
    this.past = past
  }
}

/** Gives room for blocks of words and takes it back. */
export interface BlockAllocator {
  /** Points `state` at a zeroed block of at least `words` words. What it pointed at before is not touched. */
  allocate(state: EntityState, words: number): void
  /** The block may be given to another state. */
  release(data: Float64Array, base: number, size: number): void
}

/** One array per state: for serving, where a state lives as long as a request. */
export const separateBlocks: BlockAllocator = {
  allocate(state, words) {
    state.data = new Float64Array(words)
    state.base = 0
    state.size = words
  },
  release() {},
}

/** Words of one arena segment: 8 MiB. */
const SEGMENT_WORDS = 1 << 20
/** Block sizes are multiples of this, so that a released block fits many later requests. */
const GRAIN_WORDS = 16

/**
 * Blocks cut from large segments, with a free list per size: for a replay with millions of states, where an
 * array each would cost more in bookkeeping than in content.
 */
export class Arena implements BlockAllocator {
  private segment = new Float64Array(0)
  private used = 0
  private readonly free = new Map<number, { data: Float64Array; base: number }[]>()

  allocate(state: EntityState, words: number): void {
    const size = Math.ceil(words / GRAIN_WORDS) * GRAIN_WORDS
    const reused = this.free.get(size)?.pop()
    if (reused !== undefined) {
      reused.data.fill(0, reused.base, reused.base + size)
      state.data = reused.data
      state.base = reused.base
    } else {
      if (this.used + size > this.segment.length) {
        this.segment = new Float64Array(Math.max(SEGMENT_WORDS, size))
        this.used = 0
      }
      state.data = this.segment
      state.base = this.used
      this.used += size
    }
    state.size = size
  }

  release(data: Float64Array, base: number, size: number): void {
    const list = this.free.get(size)
    if (list === undefined) this.free.set(size, [{ data, base }])
    else list.push({ data, base })
  }
}
