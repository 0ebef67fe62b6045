import { compileWasm, openWasm, type WasmMemory, type WasmModule } from '../../foundation/web-assembly.ts'
import { KERNELS_WASM } from './kernels-wasm.ts'

/** A column of bin numbers. All arrays that kernels are given lie in the memory that they were opened on. */
export type BinColumn = Uint8Array | Uint16Array

/** Features whose histograms are filled in one pass: rows and pairs are then fetched once for four. */
export const GROUP = 4

/**
 * The innermost loops of growing trees, on one shared memory. Two adjacent doubles of `pairs` belong to each
 * place of `order`.
 */
export interface Kernels {
  /**
   * Adds the pairs of the rows `order[from...to)` to the histograms of up to four features. Feature i's
   * histogram begins at `sums[at + i * stride]`: two doubles for each bin, the missing one last.
   */
  addToHistograms(
    columns: readonly BinColumn[],
    order: Int32Array,
    pairs: Float64Array,
    from: number,
    to: number,
    sums: Float64Array,
    at: number,
    stride: number,
  ): void
  /**
   * Moves the rows `order[from...to)` to the same places of another order, those whose bin is marked in
   * `goesLeft` to the front and the others to the back, and returns where the others begin. Without
   * `withPairs` their pairs stay behind.
   */
  partRows(
    column: BinColumn,
    goesLeft: Uint8Array,
    source: RowOrder,
    target: RowOrder,
    from: number,
    to: number,
    withPairs: boolean,
  ): number
}

/** Rows in the order of the nodes that they are in, and a pair of numbers for each. */
export interface RowOrder {
  readonly order: Int32Array
  readonly pairs: Float64Array
}

interface Loops {
  addFour(...bytes: readonly number[]): void
  addOne(...bytes: readonly number[]): void
  partRows(...bytes: readonly number[]): number
}

let compiled: WasmModule | undefined

/** Opens the loops on a memory. */
export const openKernels = (memory: WasmMemory): Kernels => {
  compiled ??= compileWasm(Uint8Array.from(atob(KERNELS_WASM), (letter) => letter.charCodeAt(0)))
  const exports = openWasm(compiled, memory)
  const loops = (suffix: string): Loops => ({
    addFour: exports[`addFour${suffix}`] as Loops['addFour'],
    addOne: exports[`addOne${suffix}`] as Loops['addOne'],
    partRows: exports[`partRows${suffix}`] as Loops['partRows'],
  })
  const ofBytes = loops('8')
  const ofWords = loops('16')
  const loopsFor = (column: BinColumn): Loops => (column.BYTES_PER_ELEMENT === 1 ? ofBytes : ofWords)
  return {
    addToHistograms: (columns, order, pairs, from, to, sums, at, stride) => {
      const rows = [order.byteOffset + 4 * from, order.byteOffset + 4 * to, pairs.byteOffset + 16 * from]
      const sumsOf = (i: number): number => sums.byteOffset + 8 * (at + i * stride)
      const { addFour, addOne } = loopsFor(columns[0]!)
      if (columns.length === GROUP) {
        const [a, b, c, d] = columns as readonly [BinColumn, BinColumn, BinColumn, BinColumn]
        const addresses = [a.byteOffset, b.byteOffset, c.byteOffset, d.byteOffset]
        addFour(...addresses, ...rows, sumsOf(0), sumsOf(1), sumsOf(2), sumsOf(3))
      } else for (let i = 0; i < columns.length; i++) addOne(columns[i]!.byteOffset, ...rows, sumsOf(i))
    },
    partRows: (column, goesLeft, source, target, from, to, withPairs) =>
      loopsFor(column).partRows(
        column.byteOffset,
        goesLeft.byteOffset,
        source.order.byteOffset + 4 * from,
        source.order.byteOffset + 4 * to,
        source.pairs.byteOffset + 16 * from,
        target.order.byteOffset,
        target.pairs.byteOffset,
        from,
        to - 1,
        withPairs ? 1 : 0,
      ),
  }
}
