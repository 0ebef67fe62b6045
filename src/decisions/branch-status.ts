import type { ServedModelName } from './decided.ts'

/**
 * Pauses since the start in which requests waited while the states of another layout took over, those of a
 * switch that failed too. Each lasts from the moment at which new requests wait until they go on.
 */
export interface LayoutPauses {
  readonly count: number
  /** Of all together, milliseconds. */
  readonly totalMs: number
  /** Of the last one; 0 before the first. */
  readonly lastMs: number
}

/** States of one layout, beside those that decide. */
export interface BranchStatus {
  /** `LoadedModel.layoutKey` of the models that can go on from them. */
  readonly layoutKey: string
  /** Where the model that decided with them last was loaded from; undefined: none has. */
  readonly source: string | undefined
  /** Last record of the log, inclusive, when they stopped deciding; undefined: nobody says that they did. */
  readonly decidedThrough: number | undefined
  readonly model: ServedModelName
  readonly createdAtMs: number
  /** Number of the last record that they have, inclusive. */
  readonly through: number
  /** Records of the log that they lack. */
  readonly behind: number
  /** On the disk. */
  readonly bytes: number
  /** Why they do not follow the log; empty when they do. */
  readonly failure: string
}
