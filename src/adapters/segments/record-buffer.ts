import type { Durability } from '../../ports/prediction-log.ts'
import { FRAME_HEAD, writeFrame } from './record-frame.ts'

const FIRST_BYTES = 1 << 16
/** A buffer that had to grow beyond it is not kept. */
const MOST_BYTES = 4 << 20

/**
 * The frames of records that wait for the next write.
 *
 * It owns the bytes until they are written. It does not own who waits for them, nor where they go.
 */
export class RecordBuffer {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES)
  private used = 0
  /** With durability `power` another buffer, for what comes while one is on its way to the disk. */
  private spare: Buffer<ArrayBuffer> | undefined

  constructor(durability: Durability) {
    if (durability === 'power') this.spare = Buffer.allocUnsafe(FIRST_BYTES)
  }

  /** Adds a record. @returns where its frame begins, in bytes from the beginning of what waits */
  add(sequence: number, payload: Uint8Array): number {
    const from = this.used
    this.used += FRAME_HEAD + payload.length
    if (this.used > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.used))
      larger.set(this.buffer.subarray(0, from))
      this.buffer = larger
    }
    writeFrame(this.buffer, from, sequence, payload)
    return from
  }

  /**
   * All that waits. With durability `process` it is overwritten by the next record, with `power` by the next
   * but one `take`.
   */
  take(): Buffer {
    const bytes = this.buffer.subarray(0, this.used)
    this.used = 0
    if (this.spare !== undefined) {
      const full = this.buffer
      this.buffer = this.spare
      this.spare = full
    }
    if (this.buffer.length > MOST_BYTES) this.buffer = Buffer.allocUnsafe(FIRST_BYTES)
    return bytes
  }

  /** Forgets what waits. */
  clear(): void {
    this.used = 0
  }
}
