import { createMemorySharedStates } from '../testing/memory/memory-shared-states.ts'

/**
 * States in memory that the processes of a test share. A process that ends waits for its last look for
 * entries: with the second that servers wait for one, that would be most of what these tests take.
 */
export const shareStates = () => createMemorySharedStates({ longestWaitMs: 20 })
