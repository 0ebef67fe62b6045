import type { DecisionReceipt } from '../decided.ts'
import { decodeReceipt, type LabelReceipt } from '../decision-receipt.ts'

/*
 * A receipt as a shared store keeps it: the sequence number that the store gave to its record (8 bytes, a
 * little-endian double), then the receipt.
 */

const SEQUENCE_BYTES = 8

/** A receipt that the store gave back, and the number of its record. */
export interface SequencedReceipt<T extends DecisionReceipt | LabelReceipt> {
  readonly receipt: T
  readonly sequence: number
}

export const decodeSequenced = <T extends DecisionReceipt | LabelReceipt>(
  bytes: Uint8Array,
): SequencedReceipt<T> => ({
  receipt: decodeReceipt<T>(bytes.subarray(SEQUENCE_BYTES)),
  sequence: new DataView(bytes.buffer, bytes.byteOffset, SEQUENCE_BYTES).getFloat64(0, true),
})

export const encodeSequenced = (receipt: Uint8Array, sequence: number): Uint8Array => {
  const bytes = new Uint8Array(SEQUENCE_BYTES + receipt.length)
  new DataView(bytes.buffer).setFloat64(0, sequence, true)
  bytes.set(receipt, SEQUENCE_BYTES)
  return bytes
}
