import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A file system of its own, as large as a soak needs, that can be filled. */
export interface SoakDisk {
  fill(): void
  free(): void
  remove(): void
}

/**
 * Mounts a disk of `bytes` at `folder`: a file of the disk below with a file system of its own.
 *
 * @returns undefined where none can be mounted: that needs root on Linux
 */
export const mountSoakDisk = (folder: string, bytes: number): SoakDisk | undefined => {
  mkdirSync(folder, { recursive: true })
  const image = join(dirname(folder), 'disk.ext4')
  const isMounted =
    run('truncate', '-s', String(bytes), image) &&
    run('mkfs.ext4', '-q', '-F', '-m', '0', image) &&
    run('mount', '-o', 'loop', image, folder)
  if (!isMounted) {
    rmSync(image, { force: true })
    return undefined
  }
  const filler = join(folder, 'filler')
  return {
    fill: () => {
      const { bavail, bsize } = statfsSync(folder)
      run('fallocate', '-l', String(bavail * bsize), filler)
      // What the first one's own bookkeeping has left.
      run('dd', 'if=/dev/zero', `of=${filler}.rest`, 'bs=4096')
    },
    free: () => {
      rmSync(filler, { force: true })
      rmSync(`${filler}.rest`, { force: true })
    },
    remove: () => {
      run('umount', '-l', folder)
      rmSync(image, { force: true })
    },
  }
}

const run = (program: string, ...words: readonly string[]): boolean =>
  spawnSync(program, words, { stdio: 'ignore' }).status === 0
