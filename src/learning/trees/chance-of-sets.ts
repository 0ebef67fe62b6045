/**
 * Values of equal weight that are as free to differ by chance as these, less the one that the node's own mean
 * takes: (Σ √w)² / Σ w - 1. At least 0; a value of a few rows beside common ones counts for little.
 *
 * A set is chosen after its values were put in order by what is to be learnt, so it gains where there is
 * nothing to learn: of n values of equal weight, 2 / π for each is what the best set gains on average, and 1
 * for each is what telling all of them apart gains, in units of the noise of one (as the chi-squared of a
 * table is n - 1 on average).
 *
 * @param roots Σ √w
 * @param weight Σ w
 */
export const freeValues = (roots: number, weight: number): number =>
  weight > 0 ? Math.max(0, (roots * roots) / weight - 1) : 0
