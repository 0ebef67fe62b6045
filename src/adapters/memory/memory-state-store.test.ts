import { stateStoreContract } from '../../../test/contracts/state-store-contract.ts'
import { createMemoryStateStore } from './memory-state-store.ts'

stateStoreContract('the memory store', async () => createMemoryStateStore())
