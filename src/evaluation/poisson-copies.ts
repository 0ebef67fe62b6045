/** Cumulative probabilities of a Poisson number of mean 1. */
const CUMULATIVE = [1, 2, 2.5, 8 / 3, 65 / 24, 163 / 60, 1957 / 720, 685 / 252].map((sum) => sum / Math.E)

/** How often a row or user comes in a resample: a Poisson number of mean 1, cut off at 8, from a uniform. */
export const poissonCopies = (uniform: number): number => {
  let copies = 0
  while (copies < CUMULATIVE.length && uniform >= CUMULATIVE[copies]!) copies++
  return copies
}
