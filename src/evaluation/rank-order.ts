/** Row numbers by falling score; equal scores keep their order. Takes O(n log n). Scores must not be NaN. */
export function byFallingScore(scores: Float64Array): Uint32Array {
  const order = new Uint32Array(scores.length)
  for (let i = 0; i < order.length; i++) order[i] = i
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b)
}

/** Calls `visit` once per distinct score, from the highest, with how many positives and rows score at least that much. */
export function forEachThreshold(
  labels: Uint8Array,
  scores: Float64Array,
  visit: (truePositives: number, selected: number, threshold: number) => void,
): void {
  const order = byFallingScore(scores)
  let truePositives = 0
  for (let i = 0; i < order.length; i++) {
    const threshold = scores[order[i]!]!
    if (labels[order[i]!] === 1) truePositives++
    if (i + 1 === order.length || scores[order[i + 1]!] !== threshold) visit(truePositives, i + 1, threshold)
  }
}
