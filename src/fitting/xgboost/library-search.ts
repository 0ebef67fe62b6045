import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openXgboost } from '../../learning/xgboost/library.ts'
import type { LibrarySearch } from './find-library.ts'

const PYTHON_TIMEOUT_MS = 10_000

/** A search on this machine's disk and with its programs. */
export const librarySearchHere = (
  given: Pick<LibrarySearch, 'setting' | 'environment' | 'projectDirectory'>,
): LibrarySearch => ({
  ...given,
  platform: process.platform,
  list: async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name)),
  run: (program, values) =>
    new Promise((resolve) => {
      const options = { timeout: PYTHON_TIMEOUT_MS, env: { ...given.environment } }
      execFile(program, [...values], options, (error, output) => resolve(error === null ? output : undefined))
    }),
  open: (path) => openXgboost(path).version,
})
