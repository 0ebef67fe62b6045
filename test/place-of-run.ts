import { accessSync, constants, statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'

/** Of Linux: files in memory. */
const IN_MEMORY = '/dev/shm'
/** What a run of tests has at a time is far less, bytes. */
const ENOUGH = 6 * 2 ** 30

/**
 * Where a run of these projects has its temporary folder: in memory where there is room, otherwise, or when
 * `TMPDIR` says so, where the system has it.
 *
 * Most of what tests wait for is a disk that confirms a write, and none of them needs it to: a process that
 * is killed leaves its files alike in both, and what a power failure takes is simulated. `long` is on the
 * disk, since it says how fast something is.
 */
export const placeOfRun = (projects: readonly string[]): string =>
  process.env['TMPDIR'] === undefined && projects.length > 0 && !projects.includes('long') && hasRoom()
    ? IN_MEMORY
    : tmpdir()

const hasRoom = (): boolean => {
  try {
    accessSync(IN_MEMORY, constants.W_OK)
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return Math.min(bavail * bsize, freemem()) >= ENOUGH
  } catch {
    return false
  }
}
