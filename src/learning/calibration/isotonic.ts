/** Rows that pool to one rate of fraud: those with from <= raw probability <= to. */
export interface IsotonicBlock {
  readonly from: number
  readonly to: number
  /** Mean raw probability of the block's rows. */
  readonly centre: number
  readonly rows: number
  /** Share of frauds among the rows. */
  readonly rate: number
}

/**
 * Pool adjacent violators (Ayer et al. 1955): the rising step function of the raw probability that is nearest
 * to the labels by least squares, as blocks by rising raw probability with strictly rising rates. These are
 * the steps of scikit-learn's IsotonicRegression, which joins their ends by lines and is flat within them.
 * Equal raw probabilities share a block. O(n log n). Raw probabilities must not be NaN.
 */
export const poolAdjacentViolators = (labels: ArrayLike<number>, raw: Float64Array): IsotonicBlock[] => {
  const order = Uint32Array.from(raw, (_, row) => row).sort((a, b) => raw[a]! - raw[b]!)
  const blocks: { from: number; to: number; sum: number; rows: number; frauds: number }[] = []
  for (let at = 0; at < order.length; ) {
    const value = raw[order[at]!]!
    let next = { from: value, to: value, sum: 0, rows: 0, frauds: 0 }
    for (; at < order.length && raw[order[at]!] === value; at++) {
      next.sum += value
      next.rows++
      next.frauds += labels[order[at]!]!
    }
    // Whole numbers are compared, so that equal rates are seen as equal.
    for (
      let before = blocks.at(-1);
      before !== undefined && before.frauds * next.rows >= next.frauds * before.rows;
      before = blocks.at(-1)
    ) {
      next = {
        from: before.from,
        to: next.to,
        sum: before.sum + next.sum,
        rows: before.rows + next.rows,
        frauds: before.frauds + next.frauds,
      }
      blocks.pop()
    }
    blocks.push(next)
  }
  return blocks.map(({ from, to, sum, rows, frauds }) => ({
    from,
    to,
    // A sum's rounding may leave the block.
    centre: Math.min(to, Math.max(from, sum / rows)),
    rows,
    rate: frauds / rows,
  }))
}

/**
 * Centred isotonic regression (Oron and Flournoy 2017): the rates of the pooled blocks at their centres, to
 * be joined by lines, so that order survives within blocks too. Where scikit-learn is flat within a block,
 * this rises through its centre; before the first centre and after the last both are flat.
 */
export const fitIsotonic = (
  labels: ArrayLike<number>,
  raw: Float64Array,
): { readonly x: readonly number[]; readonly y: readonly number[] } => {
  const blocks = poolAdjacentViolators(labels, raw)
  return { x: blocks.map(({ centre }) => centre), y: blocks.map(({ rate }) => rate) }
}
