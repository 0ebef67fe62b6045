import { ENOUGH_MEMORY, type ProcessMemory } from '../../decisions/owned/cache-size.ts'

/** What this process may use, and what of it is left at the moment. */
export interface MemoryLeft extends ProcessMemory {
  /** Bytes that the machine, or the container, has left. */
  readonly leftBytes: number
}

/** Bytes of states in memory while they are made: the fewest, the most, and what the process takes beside. */
const LEAST_CACHE = 256 << 20
const MOST_CACHE = 2 ** 32
const BESIDE_CACHE = 512 << 20

/**
 * What states are made with beside a server: half of what the machine or the container has left once the
 * server has filled its own memory. A bank's busy states change all the time: those that do not fit are
 * written again and again, some tens of kilobytes a record.
 *
 * The size of the cache is decided here, so that of the machine bounds nothing else; JavaScript's own memory
 * does.
 *
 * @param unfilledBytes what the server may still take for its states; 0 where none runs, or none says it
 */
export const buildMemory = (
  { leftBytes, heapBytes }: MemoryLeft,
  unfilledBytes: number,
): { readonly cacheBytes: number; readonly memory: ProcessMemory } => {
  const cacheBytes = (leftBytes - unfilledBytes) / 2 - BESIDE_CACHE
  return {
    cacheBytes: Math.max(LEAST_CACHE, Math.min(MOST_CACHE, cacheBytes)),
    memory: { ...ENOUGH_MEMORY, heapBytes },
  }
}
