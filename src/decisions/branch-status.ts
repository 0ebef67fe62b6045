import type { ServedModelName } from './decided.ts'

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
