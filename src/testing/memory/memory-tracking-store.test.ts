import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { experimentTrackerLaws } from '../experiment-tracker-laws.ts'
import { modelRegistryLaws } from '../model-registry-laws.ts'
import { createMemoryTrackingStore } from './memory-tracking-store.ts'

const { tracker } = createMemoryTrackingStore()
holdToLaws('the tracker in memory keeps the laws of an experiment tracker', experimentTrackerLaws, {
  open: async () => tracker,
})

const store = createMemoryTrackingStore({ pageSize: 1 })
holdToLaws('the registry in memory keeps the laws of a model registry', modelRegistryLaws, {
  open: async () => store,
})
