/** A feature with values that are not the same on both sides. */
export interface DifferingValue {
  feature: string
  /** Values that differ. */
  count: number
  /** Greatest distance among them; null where one side has no value. */
  largest: number | null
}

/** Counts values that are not the same, feature by feature. */
export interface DifferingValues {
  /** Lays `served` beside `expected(f)`, the value that training has for feature `f`. */
  compare(served: ArrayLike<number>, expected: (f: number) => number): void
  /** Counts a value of `feature` that somebody else has found to be another one, nobody knows by how much. */
  add(feature: string): void
  /** In the order of the features. */
  report(): DifferingValue[]
}

export const createDifferingValues = (names: readonly string[]): DifferingValues => {
  const counts = new Uint32Array(names.length)
  const largest = new Float64Array(names.length)
  return {
    compare: (served, expected) => {
      for (let f = 0; f < names.length; f++) {
        const value = served[f]!
        const wanted = expected(f)
        // NaN equals NaN, and 0 is not -0: the same bits, as far as anybody can tell.
        if (Object.is(value, wanted)) continue
        counts[f]!++
        // NaN, where a side has no value, stays.
        largest[f] = Math.max(largest[f]!, Math.abs(value - wanted))
      }
    },
    add: (feature) => {
      const f = names.indexOf(feature)
      counts[f]!++
      largest[f] = Number.NaN
    },
    report: () =>
      names.flatMap((feature, f) => {
        const distance = largest[f]!
        return counts[f] === 0
          ? []
          : [{ feature, count: counts[f]!, largest: Number.isFinite(distance) ? distance : null }]
      }),
  }
}
