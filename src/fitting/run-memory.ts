import { freemem } from 'node:os'
import { sizeInBytes } from './learning-memory.ts'

/** What the memory of a training run depends on. */
export interface RunShape {
  readonly rows: number
  /** Computed ones, before any selection. */
  readonly features: number
  readonly threads: number
}

const WORD_BYTES = 8
/** Rows of one group of the file of features, which is written group by group. */
const GROUP_ROWS = 122_880

/**
 * Coefficients fitted on runs of `vigia run` of different sizes, by the largest resident memory that each
 * had; docs/runs.md#memory has them, and how far the estimate was off.
 */
const BASE_BYTES = 160e6
const BYTES_PER_THREAD = 20e6
/** Of each row beside its features while they are computed: keys, labels, its part in states. */
const BYTES_PER_ROW = 500
/** Times the values of a group of rows: in the hands of the writer of the file, and in batches before it. */
const GROUP_COPIES = 4.7
/** Times the values of all rows: as they are read for learning, and as models take them. */
const ROW_COPIES = 1.7

/** Bytes that a run takes, beside what one model takes by itself, which is asked when its turn comes. */
export const memoryOfRun = ({ rows, features, threads }: RunShape): number => {
  const row = features * WORD_BYTES
  const replay = BYTES_PER_ROW * rows + GROUP_COPIES * Math.min(rows, GROUP_ROWS) * row
  const learning = ROW_COPIES * rows * row
  return BASE_BYTES + threads * BYTES_PER_THREAD + Math.max(replay, learning)
}

/** Bytes that a run may take by `resources.run_memory`; Infinity for `unlimited`. */
export const runMemoryBytes = (setting: string): number => {
  if (setting === 'unlimited') return Number.POSITIVE_INFINITY
  return setting === 'auto' ? freeBytes() : sizeInBytes(setting)
}

/**
 * What the machine has free and this process has already, or all that the container has.
 * (`process.availableMemory` counts the files that the kernel keeps in memory as taken, which it gives back.)
 */
const freeBytes = (): number => {
  const container = process.constrainedMemory?.() ?? 0
  const free = freemem() + process.memoryUsage.rss()
  return container > 0 ? Math.min(free, container) : free
}
