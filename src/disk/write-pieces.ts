import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** What a file was written with. */
export interface WrittenFile {
  readonly bytes: number
  readonly sha256: string
}

export interface WritePiecesOptions {
  /** Asked before each piece: true ends it, and the file is not whole. */
  readonly isOver?: () => boolean
  /** After each write, in milliseconds, for others who work meanwhile. Default: none. */
  readonly pauseMs?: number
}

/** Bytes of one write, less than a millisecond of work. */
const WRITE_BYTES = 64 << 10

/** Writes pieces to a new file, a bounded number of bytes at a time; on the disk when it resolves. */
export const writePieces = async (
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { isOver = () => false, pauseMs = 0 }: WritePiecesOptions = {},
): Promise<WrittenFile> => {
  const file = await open(path, 'wx')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(WRITE_BYTES)
    let used = 0
    let bytes = 0
    const write = async (part: Uint8Array): Promise<void> => {
      hash.update(part)
      bytes += part.length
      await writeWhole(file, part)
      if (pauseMs > 0) await pause(pauseMs)
    }
    const flush = async (): Promise<void> => {
      if (used > 0) await write(buffer.subarray(0, used))
      used = 0
    }
    for await (const piece of pieces) {
      if (isOver()) break
      if (used + piece.length > WRITE_BYTES) await flush()
      if (piece.length > WRITE_BYTES) await write(piece)
      else {
        buffer.set(piece, used)
        used += piece.length
      }
    }
    await flush()
    await file.sync()
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

const writeWhole = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let from = 0; from < bytes.length; ) from += (await file.write(bytes, from)).bytesWritten
}
