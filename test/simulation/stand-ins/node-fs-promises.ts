import type { Disk } from '../disk.ts'
import { failure } from '../disk.ts'
import { theSite } from '../site.ts'
import { opened, remove } from './node-fs.ts'

/* The part of `node:fs/promises` that locks and the log use, over the disk of the simulation. */

const disk = (): Disk => theSite().disk

export const open = async (path: string, flags: string) => {
  const inode = await disk().later('open', flags === 'w', () => opened(path, flags))
  return {
    read: (into: Uint8Array, offset: number, length: number, from: number) =>
      disk().later('read', false, () => {
        const found = inode.bytes.subarray(from, from + length)
        into.set(found, offset)
        return { bytesRead: found.length, buffer: into }
      }),
    write: (text: string, at: number) =>
      disk().later('write', true, () => inode.write(at, Buffer.from(text))),
    writeFile: (text: string) => disk().later('write', true, () => inode.write(0, Buffer.from(text))),
    sync: () => disk().later('fsync', true, () => inode.sync()),
    stat: () => disk().later('read', false, () => ({ size: inode.bytes.length })),
    close: async (): Promise<void> => undefined,
  }
}

export const readFile = (path: string, _encoding: string): Promise<string> =>
  disk().later('read', false, () => disk().fileAt(path, 'open').bytes.toString('utf8'))

export const readdir = (path: string): Promise<string[]> =>
  disk().later('read', false, () => {
    if (disk().names.get(path) !== 'folder') throw failure('ENOENT', 'scandir', path)
    return disk().namesIn(path)
  })

export const rm = (path: string, options: { force?: boolean; recursive?: boolean } = {}): Promise<void> =>
  disk().later('rm', false, () => remove(path, options))

export const stat = (path: string): Promise<{ size: number }> =>
  disk().later('stat', false, () => ({ size: disk().fileAt(path, 'stat').bytes.length }))

/* Of shadows of another layout, which are not simulated. */
export const mkdir = async (path: string): Promise<never> => {
  throw failure('ENOSYS', 'mkdir', path)
}
export const appendFile = async (path: string): Promise<never> => {
  throw failure('ENOSYS', 'append', path)
}
