import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTextAtomically } from '../disk/write-atomically.ts'
import { VigiaError } from '../errors.ts'

/** Reports of looks in a folder: a JSON file and a page each, by the time of the look. */
export interface SavedReports {
  readonly folder: string
  /**
   * Keeps a report, and removes the oldest beyond `most`. The JSON is written last: who finds one finds its
   * page.
   *
   * @param atMs when the look was taken: a later look at the same time replaces it
   */
  save(atMs: number, report: SavedReport, most: number): Promise<void>
  /** The latest report as it was saved. @throws MONITORING_NO_REPORT */
  readLatest(kind: keyof SavedReport): Promise<string>
}

export interface SavedReport {
  readonly json: string
  readonly html: string
}

/** @param whyNone what is said where there is none yet */
export const savedReports = (folder: string, whyNone: () => string): SavedReports => ({
  folder,
  async save(atMs, { json, html }, most) {
    const name = nameOf(atMs)
    await mkdir(folder, { recursive: true })
    await writeTextAtomically(join(folder, `${name}.html`), html)
    await writeTextAtomically(join(folder, `${name}.json`), json)
    const names = await namesIn(folder)
    for (const old of names.slice(0, Math.max(0, names.length - most))) {
      await rm(join(folder, `${old}.json`), { force: true })
      await rm(join(folder, `${old}.html`), { force: true })
    }
  },
  async readLatest(kind) {
    // One that is removed between the listing and the reading is older than another.
    for (const name of (await namesIn(folder)).toReversed().slice(0, 3)) {
      const text = await readFile(join(folder, `${name}.${kind}`), 'utf8').catch(() => undefined)
      if (text !== undefined) return text
    }
    throw new VigiaError('MONITORING_NO_REPORT', { folder, reason: whyNone() })
  },
})

/** Sorted as the times are, and a name on every file system: `2026-11-30T00-20-00Z`. */
const nameOf = (atMs: number): string =>
  new Date(atMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')

const NAME = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.json$/

/** Of whole reports, the oldest first. */
const namesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).flatMap((file) => NAME.exec(file)?.[1] ?? []).sort()
