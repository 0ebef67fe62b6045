import { listSnapshots, snapshotName, verifySnapshot } from '../decisions/log/state-snapshots.ts'
import type { LogProblem } from './log-problem.ts'

/**
 * Reads every file of the snapshots beside a log. A log that begins later than with number 1 has the states
 * of the record before.
 *
 * @param first where the log begins
 * @returns how many are as they were written
 */
export const verifySnapshots = async (
  folder: string,
  first: number,
  problems: LogProblem[],
): Promise<number> => {
  const found = await listSnapshots(folder)
  let whole = 0
  for (const snapshot of found) {
    const fault = await verifySnapshot(snapshot)
    if (fault === undefined) whole++
    else problems.push({ file: `snapshots/${snapshot.name}/${fault.file}`, reason: fault.reason })
  }
  const base = snapshotName(first - 1)
  if (first > 1 && !found.some(({ name }) => name === base))
    problems.push({
      file: `snapshots/${base}`,
      reason: `it is missing, and the log begins with record ${first}`,
    })
  return whole
}
