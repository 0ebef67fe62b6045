import { readFile, writeFile } from 'node:fs/promises'

/**
 * Reads what `writeJson` wrote; `T` is what this version writes, and the step's code version vouches for it.
 */
export const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T

/** Writes `value` as indented JSON, for people and programs alike. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, null, 2)}\n`)

/** Writes `value` as JSON on one line: for what only programs read, and long lists of numbers. */
export const writeCompactJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value)}\n`)
