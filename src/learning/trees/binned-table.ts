import type { Crew, TrainingRows } from '../algorithm.ts'
import { bytesOf, floatsOf, integersOf } from '../shared-parts.ts'
import {
  binCategoryColumn,
  binNumericColumn,
  type FeatureBins,
  placeCategoryBins,
  placeNumericBins,
  placingRows,
} from './bins.ts'
import type { BinColumn } from './kernels.ts'
import type { ShareWork } from './share-work.ts'

/** A feature table as bin numbers, shared by the crew: what trees are grown on. */
export interface BinnedTable {
  readonly rowCount: number
  /** One column a feature, a bin number a row. */
  readonly columns: readonly BinColumn[]
  readonly bins: readonly FeatureBins[]
  /** Bins of the feature with most, the one of missing values included. */
  readonly width: number
}

/** With at most 255 bins of values and one of missing ones, a bin number is a byte. */
export const bytesPerBin = (maxBins: number): 1 | 2 => (maxBins <= 255 ? 1 : 2)

/** Categories that a feature may have: the vocabulary's greatest size and the code of the unknown. */
const MOST_CATEGORIES = 4097

/** Shared buffers of `binTable`, in bytes. */
export const binnedTableMemory = (
  rows: number,
  features: number,
  maxBins: number,
): Readonly<Record<string, number>> => ({
  bins: rows * features * bytesPerBin(maxBins),
  binEdges: features * Math.max(maxBins, MOST_CATEGORIES) * 8,
  binCounts: features * 4,
  // Length of each feature's edges, which for categories can exceed its bins.
  edgeCounts: features * 4,
})

/**
 * Places bins on `data` and bins it: every thread takes features as they come. All return when the table is
 * complete.
 */
export const binTable = (
  { table, labels, weights }: TrainingRows,
  maxBins: number,
  crew: Crew,
  shareWork: ShareWork,
): BinnedTable => {
  const { columns, edgesOf, binCounts, edgeCounts } = layoutOf(
    table.rowCount,
    table.columns.length,
    maxBins,
    crew,
  )
  const isCategorical = table.names.map((name) => table.categorical?.includes(name) ?? false)
  const bins = (f: number): FeatureBins => ({
    isCategorical: isCategorical[f]!,
    count: binCounts[f]!,
    edges: edgesOf(f).slice(0, edgeCounts[f]!),
  })
  const placing = placingRows(labels, weights)
  shareWork(table.columns.length, (f) => {
    const column = table.columns[f]!
    const edges = isCategorical[f] ? placeCategoryBins(column) : placeNumericBins(column, placing, maxBins)
    edgesOf(f).set(edges)
    edgeCounts[f] = edges.length
    binCounts[f] = isCategorical[f] ? Math.max(1, Math.min(edges.length, maxBins)) : edges.length + 1
    if (isCategorical[f]) binCategoryColumn(column, bins(f), columns[f]!)
    else binNumericColumn(column, edges, columns[f]!)
  })
  const all = table.columns.map((_, f) => bins(f))
  return {
    rowCount: table.rowCount,
    columns,
    bins: all,
    width: 1 + Math.max(1, ...all.map(({ count }) => count)),
  }
}

const layoutOf = (rows: number, features: number, maxBins: number, { parts }: Crew) => {
  const bins = bytesOf(parts, 'bins')
  const edges = floatsOf(parts, 'binEdges')
  const indexes = Array.from({ length: features }, (_, f) => f)
  const edgeStride = Math.max(maxBins, MOST_CATEGORIES)
  const column = (f: number): BinColumn =>
    bytesPerBin(maxBins) === 1
      ? bins.subarray(f * rows, (f + 1) * rows)
      : new Uint16Array(bins.buffer, bins.byteOffset + f * rows * 2, rows)
  return {
    columns: indexes.map(column),
    edgesOf: (f: number) => edges.subarray(f * edgeStride, (f + 1) * edgeStride),
    binCounts: integersOf(parts, 'binCounts'),
    edgeCounts: integersOf(parts, 'edgeCounts'),
  }
}
