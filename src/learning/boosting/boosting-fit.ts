import type { Crew, TrainingData } from '../algorithm.ts'
import { floatsOf } from '../shared-parts.ts'
import type { BinnedTable } from '../trees/binned-table.ts'
import type { ShareWork } from '../trees/share-work.ts'
import { binsThatGoLeft } from '../trees/tree-builder.ts'
import type { GradientBoostingSettings } from './boosting-settings.ts'
import { type GradientUnits, writeGradients } from './gradients.ts'
import { type GrowMemory, openGrowMemory } from './grow-memory.ts'
import { type GrownTree, growTree } from './grow-tree.ts'
import type { GrowRules } from './split-finder.ts'

/** Rows whose gradients are computed in one piece of work. */
export const CHUNK = 16_384

/** What the trees of one fit share, as one thread of its crew sees it. */
export interface BoostingFit {
  readonly data: TrainingData
  readonly settings: GradientBoostingSettings
  readonly rules: GrowRules
  readonly binned: BinnedTable
  readonly units: GradientUnits
  readonly rows: number
  readonly memory: GrowMemory
  /** By row: log odds so far. */
  readonly margins: Float64Array
  readonly chunkSums: Float64Array
  /** Gradient and Hessian of each row; of sampled rows, only those in the sample go on into `pairs`. */
  readonly rowPairs: Float64Array
  readonly crew: Crew
  readonly shareWork: ShareWork
}

/** Opens the memory of a fit, with all margins at their start. */
export const openFit = (
  of: Pick<BoostingFit, 'data' | 'settings' | 'rules' | 'binned' | 'units' | 'crew' | 'shareWork'>,
): BoostingFit => {
  const { data, settings, units, crew, shareWork } = of
  const { parts, index, size } = crew
  const rows = data.table.rowCount
  const memory = openGrowMemory(parts, rows, index, size)
  const margins = floatsOf(parts, 'margins')
  shareWork(Math.ceil(rows / CHUNK), (chunk) => {
    margins.fill(units.base, chunk * CHUNK, (chunk + 1) * CHUNK)
  })
  return {
    ...of,
    rows,
    memory,
    margins,
    chunkSums: floatsOf(parts, 'chunkSums'),
    rowPairs: settings.rowShare < 1 ? floatsOf(parts, 'rowPairs') : memory.sides[0].pairs,
  }
}

/** Grows one tree on the rows that `sampleRows` has put into `pairs[0]`. */
export const growOn = (fit: BoostingFit, features: readonly number[], rowCount: number): GrownTree => {
  const { binned, units, rules, memory, shareWork } = fit
  const rootSums = sumOfPairs(fit, rowCount)
  return growTree({ binned, features, rowCount, rootSums, scale: units.scale, rules, memory, shareWork })
}

/** Fills `orders[0]` and `pairs[0]`; returns how many rows they hold. */
export const sampleRows = (fit: BoostingFit, stream: () => () => number): number => {
  const { data, settings, units, rows, memory, margins, rowPairs, shareWork, crew } = fit
  const chunks = Math.ceil(rows / CHUNK)
  shareWork(chunks, (chunk) => {
    const from = chunk * CHUNK
    const to = Math.min(rows, from + CHUNK)
    writeGradients(data, units, margins, rowPairs, from, to)
    if (settings.rowShare < 1) return
    const order = memory.sides[0].order
    for (let row = from; row < to; row++) order[row] = row
  })
  if (settings.rowShare >= 1) return rows
  const next = stream()
  let taken = 0
  for (let row = 0; row < rows; row++) {
    const isTaken = next() < settings.rowShare
    // One thread writes; all count.
    if (isTaken && crew.index === 0) {
      memory.sides[0].order[taken] = row
      memory.sides[0].pairs[2 * taken] = rowPairs[2 * row]!
      memory.sides[0].pairs[2 * taken + 1] = rowPairs[2 * row + 1]!
    }
    if (isTaken) taken++
  }
  crew.wait()
  return taken
}

/** Of the rows in `pairs[0]`, in units of the scale. */
const sumOfPairs = (
  { memory, chunkSums, shareWork }: BoostingFit,
  rowCount: number,
): { g: number; h: number } => {
  const pieces = Math.ceil(rowCount / CHUNK)
  shareWork(pieces, (chunk) => {
    let g = 0
    let h = 0
    const to = Math.min(rowCount, (chunk + 1) * CHUNK)
    for (let i = chunk * CHUNK; i < to; i++) {
      g += memory.sides[0].pairs[2 * i]!
      h += memory.sides[0].pairs[2 * i + 1]!
    }
    chunkSums[2 * chunk] = g
    chunkSums[2 * chunk + 1] = h
  })
  let g = 0
  let h = 0
  for (let chunk = 0; chunk < pieces; chunk++) {
    g += chunkSums[2 * chunk]!
    h += chunkSums[2 * chunk + 1]!
  }
  return { g, h }
}

/** Adds a tree's values to the margins of all rows. */
export const addToMargins = (fit: BoostingFit, { tree, leaves, splits }: GrownTree): void => {
  const { binned, settings, rows, memory, margins, shareWork } = fit
  const chunks = Math.ceil(rows / CHUNK)
  if (settings.rowShare >= 1) {
    shareWork(leaves.length, (leaf) => {
      const { value, side, from, to } = leaves[leaf]!
      const order = memory.sides[side].order
      for (let i = from; i < to; i++) margins[order[i]!]! += value
    })
    return
  }
  // Rows outside the sample lie in no leaf: all of them walk down.
  const goesLeft = new Map([...splits].map(([node, split]) => [node, binsThatGoLeft(binned, split)]))
  shareWork(chunks, (chunk) => {
    const to = Math.min(rows, (chunk + 1) * CHUNK)
    for (let row = chunk * CHUNK; row < to; row++) {
      let node = 0
      while (tree.feature[node]! >= 0) {
        const isLeft = goesLeft.get(node)![binned.columns[tree.feature[node]!]![row]!]!
        node = tree.left[node]! + 1 - isLeft
      }
      margins[row]! += tree.value[node]!
    }
  })
}
