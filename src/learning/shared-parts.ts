import { VigiaError } from '../errors.ts'
import { createWasmMemory, type WasmMemory } from '../foundation/web-assembly.ts'

/**
 * Memory that the threads of a crew share, in named parts. It is WebAssembly memory, so that the innermost
 * loops, which are written for it, work on the very bytes that everything else sees as typed arrays. It can
 * be posted to threads.
 */
export interface SharedParts {
  readonly memory: WasmMemory
  readonly places: Readonly<Record<string, Place>>
}

/** Where a part lies, in bytes. */
export interface Place {
  readonly offset: number
  readonly bytes: number
}

const PAGE_BYTES = 65_536
/** WebAssembly addresses 4 GiB. */
const MOST_PAGES = 65_536
/** Parts begin on lines of the cache: two threads never write to one line for different parts. */
const ALIGNMENT = 64

/**
 * Sets aside zeroed memory for parts of so many bytes each.
 *
 * @throws LEARNING_TABLE_TOO_LARGE when they need more than 4 GiB together
 */
export const createSharedParts = (bytes: Readonly<Record<string, number>>): SharedParts => {
  const places: Record<string, Place> = {}
  let end = 0
  for (const [name, size] of Object.entries(bytes)) {
    places[name] = { offset: end, bytes: size }
    end += Math.ceil(size / ALIGNMENT) * ALIGNMENT
  }
  const pages = Math.max(1, Math.ceil(end / PAGE_BYTES))
  if (pages > MOST_PAGES)
    throw new VigiaError('LEARNING_TABLE_TOO_LARGE', { got: (end / 2 ** 30).toFixed(1) })
  return { memory: createWasmMemory(pages), places }
}

const placeOf = ({ places }: SharedParts, name: string): Place => {
  const place = places[name]
  if (place === undefined) throw new RangeError(`No part is named ${name}.`)
  return place
}

/** The part as doubles. */
export const floatsOf = (parts: SharedParts, name: string): Float64Array => {
  const { offset, bytes } = placeOf(parts, name)
  return new Float64Array(parts.memory.buffer, offset, bytes / 8)
}

/** The part as whole numbers of 32 bits. */
export const integersOf = (parts: SharedParts, name: string): Int32Array => {
  const { offset, bytes } = placeOf(parts, name)
  return new Int32Array(parts.memory.buffer, offset, bytes / 4)
}

/** The part as bytes. */
export const bytesOf = (parts: SharedParts, name: string): Uint8Array => {
  const { offset, bytes } = placeOf(parts, name)
  return new Uint8Array(parts.memory.buffer, offset, bytes)
}

/** The `index`-th of `threads` equal shares of a part: a thread's own. */
export const ownShare = <T extends Float64Array | Int32Array | Uint8Array>(
  all: T,
  index: number,
  threads: number,
): T => {
  const size = all.length / threads
  return all.subarray(index * size, (index + 1) * size) as T
}
