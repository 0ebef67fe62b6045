import { VigiaError } from '../../errors.ts'

/** What this process may use. */
export interface ProcessMemory {
  /** Bytes that the machine has, or the container that it runs in. */
  readonly totalBytes: number
  /** Which of them it is. */
  readonly of: 'the machine' | 'the container'
  /** Most bytes of JavaScript's own memory, as `--max-old-space-size` or V8 itself says. */
  readonly heapBytes: number
}

const MEBIBYTE = 1 << 20
/** Of a process that nobody asked. */
export const ENOUGH_MEMORY: ProcessMemory = {
  totalBytes: Number.POSITIVE_INFINITY,
  of: 'the machine',
  heapBytes: Number.POSITIVE_INFINITY,
}
/** What a server takes beside its states, in MiB: measured, docs/serving.md#memory. */
export const BESIDE_CACHE_MIB = 256
/** Where there is enough memory, in MiB. */
export const DEFAULT_CACHE_MIB = 512
/** Below it states are read again all the time, in MiB. */
const LEAST_MIB = 16
/** As the setting's schema says, in MiB. */
const MOST_MIB = 1_048_576
/** Part of what is left beside the server that states take by themselves: the disk's cache wants some too. */
const DEFAULT_SHARE = 0.5

/**
 * `state_store.cache_size` in MiB, where 0 is the default: 512, or half of what is left where that is less.
 *
 * @throws SERVING_CACHE_TOO_LARGE when a size that was asked for does not fit; SERVING_CACHE_TOO_SMALL below
 * 16 MiB
 */
export const cacheSizeIn = (
  { kind, cache_size: asked }: { readonly kind: string; readonly cache_size: number },
  { totalBytes, of }: ProcessMemory,
): number => {
  // Redis has its states itself, and what forgets has all of them in memory anyway.
  if (kind !== 'lmdb') return asked || DEFAULT_CACHE_MIB
  const total = Math.floor(totalBytes / MEBIBYTE)
  const left = total - BESIDE_CACHE_MIB
  if (asked === 0) return Math.max(LEAST_MIB, Math.min(DEFAULT_CACHE_MIB, Math.floor(left * DEFAULT_SHARE)))
  const allowed = left > LEAST_MIB ? `${LEAST_MIB} to ${Math.min(left, MOST_MIB)}` : `${LEAST_MIB}`
  if (asked < LEAST_MIB) throw new VigiaError('SERVING_CACHE_TOO_SMALL', { got: asked, allowed })
  if (asked <= Math.max(left, LEAST_MIB)) return asked
  throw new VigiaError('SERVING_CACHE_TOO_LARGE', {
    got: asked,
    beside: BESIDE_CACHE_MIB,
    total,
    of,
    allowed,
  })
}

/**
 * Memory that states of another layout get beside `state_store.cache_size` while they follow, in MiB: as much
 * again, or half of what is left then where that is less. Their busy states change with every record, as
 * those do that decide; what does not fit is read and written again each time, and cannot keep up.
 *
 * 0 where a size was asked for: it holds for all states together.
 */
export const followingSizeIn = (
  { kind, cache_size: asked }: { readonly kind: string; readonly cache_size: number },
  memory: ProcessMemory,
): number => {
  if (kind !== 'lmdb' || asked !== 0) return 0
  const cache = cacheSizeIn({ kind, cache_size: asked }, memory)
  const left = Math.floor(memory.totalBytes / MEBIBYTE) - BESIDE_CACHE_MIB - cache
  return Math.max(0, Math.min(cache, Math.floor(left * DEFAULT_SHARE)))
}

/** What JavaScript's memory has beside states: code, model, requests and a nursery. */
const HEAP_BESIDE_BYTES = 80 * MEBIBYTE
/** Part of it that is planned with: V8 ends the process at its limit. */
const HEAP_SHARE = 0.8
/** Objects of a state (480 bytes), of what waits with it for being saved, and the garbage beside them. */
const HEAP_BYTES_PER_STATE = 800
const FEWEST_STATES = 5000

/** How many states JavaScript's memory has room for: their objects lie in it, their numbers outside. */
export const mostStatesIn = ({ heapBytes }: Pick<ProcessMemory, 'heapBytes'>): number =>
  Math.max(FEWEST_STATES, Math.floor((heapBytes * HEAP_SHARE - HEAP_BESIDE_BYTES) / HEAP_BYTES_PER_STATE))
