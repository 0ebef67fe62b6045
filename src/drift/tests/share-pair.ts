/** A share before and now. */
export interface SharePair {
  readonly reference: number
  /** NaN without rows, as `reference` is. */
  readonly current: number
  /**
   * Of the larger to the smaller, at least 1, each taken as at least 1 %, so that rare things do not roar.
   */
  readonly ratio: number
}

/** Shares below this are taken for it when a ratio is made. */
export const LEAST_SHARE = 0.01

export const sharesOf = (part: number, all: number, partNow: number, allNow: number): SharePair => {
  const [reference, current] = [part / all, partNow / allNow]
  return { reference, current, ratio: shareRatio(reference, current) }
}

/** How many times the larger share is the smaller one; both at least `LEAST_SHARE`. */
export const shareRatio = (a: number, b: number): number => {
  const [x, y] = [Math.max(a, LEAST_SHARE), Math.max(b, LEAST_SHARE)]
  return Math.max(x, y) / Math.min(x, y)
}
