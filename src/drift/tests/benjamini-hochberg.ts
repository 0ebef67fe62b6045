/**
 * p-values adjusted for their number, so that those up to q have a share of false ones of at most q on
 * average (Benjamini and Hochberg, 1995). NaN stays NaN and does not count. It corrects for many tests, and
 * not for rows that depend on each other.
 */
export const benjaminiHochberg = (pValues: readonly number[]): number[] => {
  const ranked = [...pValues.keys()].filter((at) => !Number.isNaN(pValues[at]!))
  ranked.sort((a, b) => pValues[b]! - pValues[a]!)
  const adjusted = pValues.map(() => Number.NaN)
  let least = 1
  for (const [place, at] of ranked.entries()) {
    least = Math.min(least, (pValues[at]! * ranked.length) / (ranked.length - place))
    adjusted[at] = least
  }
  return adjusted
}
