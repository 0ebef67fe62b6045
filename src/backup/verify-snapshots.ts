import { listSnapshots, snapshotName, verifySnapshot } from '../decisions/log/state-snapshots.ts'
import type { LogProblem } from './log-problem.ts'

/**
 * Reads every file of the snapshots beside a log. A log whose first days were removed has the snapshot that
 * it begins with.
 *
 * @param gone last record of that one, inclusive; 0: nothing was removed
 * @returns how many are as they were written
 */
export const verifySnapshots = async (
  folder: string,
  gone: number,
  problems: LogProblem[],
): Promise<number> => {
  const found = await listSnapshots(folder)
  let whole = 0
  for (const snapshot of found) {
    const fault = await verifySnapshot(snapshot)
    if (fault === undefined) whole++
    else problems.push({ file: `snapshots/${snapshot.name}/${fault.file}`, reason: fault.reason })
  }
  const base = snapshotName(gone)
  if (gone > 0 && !found.some(({ name }) => name === base))
    problems.push({
      file: `snapshots/${base}`,
      reason: `it is missing, and the log begins after record ${gone}`,
    })
  return whole
}
