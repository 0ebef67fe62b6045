/**
 * The bytes of a stored state: the sequence number of the last log record in it (inclusive; 8 bytes, a
 * little-endian double), then the state itself. The number is 0 where nothing is replayed into it: for states
 * that come from training, and for shared ones.
 */

/** Bytes of the sequence number. */
const APPLIED_BYTES = 8

/** A state as it is stored, with the last record in it. */
export const withApplied = (state: Uint8Array, applied: number): Uint8Array => {
  const bytes = new Uint8Array(APPLIED_BYTES + state.length)
  new DataView(bytes.buffer).setFloat64(0, applied, true)
  bytes.set(state, APPLIED_BYTES)
  return bytes
}

/** Sequence number of the last log record in a stored state, inclusive. */
export const appliedOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0, true)

/** The state in what `withApplied` made; it shares its memory. */
export const stateOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(APPLIED_BYTES)
