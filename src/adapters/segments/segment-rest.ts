import { type FileHandle, open } from 'node:fs/promises'
import type { LogRest } from '../../ports/prediction-log.ts'
import { damageOf, readFrame } from './record-frame.ts'
import { segmentPath } from './segment-names.ts'

/** Bytes read at a time. */
const BLOCK_BYTES = 1 << 20

/** `LogReader.readRest`. Another process may be writing: what becomes a record meanwhile is one. */
export const readRest = async (folder: string, segment: string): Promise<LogRest | undefined> => {
  let file: FileHandle
  try {
    file = await open(segmentPath(folder, segment), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    let offset = 0
    let needed = BLOCK_BYTES
    for (;;) {
      const bytes = Buffer.allocUnsafe(needed)
      const { bytesRead } = await file.read(bytes, 0, needed, offset)
      const read = bytes.subarray(0, bytesRead)
      let at = 0
      let frame = readFrame(read, at)
      for (; frame.kind === 'whole'; frame = readFrame(read, at)) at = frame.end
      offset += at
      const isAll = bytesRead < needed
      if (isAll && at === bytesRead) return undefined
      if (isAll && at === 0) return { offset, bytes: bytesRead, damage: damageOf(read) }
      if (at > 0) needed = BLOCK_BYTES
      // The whole rest is looked at, in one piece.
      else needed = Math.max(needed, (await file.stat()).size - offset) + 1
    }
  } finally {
    await file.close()
  }
}
