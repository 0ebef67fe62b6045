import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { stateStoreLaws } from '../../testing/state-store-laws.ts'
import { createMemoryStateStore } from './memory-state-store.ts'

holdToLaws('the memory store keeps the laws of a state store', stateStoreLaws, {
  open: async () => createMemoryStateStore(),
  reopen: 'memory ends with its process',
})
