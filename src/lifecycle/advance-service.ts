import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderOwner, withRunLock } from '../disk/folder-lock.ts'
import { DAY_MS } from '../foundation/days.ts'
import { type Advanced, type AdvanceOptions, advanceRetraining } from '../retraining/advance-retraining.ts'

/**
 * `advanceRetraining`, by one process at a time: two would train the same twice. A dry run waits for nobody.
 *
 * @param folder of retraining, absolute
 * @throws PIPELINE_LOCKED while another process is at it
 */
export const advanceService = async (
  folder: string,
  owner: FolderOwner,
  options: AdvanceOptions,
): Promise<Advanced> => {
  if (options.dryRun === true) return advanceRetraining(options)
  const working = join(folder, 'working')
  await mkdir(working, { recursive: true })
  return withRunLock(working, owner, options.now(), async () => {
    await removeLeft(join(folder, 'runs'), options.now())
    return advanceRetraining(options)
  })
}

/** What killed processes have left: a dry run that is younger than a day may be at work on its own. */
const removeLeft = async (runs: string, nowMs: number): Promise<void> => {
  for (const name of await readdir(runs).catch(() => [])) {
    if (!name.startsWith('.work-')) continue
    const left = await stat(join(runs, name)).catch(() => undefined)
    if (left !== undefined && nowMs - left.mtimeMs > DAY_MS)
      await rm(join(runs, name), { recursive: true, force: true })
  }
}

/** All steps that are due, by one process at a time. @throws PIPELINE_LOCKED while another one is at it */
export const advanceAll = async (
  folder: string,
  owner: FolderOwner,
  options: AdvanceOptions,
): Promise<readonly Advanced[]> => {
  const steps = [await advanceService(folder, owner, options)]
  while (steps.at(-1)!.kind === 'moved') steps.push(await advanceService(folder, owner, options))
  return steps
}
