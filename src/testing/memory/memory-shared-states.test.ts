import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { sharedStateStoreLaws } from '../shared-state-store-laws.ts'
import { stateStoreLaws } from '../state-store-laws.ts'
import { createMemorySharedStates } from './memory-shared-states.ts'

holdToLaws('shared states in memory keep the laws of a state store', stateStoreLaws, {
  open: () => createMemorySharedStates()({ consumer: 'only' }),
  reopen: 'memory ends with its process',
})
holdToLaws('shared states in memory keep the laws of a shared state store', sharedStateStoreLaws, {
  create: async () => createMemorySharedStates(),
})
