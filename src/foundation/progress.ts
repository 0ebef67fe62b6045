/** How far a long activity has come. `total` is absent while it is unknown. */
export interface ProgressUpdate {
  readonly activity: string
  readonly done: number
  readonly total?: number
  /** What `done` counts, for instance `rows`. */
  readonly unit: string
}

/** Receives progress; called often, so it must be cheap. */
export type ReportProgress = (update: ProgressUpdate) => void

export const noProgress: ReportProgress = () => undefined
