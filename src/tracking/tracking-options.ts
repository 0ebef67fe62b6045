import type { VigiaError } from '../errors.ts'
import type { RunStatus, Texts } from '../ports/experiment-tracker.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { RefusedEntry } from './delivery-state.ts'

/** What tracking needs of the world; `trackingOfThisProcess` makes it. */
export interface TrackingOptions {
  readonly store: TrackingStore
  /** A new UUID. */
  readonly newRunKey: () => string
  /** Who runs what, in tags: `mlflow.user`, `mlflow.source.git.commit`, `vigia.version`. */
  readonly tags: Texts
  /** The machine and its software: plain JSON. */
  readonly environment: Readonly<Record<string, unknown>>
  /** Use of the machine now, by metric: `system/cpu_utilization_percentage`. Absent: it is not recorded. */
  readonly sampleResources?: () => Readonly<Record<string, number>>
  /** Told when the run has ended, well or not. */
  readonly onRecorded?: (tracked: TrackedTraining) => void
}

/** Where a training run is recorded, and what the tracker does not have yet. */
export interface TrackedTraining {
  readonly runKey: string
  readonly status: RunStatus
  /** The tracker, for people. */
  readonly location: string
  readonly experiment: string
  /** Absent as long as the tracker does not have it. */
  readonly runId?: string
  /** Absent where there is none (yet). */
  readonly version?: { readonly model: string; readonly version: number }
  /** Operations that wait for `vigia tracking push`. */
  readonly waiting: number
  /** Why they wait. */
  readonly stoppedBy?: VigiaError
  /** What the tracker will not take, and why. */
  readonly refused: readonly RefusedEntry[]
  /** What could not even be recorded locally: a full disk. */
  readonly problem?: string
}
