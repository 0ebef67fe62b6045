import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file system of its own that can be filled. */
export interface SmallDisk {
  /** Takes all its room but so many blocks (default: 0). */
  fill(blocksLeft?: number): void
  /** Gives back what `fill` took. */
  free(): void
  unmount(): void
}

/**
 * Mounts a disk of `kilobytes` at `folder`, which is made.
 *
 * @returns undefined where none can be mounted: that needs root on Linux
 */
export const mountSmallDisk = (folder: string, kilobytes: number): SmallDisk | undefined => {
  mkdirSync(folder, { recursive: true })
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder])
  const { blocks, bsize } = statfsSync(folder)
  if (status !== 0 || blocks * bsize > kilobytes * 1024) return undefined
  const filler = join(folder, 'filler')
  return {
    fill: (blocksLeft = 0) => {
      const { bavail } = statfsSync(folder)
      writeFileSync(filler, new Uint8Array(Math.max(0, bavail - blocksLeft) * bsize))
    },
    free: () => rmSync(filler),
    unmount: () => void spawnSync('umount', [folder]),
  }
}
