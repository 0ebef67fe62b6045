/**
 * How far before each row of one ring its value stood, in every dimension. Made when a late transaction first
 * needs it, kept by every transaction from then on; never saved, as the rows say all of it.
 */
export class ValueLinks {
  /** Rows that there is room for: those of another ring are of no use. */
  readonly capacity: number
  private readonly dimensionCount: number
  /** 0 is not known; a distance beyond the ring is nowhere. */
  private readonly distances: Int32Array

  constructor(capacity: number, dimensionCount: number) {
    this.capacity = capacity
    this.dimensionCount = dimensionCount
    this.distances = new Int32Array(capacity * dimensionCount)
  }

  get byteLength(): number {
    return this.distances.byteLength
  }

  /** Rows between the one at `sequence` and the one before it of its value in dimension `d`; 0: not known. */
  distanceOf(d: number, sequence: number): number {
    return this.distances[this.placeOf(d, sequence)]!
  }

  /** The value of the row at `sequence` stood last at `previous`: nowhere when that is before `first`. */
  link(d: number, sequence: number, previous: number, first: number): void {
    this.distances[this.placeOf(d, sequence)] = sequence - Math.max(previous, first - 1)
  }

  /** Rows from `from` on, before `next`, move one further. */
  renumber(from: number, next: number): void {
    for (let sequence = next - 1; sequence >= from; sequence--) {
      for (let d = 0; d < this.dimensionCount; d++) {
        const distance = this.distanceOf(d, sequence)
        const isPassed = distance !== 0 && sequence - distance < from
        this.distances[this.placeOf(d, sequence + 1)] = isPassed ? distance + 1 : distance
      }
    }
  }

  private placeOf(d: number, sequence: number): number {
    return (sequence & (this.capacity - 1)) * this.dimensionCount + d
  }
}
