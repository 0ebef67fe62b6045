import { mkdirSync, statSync, truncateSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { findEnd } from './segment-end.ts'
import { segmentPath, segmentsFolder, segmentsIn } from './segment-names.ts'

/**
 * Copies the segments of the log in `folder`, which a server may be writing, to that of `to`: those that are
 * not there yet, or have grown. A segment that has been removed meanwhile stays as it was copied.
 *
 * @param isLast whether this is the last look: then half a record at the end is cut off; otherwise the
 * segment that is being written to is left for later, unless it is the only one
 */
export const copySegments = async (folder: string, to: string, isLast: boolean): Promise<void> => {
  mkdirSync(segmentsFolder(to), { recursive: true })
  const names = segmentsIn(folder)
  for (const [i, name] of names.entries()) {
    const isGrowing = i === names.length - 1
    if (isGrowing && !isLast && i > 0) continue
    const size = sizeOf(folder, name)
    if (size === undefined || size === sizeOf(to, name)) continue
    try {
      await copyFile(segmentPath(folder, name), segmentPath(to, name))
    } catch (error) {
      // Archived and removed at this moment.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  const last = segmentsIn(to).at(-1)
  if (!isLast || last === undefined) return
  const { bytes } = findEnd(to, last)
  truncateSync(segmentPath(to, last), bytes)
}

const sizeOf = (folder: string, name: string): number | undefined =>
  statSync(segmentPath(folder, name), { throwIfNoEntry: false })?.size
