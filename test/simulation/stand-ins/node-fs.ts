import { promisify } from 'node:util'
import { type Disk, failure, Inode } from '../disk.ts'
import { theSite } from '../site.ts'

/* The part of `node:fs` that locks and the log use, over the disk of the simulation. */

const disk = (): Disk => theSite().disk

export const existsSync = (path: string): boolean => {
  disk().enter('access')
  return disk().names.has(path)
}

export const mkdirSync = (path: string, options: { recursive?: boolean } = {}): string | undefined => {
  disk().enter('mkdir', true)
  if (disk().names.has(path)) {
    if (options.recursive) return undefined
    throw failure('EEXIST', 'mkdir', path)
  }
  let first: string | undefined
  let at = ''
  for (const part of path.split('/').slice(1)) {
    at += `/${part}`
    if (disk().names.has(at)) continue
    first ??= at
    disk().change([at, 'folder'])
  }
  return first
}

export const readdirSync = (path: string): string[] => {
  disk().enter('scandir')
  if (disk().names.get(path) !== 'folder') throw failure('ENOENT', 'scandir', path)
  return disk().namesIn(path)
}

export const statSync = (path: string): { size: number; mtimeMs: number } | undefined => {
  disk().enter('stat')
  const entry = disk().names.get(path)
  return entry === undefined ? undefined : { size: entry === 'folder' ? 0 : entry.bytes.length, mtimeMs: 0 }
}

export const openSync = (path: string, flags: string): number => {
  disk().enter('open', flags !== 'r' && flags !== 'r+')
  return disk().handleOf(opened(path, flags))
}

/** For `r`, `r+`, `w` and `wx`. Folders can be opened too. */
export const opened = (path: string, flags: string): Inode => {
  const entry = disk().names.get(path)
  if (entry === 'folder') return FOLDER
  if (flags === 'wx' && entry !== undefined) throw failure('EEXIST', 'open', path)
  if (flags.startsWith('r')) return disk().fileAt(path, 'open')
  if (entry !== undefined) {
    entry.truncate(0)
    return entry
  }
  const inode = new Inode()
  disk().change([path, inode])
  return inode
}

/** What stands for every open folder. */
const FOLDER = new Inode()

export const closeSync = (file: number): void => disk().closeHandle(file)
export const close = (file: number, done: () => void = () => undefined): void => {
  disk()
    .later('close', false, () => disk().closeHandle(file))
    .then(done, done)
}

export const writeSync = (
  file: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  at: number,
): number => {
  const inode = disk().inodeOf(file, 'write')
  const write = (share: number): void => inode.write(at, bytes.subarray(from, from + share))
  try {
    disk().enter('write', true)
  } catch (error) {
    // Interrupted in the middle of it; nothing reaches the disk after its power has failed.
    if (disk().isOpen(file)) write(Math.floor(theSite().draw() * length))
    throw error
  }
  write(length)
  return length
}

type Written = (error: Error | null, bytesWritten?: number) => void

export const write = (
  file: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  at: number,
  done: Written,
): void => {
  writeLater(file, bytes, from, length, at).then(({ bytesWritten }) => done(null, bytesWritten), done)
}

const writeLater = (file: number, bytes: Uint8Array, from: number, length: number, at: number) => {
  const inode = disk().inodeOf(file, 'write')
  const copy = bytes.slice(from, from + length)
  const put = (share: number): void => inode.write(at, copy.subarray(0, share))
  return disk().later(
    'write',
    true,
    () => {
      // A file system may write less than it is asked to.
      const share = theSite().draw() < 0.1 ? Math.ceil(theSite().draw() * length) : length
      put(share)
      return { bytesWritten: share, buffer: bytes }
    },
    () => put(Math.floor(theSite().draw() * length)),
  )
}
Object.defineProperty(write, promisify.custom, { value: writeLater })

const syncInode = (inode: Inode): void => {
  if (inode === FOLDER) disk().syncNames()
  else inode.sync()
}

export const fdatasync = (file: number, done: (error: Error | null) => void): void => {
  const inode = disk().inodeOf(file, 'fdatasync')
  disk()
    .later('fdatasync', true, () => syncInode(inode))
    .then(() => done(null), done)
}

export const fdatasyncSync = (file: number): void => {
  disk().enter('fdatasync', true)
  syncInode(disk().inodeOf(file, 'fdatasync'))
}
export const fsyncSync = fdatasyncSync

export const fstatSync = (file: number): { size: number } => {
  disk().enter('fstat')
  return { size: disk().inodeOf(file, 'fstat').bytes.length }
}

export const ftruncateSync = (file: number, size: number): void => {
  disk().enter('ftruncate', true)
  disk().inodeOf(file, 'ftruncate').truncate(size)
}

export const readSync = (
  file: number,
  into: Uint8Array,
  offset: number,
  length: number,
  from: number,
): number => {
  disk().enter('read')
  const found = disk()
    .inodeOf(file, 'read')
    .bytes.subarray(from, from + length)
  into.set(found, offset)
  return found.length
}

export const readFileSync = (path: string, _encoding: string): string => {
  disk().enter('read')
  return disk().fileAt(path, 'open').bytes.toString('utf8')
}

interface WriteFile {
  readonly flag?: string
  readonly flush?: boolean
}

export const writeFileSync = (
  path: string,
  data: string | Uint8Array,
  { flag = 'w', flush }: WriteFile = {},
): void => {
  disk().enter('write', true)
  const inode = opened(path, flag)
  inode.truncate(0)
  inode.write(0, typeof data === 'string' ? Buffer.from(data) : data)
  if (flush) inode.sync()
}

export const copyFileSync = (from: string, to: string): void => {
  disk().enter('copyfile', true)
  const inode = opened(to, 'w')
  inode.write(0, disk().fileAt(from, 'copyfile').bytes)
}

export const linkSync = (from: string, to: string): void => {
  disk().enter('link', true)
  if (disk().names.has(to)) throw failure('EEXIST', 'link', to)
  disk().change([to, disk().fileAt(from, 'link')])
}

export const renameSync = (from: string, to: string): void => {
  disk().enter('rename', true)
  rename(from, to)
}

const rename = (from: string, to: string): void => {
  const entry = disk().names.get(from)
  if (entry === undefined) throw failure('ENOENT', 'rename', from)
  if (!disk().names.has(to.slice(0, to.lastIndexOf('/')))) throw failure('ENOENT', 'rename', to)
  const below = [...disk().names].filter(([path]) => path.startsWith(`${from}/`))
  disk().change(
    [from, undefined],
    [to, entry],
    ...below.flatMap(([path, one]): [string, typeof one | undefined][] => [
      [path, undefined],
      [to + path.slice(from.length), one],
    ]),
  )
}

export const rmSync = (path: string, options: { force?: boolean; recursive?: boolean } = {}): void => {
  disk().enter('rm')
  remove(path, options)
}

export const remove = (
  path: string,
  { force, recursive }: { force?: boolean; recursive?: boolean },
): void => {
  const { names } = disk()
  if (!names.has(path)) {
    if (force) return
    throw failure('ENOENT', 'rm', path)
  }
  const below = recursive ? [...names.keys()].filter((one) => one.startsWith(`${path}/`)) : []
  disk().change(...[path, ...below].map((one): [string, undefined] => [one, undefined]))
}
