import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import type { ReplayCounts } from './entity-shard.ts'
import type { BatchShape } from './shared-batch.ts'

/** What a feature worker is started with. */
export interface ReplayWorkerData {
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
  readonly batches: readonly SharedArrayBuffer[]
  readonly shape: BatchShape
  readonly index: number
  readonly count: number
  /** Folder of the states to start from. */
  readonly statesIn?: string
}

/**
 * To a feature worker: a batch to compute, or the end; `statesOut` is where it leaves its states, if
 * anywhere.
 */
export type ToReplayWorker =
  | { readonly kind: 'batch'; readonly slot: number; readonly rows: number; readonly labels: number }
  | { readonly kind: 'end'; readonly statesOut?: string }

/** From a feature worker: the batch in `slot` is computed, or all is done. */
export type FromReplayWorker =
  | { readonly kind: 'computed'; readonly slot: number }
  | { readonly kind: 'ended'; readonly counts: ReplayCounts }

/** What the writing thread is started with. */
export interface FeatureWriterData {
  readonly prepared: string
  readonly out: string
  readonly threads: number
  readonly memoryLimit: string
  readonly tempDirectory: string
  readonly featureNames: readonly string[]
  readonly batches: readonly SharedArrayBuffer[]
  readonly shape: BatchShape
  /** See `WriterControl`. */
  readonly control: SharedArrayBuffer
}

/** From the writing thread: a slot is free again, or the file is complete. */
export type FromFeatureWriter =
  | { readonly kind: 'free'; readonly slot: number }
  | { readonly kind: 'written' }
  | { readonly kind: 'failed'; readonly reason: string }

/**
 * Words of the memory by which the coordinator tells the writer, who blocks while it waits: batches handed
 * over, whether they were the last, then the rows of each slot.
 */
export const CONTROL = { handedOver: 0, state: 1, rows: 2 } as const
export const CONTROL_STATE = { open: 0, complete: 1, aborted: 2 } as const
