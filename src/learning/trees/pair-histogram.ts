type Column = Uint8Array | Uint16Array

/** Features whose histograms are filled in one pass: gradients are then fetched once for four, and four histograms fit the nearest cache. */
export const GROUP = 4

/**
 * Adds gradient and Hessian of the rows `order[from...to)` to the histograms of up to four features. `pairs` holds both by place in
 * `order`; feature i's histogram is `sums[at + i * stride...]`, gradient and Hessian of each bin side by side.
 */
export const addToHistograms = (
  columns: readonly Column[],
  order: Int32Array,
  pairs: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
  at: number,
  stride: number,
): void => {
  if (columns.length === GROUP)
    addFour(columns[0]!, columns[1]!, columns[2]!, columns[3]!, order, pairs, from, to, sums, at, stride)
  else
    columns.forEach((column, i) => {
      addOne(column, order, pairs, from, to, sums, at + i * stride)
    })
}

const addFour = (
  a: Column,
  b: Column,
  c: Column,
  d: Column,
  order: Int32Array,
  pairs: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
  at: number,
  stride: number,
): void => {
  const atB = at + stride
  const atC = atB + stride
  const atD = atC + stride
  for (let i = from; i < to; i++) {
    const row = order[i]!
    const gradient = pairs[2 * i]!
    const hessian = pairs[2 * i + 1]!
    const inA = at + 2 * a[row]!
    const inB = atB + 2 * b[row]!
    const inC = atC + 2 * c[row]!
    const inD = atD + 2 * d[row]!
    sums[inA]! += gradient
    sums[inA + 1]! += hessian
    sums[inB]! += gradient
    sums[inB + 1]! += hessian
    sums[inC]! += gradient
    sums[inC + 1]! += hessian
    sums[inD]! += gradient
    sums[inD + 1]! += hessian
  }
}

const addOne = (
  column: Column,
  order: Int32Array,
  pairs: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
  at: number,
): void => {
  for (let i = from; i < to; i++) {
    const bin = at + 2 * column[order[i]!]!
    sums[bin]! += pairs[2 * i]!
    sums[bin + 1]! += pairs[2 * i + 1]!
  }
}
