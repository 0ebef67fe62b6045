import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { branchFolders } from '../branches/branch-folders.ts'
import { type BegunLayout, layoutName } from '../decisions/log/log-layouts.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  SNAPSHOT_MANIFEST,
  snapshotName,
  verifySnapshot,
} from '../decisions/log/state-snapshots.ts'
import type { LogProblem } from './log-problem.ts'

/**
 * Reads every file of the snapshots beside a log, and of those of states of other layouts (`branches/`). A
 * log that begins later than with number 1 has the states of the record before, and each layout those with
 * which it began, as long as the log still has the next record.
 *
 * @param first number after the snapshot that the log begins with; 1: nothing was removed
 * @param begun what the log says of layouts that began later, read before
 * @returns how many are as they were written
 */
export const verifySnapshots = async (
  folder: string,
  first: number,
  begun: readonly BegunLayout[],
  problems: LogProblem[],
): Promise<number> => {
  const found = await listSnapshots(folder)
  let whole = await countWhole(found, '', problems)
  const base = snapshotName(first - 1)
  if (first > 1 && !found.some(({ name }) => name === base))
    problems.push({
      file: `snapshots/${base}`,
      reason: `it is missing, and the log begins with record ${first}`,
    })
  const layouts = new Set((await branchFolders(folder)).map((path) => basename(path)))
  for (const { layoutKey } of begun) layouts.add(layoutName(layoutKey))
  for (const layout of [...layouts].sort()) {
    const under = placeOf(layout)
    const own = await listSnapshots(join(folder, under))
    whole += await countWhole(own, under, problems)
    for (const { after } of begun.filter(({ layoutKey }) => layoutName(layoutKey) === layout)) {
      const name = snapshotName(after)
      if (after < first - 1 || own.some((one) => one.name === name)) continue
      const reason = 'it is missing, and states of this layout began with it'
      problems.push({ file: `${under}snapshots/${name}`, reason })
    }
  }
  return whole
}

/** @param under where they lie in the folder of the log, with a slash after it; empty: in itself */
const countWhole = async (
  found: readonly FoundSnapshot[],
  under: string,
  problems: LogProblem[],
): Promise<number> => {
  let whole = 0
  for (const snapshot of found) {
    const fault = (await verifySnapshot(snapshot)) ?? faultOfLayout(snapshot, under)
    if (fault === undefined) whole++
    // A server that goes on has removed it meanwhile.
    else if (await isThere(snapshot.folder))
      problems.push({ file: `${under}snapshots/${snapshot.name}/${fault.file}`, reason: fault.reason })
  }
  return whole
}

/** States of one layout lie in a folder of their own. */
const faultOfLayout = (
  snapshot: FoundSnapshot,
  under: string,
): { readonly file: string; readonly reason: string } | undefined => {
  if ('problem' in snapshot || under === '') return undefined
  const { layoutKey = '' } = snapshot.manifest.identity
  if (under === placeOf(layoutName(layoutKey))) return undefined
  return { file: SNAPSHOT_MANIFEST, reason: `it is of the layout ${layoutName(layoutKey)}` }
}

const placeOf = (layout: string): string => `branches/${layout}/`

const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined
