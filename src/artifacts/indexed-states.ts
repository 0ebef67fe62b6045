import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ENTRY_HEADER_BYTES, type SnapshotEntry } from './state-snapshot.ts'

/**
 * The states of one kind in a file that `writeEntries` wrote, each found by its token. Where they lie is in
 * memory, 16 bytes a state; they are read when they are asked for. The file may lose its name meanwhile.
 */
export interface IndexedStates {
  /** Undefined for an entity that has none. */
  get(token: number): Uint8Array | undefined
  /** All of them, ascending by token. */
  entries(): Generator<SnapshotEntry>
  close(): void
}

/** No states at all. */
export const NO_STATES: IndexedStates = {
  get: () => undefined,
  *entries() {},
  close: () => undefined,
}

export const openIndexedStates = (path: string): IndexedStates => {
  const file = openSync(path, 'r')
  try {
    const { tokens, ends } = readPlaces(file)
    /** The state at a place of the index. */
    const stateAt = (place: number): Uint8Array => {
      const from = (place === 0 ? 0 : ends[place - 1]!) + ENTRY_HEADER_BYTES
      const bytes = new Uint8Array(ends[place]! - from)
      readAt(file, bytes, from)
      return bytes
    }
    return {
      get: (token) => {
        const place = placeOf(tokens, token)
        return place === undefined ? undefined : stateAt(place)
      },
      *entries() {
        for (let place = 0; place < tokens.length; place++)
          yield { token: tokens[place]!, bytes: stateAt(place) }
      },
      close: () => closeSync(file),
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Token of each state, and where it ends in the file. */
const readPlaces = (file: number): { readonly tokens: Float64Array; readonly ends: Float64Array } => {
  const { size } = fstatSync(file)
  const head = new Uint8Array(ENTRY_HEADER_BYTES)
  const view = new DataView(head.buffer)
  let [tokens, ends] = [new Float64Array(1024), new Float64Array(1024)]
  let count = 0
  for (let at = 0; at < size; count++) {
    readAt(file, head, at)
    at += ENTRY_HEADER_BYTES + view.getFloat64(8, true)
    if (count === tokens.length) {
      tokens = grown(tokens)
      ends = grown(ends)
    }
    tokens[count] = view.getFloat64(0, true)
    ends[count] = at
  }
  return { tokens: tokens.subarray(0, count), ends: ends.subarray(0, count) }
}

const grown = (words: Float64Array): Float64Array<ArrayBuffer> => {
  const more = new Float64Array(2 * words.length)
  more.set(words)
  return more
}

const readAt = (file: number, bytes: Uint8Array, from: number): void => {
  for (let read = 0; read < bytes.length; ) {
    const got = readSync(file, bytes, read, bytes.length - read, from + read)
    if (got === 0) throw new RangeError(`the file of states ends before byte ${from + bytes.length}`)
    read += got
  }
}

const placeOf = (tokens: Float64Array, token: number): number | undefined => {
  let [from, to] = [0, tokens.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (tokens[middle]! < token) from = middle + 1
    else to = middle
  }
  return tokens[from] === token ? from : undefined
}
