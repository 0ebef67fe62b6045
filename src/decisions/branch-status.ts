import type { ServedModelName } from './decided.ts'

/** States of one layout, beside those that decide. */
export interface BranchStatus {
  /** `LoadedModel.layoutKey` of the models that can go on from them. */
  readonly layoutKey: string
  /** Where the model that decided with them last was loaded from; undefined: none has. */
  readonly source: string | undefined
  readonly model: ServedModelName
  readonly createdAtMs: number
  /** Number of the last record that they have, inclusive. */
  readonly through: number
  /** Records of the log that they lack. */
  readonly behind: number
  /** On the disk. */
  readonly bytes: number
  /** The shadow that they score while they follow, of another layout than the champion; undefined: none. */
  readonly shadow?: ServedModelName | undefined
  /** Why they do not follow the log; empty when they do. */
  readonly failure: string
}
