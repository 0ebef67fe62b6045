import { randomUUID } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { VigiaError } from '../../errors.ts'

/**
 * What is being written lies in MLflow's bin for deleted experiments, where nobody who lists runs or models
 * looks.
 */
const BIN = '.trash'
const WRITING = 'writing-'
/** Leftovers of a crash; nothing takes as long to write. */
const LEFTOVER_MS = 3_600_000

/** Files and folders that appear in one step, whole: a process that is killed leaves them written or not. */
export interface StoreFolder {
  /** Absolute. */
  readonly root: string
  readonly bin: string
  /** The text of a file; undefined where there is none. */
  read(path: string): string | undefined
  /** Replaces a file, or makes it. */
  write(path: string, text: string): void
  /** Makes a file that is not there yet. @returns whether it did */
  writeOnce(path: string, text: string): boolean
  /**
   * Makes a folder that is not there yet, with all its files, by their paths in it. @returns whether it did
   */
  makeFolder(path: string, files: Readonly<Record<string, string>>, folders: readonly string[]): boolean
  /** Names in a folder, in the order of code units; none where there is no folder. */
  list(path: string, kind: 'file' | 'folder'): string[]
  /** A path that nobody else has, on the same file system. */
  temporary(): string
}

/** Opens the folder of a store; makes it when something is written first. `now`: epoch milliseconds. */
export const openStoreFolder = (root: string, now: () => number): StoreFolder => {
  const bin = join(root, BIN)
  let isReady = false
  const makeReady = (): void => {
    if (isReady) return
    mkdirSync(bin, { recursive: true })
    removeLeftovers(bin, now())
    isReady = true
  }
  const temporary = (): string => {
    makeReady()
    return join(bin, `${WRITING}${randomUUID()}`)
  }
  const written = (path: string, text: string): string => {
    const made = temporary()
    writeFileSync(made, text)
    mkdirInStore(dirname(path))
    return made
  }
  return {
    root,
    bin,
    temporary,
    read: (path) => orNothing(() => readFileSync(path, 'utf8')),
    write: (path, text) => {
      const made = written(path, text)
      try {
        renameSync(made, path)
      } catch (error) {
        rmSync(made, { force: true })
        throw occupied(error, path)
      }
    },
    writeOnce: (path, text) => {
      const made = written(path, text)
      try {
        linkSync(made, path)
        return true
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
        // What was in the way may be gone by now: locks are removed by whoever takes the next.
        if (orNothing(() => statSync(path))?.isDirectory() === true) throw occupied({ code: 'EISDIR' }, path)
        return false
      } finally {
        unlinkSync(made)
      }
    },
    makeFolder: (path, files, folders) => {
      // One deeper: MLflow takes a folder in its bin for an experiment, and fails on one whose meta.yaml is
      // another thing's.
      const around = temporary()
      const made = join(around, 'folder')
      try {
        for (const folder of ['', ...folders]) mkdirSync(join(made, folder), { recursive: true })
        for (const [name, text] of Object.entries(files)) writeInFolder(join(made, name), text)
        mkdirSync(dirname(path), { recursive: true })
        return renamed(made, path)
      } finally {
        rmSync(around, { recursive: true, force: true })
      }
    },
    list: (path, kind) =>
      (orNothing(() => readdirSync(path, { withFileTypes: true })) ?? [])
        .filter((entry) => (kind === 'file' ? entry.isFile() : entry.isDirectory()))
        .map(({ name }) => name)
        .sort(),
  }
}

const writeInFolder = (path: string, text: string): void => {
  mkdirInStore(dirname(path))
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw occupied(error, path)
  }
}

/** Whether the folder is at `to` now; not when another one is there. */
const renamed = (from: string, to: string): boolean => {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY', 'EPERM', 'ENOTDIR'].includes(codeOf(error))) return false
    throw error
  }
}

/** Makes a folder; a key that is a file already cannot be a folder of other keys too. */
const mkdirInStore = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw occupied(error, path)
  }
}

const occupied = (error: unknown, path: string): unknown => {
  if (!['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY'].includes(codeOf(error))) return error
  return new VigiaError('TRACKING_NAME_INVALID', {
    what: 'Key',
    got: path.split(/[\\/]/).at(-1) ?? path,
    allowed:
      'a key that is no folder of other keys, and whose folders are no keys: in this layout keys are files',
  })
}

const removeLeftovers = (bin: string, nowMs: number): void => {
  for (const name of readdirSync(bin).filter((entry) => entry.startsWith(WRITING))) {
    const path = join(bin, name)
    const modified = orNothing(() => statSync(path).mtimeMs)
    if (modified !== undefined && nowMs - modified > LEFTOVER_MS)
      rmSync(path, { recursive: true, force: true })
  }
}

/** undefined where a file or folder is not there. */
const orNothing = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error))) return undefined
    throw error
  }
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code)
