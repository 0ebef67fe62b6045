import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const ENDING = '.log'
const DIGITS = 12

/** Where the segments of the log in `folder` lie. */
export const segmentsFolder = (folder: string): string => join(folder, 'segments')

export const segmentPath = (folder: string, segment: string): string => join(segmentsFolder(folder), segment)

/** Name of the segment that begins with `sequence`. */
export const segmentName = (sequence: number): string => `${String(sequence).padStart(DIGITS, '0')}${ENDING}`

/** No record of the segment has a lower sequence number, and none of an earlier segment has this one. */
export const firstOf = (segment: string): number => Number(segment.slice(0, -ENDING.length))

/** Oldest first; none where there is no such folder. */
export const segmentsIn = (folder: string): string[] => {
  let names: string[]
  try {
    names = readdirSync(segmentsFolder(folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names.filter((name) => /^\d{12,16}\.log$/.test(name)).sort((a, b) => firstOf(a) - firstOf(b))
}
