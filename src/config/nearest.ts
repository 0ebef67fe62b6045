import { closest, distance } from 'fastest-levenshtein'

/**
 * The candidate that `text` was probably meant to be: the nearest by edit distance, at most two edits or two
 * fifths of its length away; undefined when none is that near.
 */
export const nearest = (text: string, candidates: readonly string[]): string | undefined => {
  if (candidates.length === 0) return undefined
  const candidate = closest(text, candidates)
  const allowedEdits = Math.max(2, Math.floor(candidate.length * 0.4))
  return distance(text, candidate) <= allowedEdits ? candidate : undefined
}
