import type { TrackingStore } from '../../ports/tracking-store.ts'
import { createMemoryRegistry } from './memory-registry.ts'
import { createMemoryTracker } from './memory-tracker.ts'
import { TrackedData } from './tracked-data.ts'

/** A tracking store in memory that keeps the laws of both ports, but ends with its process. */
export interface MemoryTrackingStore extends TrackingStore {
  /**
   * All that it holds as plain data, without ids and in an order of its own: equal for equal content. A
   * parent is named by its tag `vigia.run_key`; artifacts are read as text.
   */
  content(): unknown
}

export interface MemoryTrackingOptions {
  /** Named in errors; default `memory`. */
  readonly location?: string
  /**
   * Items on a page of models or versions; default 100. 1 shows whether whoever looks for something turns
   * pages.
   */
  readonly pageSize?: number
}

/** An empty store, for tests of what records or promotes. */
export const createMemoryTrackingStore = ({
  location = 'memory',
  pageSize = 100,
}: MemoryTrackingOptions = {}): MemoryTrackingStore => {
  const data = new TrackedData(location)
  return {
    tracker: createMemoryTracker(data),
    registry: createMemoryRegistry(data, pageSize),
    content: () => data.content(),
  }
}
