import { VigiaError } from '../errors.ts'
import { BLOCK, type ProfileColumn, type ProfileLayout } from './profile-layout.ts'

/** Most rows of one profile: a count has 32 bits. */
const MOST_ROWS = 2 ** 32 - 1

/**
 * What the rows of a window were like: for each feature and the score how many values each of the reference's
 * bins has. All of it is whole numbers, so rows may come in any order, and the profiles of 24 hours merge to
 * that of the day bit for bit.
 */
export class WindowProfile {
  readonly layout: ProfileLayout
  /** All columns' counts, each from its `from` on. Not to be written to. */
  readonly counts: Uint32Array
  private rowCount = 0
  private alertCount = 0

  constructor(layout: ProfileLayout) {
    this.layout = layout
    this.counts = new Uint32Array(layout.size)
  }

  get rows(): number {
    return this.rowCount
  }

  /** Rows whose score reaches the layout's threshold. */
  get alerts(): number {
    return this.alertCount
  }

  /** Rows with a score: the days of a training have none for rows that the model has learnt from. */
  get scored(): number {
    return this.rowCount - this.counts.at(-1)!
  }

  /** Counts of one column, missing values last. */
  countsOf({ from, size }: ProfileColumn): Uint32Array {
    return this.counts.subarray(from, from + size)
  }

  /** Adds rows that lie one after the other, `features` numbers each, and their scores. */
  addRows(rows: Float64Array, scores: Float64Array): void {
    const { features } = this.layout
    if (rows.length !== scores.length * features)
      throw new RangeError(`${rows.length} values are not ${features} for each of ${scores.length} scores.`)
    for (let from = 0; from < scores.length; from += BLOCK) {
      const count = Math.min(BLOCK, scores.length - from)
      this.addBlock(count, (column, into) => {
        if (column === features) into.set(scores.subarray(from, from + count))
        else
          for (let i = 0, at = from * features + column; i < count; i++, at += features) into[i] = rows[at]!
      })
    }
  }

  /** Adds rows that lie in columns, one for each feature, and their scores. */
  addColumns(columns: readonly Float64Array[], scores: Float64Array): void {
    const { features } = this.layout
    if (columns.length !== features || columns.some(({ length }) => length !== scores.length))
      throw new RangeError(`${features} columns of ${scores.length} values are to be added.`)
    for (let from = 0; from < scores.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, scores.length)
      this.addBlock(to - from, (column, into) =>
        into.set((column === features ? scores : columns[column]!).subarray(from, to)),
      )
    }
  }

  /** Adds one row of a layout without features: what segments are counted by as they are served. */
  addScore(score: number): void {
    const { columns, block, features, threshold } = this.layout
    if (features > 0) throw new RangeError(`A row of this profile has ${features} features too.`)
    this.countRows(1)
    block.doubles[0] = score
    columns[0]!.countInto(block, 1, this.counts, 0)
    if (score >= threshold) this.alertCount++
  }

  /** Adds all rows of another profile in the same bins. */
  merge(other: WindowProfile): void {
    if (other.layout.fingerprint !== this.layout.fingerprint)
      throw new VigiaError('DRIFT_PROFILE_REFUSED', {
        reason: 'it is in other bins than the profile that it is to be merged with',
      })
    this.countRows(other.rowCount)
    this.alertCount += other.alertCount
    for (let at = 0; at < this.counts.length; at++) this.counts[at]! += other.counts[at]!
  }

  /** Replaces everything by what a profile was encoded from. For `decodeProfile`. */
  restore(counts: Uint32Array, rows: number, alerts: number): void {
    this.counts.set(counts)
    this.rowCount = rows
    this.alertCount = alerts
  }

  private addBlock(count: number, fill: (column: number, into: Float64Array) => void): void {
    const { columns, block, features, threshold } = this.layout
    this.countRows(count)
    for (let column = 0; column <= features; column++) {
      const { countInto, from } = columns[column]!
      fill(column, block.doubles)
      countInto(block, count, this.counts, from)
    }
    for (let i = 0; i < count; i++) if (block.doubles[i]! >= threshold) this.alertCount++
  }

  private countRows(count: number): void {
    if (this.rowCount + count > MOST_ROWS)
      throw new VigiaError('DRIFT_PROFILE_REFUSED', {
        reason: `${this.rowCount + count} rows are more than one profile holds (${MOST_ROWS})`,
      })
    this.rowCount += count
  }
}

/** The profile of several windows together; undefined of none. */
export const mergeProfiles = (profiles: Iterable<WindowProfile>): WindowProfile | undefined => {
  let merged: WindowProfile | undefined
  for (const profile of profiles) {
    merged ??= new WindowProfile(profile.layout)
    merged.merge(profile)
  }
  return merged
}
