import { goneThrough, readLogBeginning } from '../decisions/log/log-beginning.ts'
import { listSnapshots, removeSnapshot, usable } from '../decisions/log/state-snapshots.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'

/** What is known of a snapshot here. */
export interface AgedSnapshot {
  readonly sequence: number
  readonly takenAtMs: number
}

/**
 * Snapshots that are not needed any more.
 *
 * Those before the beginning of the log go, but for the last of them, which is the states that the log begins
 * with; where the log is whole none is needed for that. Of the others at most `kept` stay: the oldest, which
 * is the next beginning, the latest, and between them those that lie furthest apart.
 *
 * @param snapshots ascending
 * @param first where the log begins
 */
export const superfluous = <T extends AgedSnapshot>(
  snapshots: readonly T[],
  first: number,
  kept: number,
): T[] => {
  const base = snapshots.filter(({ sequence }) => sequence < first).at(-1)
  const old = snapshots.filter((one) => one.sequence < first && one !== base)
  const left = snapshots.filter(({ sequence }) => sequence >= first)
  const thinned: T[] = []
  while (left.length > Math.max(2, kept)) {
    let closest = 1
    for (let i = 2; i < left.length - 1; i++) if (gapAround(left, i) < gapAround(left, closest)) closest = i
    thinned.push(...left.splice(closest, 1))
  }
  return [...old, ...thinned]
}

const gapAround = (snapshots: readonly AgedSnapshot[], i: number): number =>
  snapshots[i + 1]!.takenAtMs - snapshots[i - 1]!.takenAtMs

/** Removes the superfluous snapshots beside a log. */
export const thinSnapshots = async (
  folder: string,
  log: Pick<PredictionLog, 'readDocument'>,
  kept: number,
): Promise<void> => {
  const first = goneThrough(await readLogBeginning(log)) + 1
  const snapshots = usable(await listSnapshots(folder)).map((snapshot) => ({
    ...snapshot,
    sequence: snapshot.manifest.sequence,
    takenAtMs: snapshot.manifest.takenAtMs,
  }))
  for (const snapshot of superfluous(snapshots, first, kept)) await removeSnapshot(snapshot)
}
