import type { NumericProfile } from './reference-profile.ts'

/**
 * The profile of numbers after a rising function, from their profile alone: counts stay with their bins,
 * whose edges become those of the function. Bins whose edges become equal are one. Mean and variance are
 * those of the middles of the bins.
 *
 * @param rescale never falls
 */
export const rescaledProfile = (
  profile: NumericProfile,
  rescale: (value: number) => number,
): NumericProfile => {
  const { count, missing } = profile
  if (count === 0) return profile
  const edges: number[] = []
  const counts: number[] = []
  profile.edges.forEach((edge, bin) => {
    const rescaled = rescale(edge)
    if (edges.length > 0 && !(rescaled > edges.at(-1)!)) counts[counts.length - 1]! += profile.counts[bin]!
    else {
      edges.push(rescaled)
      counts.push(profile.counts[bin]!)
    }
  })
  counts.push(profile.counts.at(-1)!)
  const [min, max] = [rescale(profile.min), rescale(profile.max)]
  const middles = counts.map((_, bin) => ((edges[bin - 1] ?? min) + (edges[bin] ?? max)) / 2)
  const meanOf = (numberOf: (bin: number) => number): number =>
    counts.reduce((sum, rows, bin) => sum + rows * numberOf(bin), 0) / count
  const mean = meanOf((bin) => middles[bin]!)
  const variance = meanOf((bin) => (middles[bin]! - mean) * (middles[bin]! - mean))
  return { kind: 'numeric', count, missing, min, max, mean, variance, edges, counts }
}
