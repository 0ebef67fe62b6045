import { BLOCK } from './profile-layout.ts'
import type { WindowProfile } from './window-profile.ts'

/**
 * Collects rows as they are served, and adds them to a profile 256 at a time, column by column: a row costs a
 * copy, and a column's bins are looked up while they are in the processor's cache.
 */
export class RowBuffer {
  private readonly features: Float64Array
  private readonly scores = new Float64Array(BLOCK)
  private readonly width: number
  private profile: WindowProfile
  private rows = 0

  constructor(profile: WindowProfile) {
    this.profile = profile
    this.width = profile.layout.features
    this.features = new Float64Array(BLOCK * this.width)
  }

  /** Adds one row; `features` is copied. */
  add(features: Float64Array, score: number): void {
    this.features.set(features, this.rows * this.width)
    this.scores[this.rows++] = score
    if (this.rows === BLOCK) this.flush()
  }

  /** Adds what was collected to the profile. To be called before it is read. */
  flush(): void {
    if (this.rows === 0) return
    const rows = this.rows
    this.rows = 0
    this.profile.addRows(this.features.subarray(0, rows * this.width), this.scores.subarray(0, rows))
  }

  /** Flushes, and goes on into another profile of the same layout. */
  turnTo(profile: WindowProfile): void {
    this.flush()
    this.profile = profile
  }
}
