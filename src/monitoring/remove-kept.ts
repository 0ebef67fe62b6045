import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KEPT_FOLDER } from './kept-days-file.ts'

/** Files that stay: models that decided before may be rolled back to. */
const MOST_FILES = 8

/** Removes what was kept as any model sees it, and nothing else that stands there. */
export const removeKept = async (folder: string): Promise<void> => {
  const kept = join(folder, KEPT_FOLDER)
  await Promise.all((await namesIn(kept)).map((name) => rm(join(kept, name), { force: true })))
}

/** Removes what was kept as models see it that have not decided for longest. */
export const removeKeptOfOthers = async (folder: string, key: string): Promise<void> => {
  const kept = join(folder, KEPT_FOLDER)
  const names = await namesIn(kept)
  if (names.length <= MOST_FILES) return
  const others = names.filter((name) => !name.startsWith(key))
  const files = await Promise.all(
    others.map(async (name) => ({ name, changedMs: (await stat(join(kept, name))).mtimeMs })),
  )
  const oldest = files.sort((a, b) => a.changedMs - b.changedMs).slice(0, names.length - MOST_FILES)
  await Promise.all(oldest.map(({ name }) => rm(join(kept, name), { force: true })))
}

/** None where there is no such folder. */
const namesIn = async (kept: string): Promise<readonly string[]> =>
  (await readdir(kept).catch(() => [])).filter((name) => /\.(days|before)$/.test(name))
