import { crc32 } from 'node:zlib'

/*
 * A frame: magic (uint32), length of the payload (uint32), CRC-32 of what follows (uint32), zero (uint32),
 * sequence number (double), the payload; all little-endian.
 */
export const FRAME_HEAD = 24
const MAGIC = 0x474f4c56
const LENGTH_AT = 4
const CRC_AT = 8
const SEQUENCE_AT = 16
/** No payload is larger; a length beyond it is damage. */
export const MAX_PAYLOAD = 64 << 20

/** Writes the frame of a record to `target[at...]`, which has room for it. */
export const writeFrame = (target: Buffer, at: number, sequence: number, payload: Uint8Array): void => {
  target.writeUInt32LE(MAGIC, at)
  target.writeUInt32LE(payload.length, at + LENGTH_AT)
  target.writeUInt32LE(0, at + CRC_AT + 4)
  target.writeDoubleLE(sequence, at + SEQUENCE_AT)
  target.set(payload, at + FRAME_HEAD)
  const covered = target.subarray(at + SEQUENCE_AT, at + FRAME_HEAD + payload.length)
  target.writeUInt32LE(crc32(covered), at + CRC_AT)
}

/** A whole frame, or why there is none: `short`: more bytes are needed; `damaged`. */
export type ReadFrame =
  | { readonly kind: 'whole'; readonly sequence: number; readonly from: number; readonly end: number }
  | { readonly kind: 'short'; readonly needed: number }
  | { readonly kind: 'damaged'; readonly reason: string }

/** Reads the frame at `bytes[at...]`. The payload is `bytes[from, end)`. */
export const readFrame = (bytes: Buffer, at: number): ReadFrame => {
  if (bytes.length - at < FRAME_HEAD) return { kind: 'short', needed: FRAME_HEAD }
  if (bytes.readUInt32LE(at) !== MAGIC) return { kind: 'damaged', reason: 'no record begins here' }
  const length = bytes.readUInt32LE(at + LENGTH_AT)
  if (length > MAX_PAYLOAD) return { kind: 'damaged', reason: `a record of ${length} bytes` }
  const end = at + FRAME_HEAD + length
  if (end > bytes.length) return { kind: 'short', needed: FRAME_HEAD + length }
  if (crc32(bytes.subarray(at + SEQUENCE_AT, end)) !== bytes.readUInt32LE(at + CRC_AT))
    return { kind: 'damaged', reason: 'its check sum is another' }
  return { kind: 'whole', sequence: bytes.readDoubleLE(at + SEQUENCE_AT), from: at + FRAME_HEAD, end }
}

/**
 * What stands from `at` on, where no whole frame begins.
 *
 * `nothing`: half a frame, or what a file system has filled up: the writer was interrupted there. `hole`:
 * whole frames come later, and before them a page of zeros that was never written, or zeros up to the end of
 * the page in which `at` lies: a power failure, as pages reach a disk in any order. `frames`: whole frames
 * come later, so what stands before them has been whole and is damaged.
 */
export const whatFollows = (bytes: Buffer, at: number): 'nothing' | 'hole' | 'frames' => {
  const next = frameAfter(bytes, at)
  if (next === undefined) return 'nothing'
  for (let from = at; from < next; ) {
    const page = from - (from % PAGE_BYTES) + PAGE_BYTES
    if (page <= next && bytes.subarray(from, page).equals(ZEROS.subarray(0, page - from))) return 'hole'
    from = page
  }
  return 'frames'
}

/**
 * Why `rest`, which begins with no whole frame and goes to the end of its segment, has been a record.
 *
 * @returns undefined for what a writer is at, or was interrupted at: the beginning of a frame, or zeros that
 * a file system has filled up
 */
export const damageOf = (rest: Buffer): string | undefined => {
  const following = whatFollows(rest, 0)
  if (following !== 'nothing') return 'records come after what cannot be read'
  if (rest.every((byte) => byte === 0)) return undefined
  const magic = Buffer.alloc(LENGTH_AT)
  magic.writeUInt32LE(MAGIC)
  const begun = Math.min(LENGTH_AT, rest.length)
  if (!rest.subarray(0, begun).equals(magic.subarray(0, begun))) return 'no record begins here'
  const frame = readFrame(rest, 0)
  if (frame.kind === 'damaged') return frame.reason
  // A record that is there in full, and says that it is longer.
  const isFull = rest.length > FRAME_HEAD && crc32(rest.subarray(SEQUENCE_AT)) === rest.readUInt32LE(CRC_AT)
  return isFull ? 'its length is another' : undefined
}

/** Disks and file systems lose whole pages, or multiples of them. */
export const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(PAGE_BYTES)

/** Where a whole frame begins after `at`. */
const frameAfter = (bytes: Buffer, at: number): number | undefined => {
  const magic = Buffer.alloc(LENGTH_AT)
  magic.writeUInt32LE(MAGIC)
  for (let next = bytes.indexOf(magic, at + 1); next >= 0; next = bytes.indexOf(magic, next + 1))
    if (readFrame(bytes, next).kind === 'whole') return next
  return undefined
}
