import type { LoggedEntriesOptions } from '../decisions/log/logged-entries.ts'
import type { Work } from '../disk/work.ts'
import { MOST_SEGMENTS } from '../drift/profile-book.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import { type DecidedDays, DecisionsByDay } from './decisions-by-day.ts'
import { decidedOf, type KeptDays, nothingKept, withDecided } from './kept-days.ts'
import {
  type KeptFile,
  type KeptPart,
  keptDaysPath,
  readKeptDays,
  whyOfAnotherLog,
  writeKeptDays,
} from './kept-days-file.ts'
import { eachOfTail, type TailEnd } from './log-tail.ts'
import type { MonitoredModel } from './monitored-model.ts'
import { RecentRecords } from './recent-records.ts'

export interface KeptDaysOptions extends LoggedEntriesOptions {
  readonly model: MonitoredModel
  readonly work: Work
  readonly tell?: (notice: string) => void
}

/** Counts the decisions of a log after `after`, up to `upTo`, both of all on the same states. */
export type ReadDecided<Options extends KeptDaysOptions> = (
  options: Options & { readonly upTo?: number; readonly known?: readonly string[] },
) => Promise<DecidedDays>

/** How often days are looked for that a server saves while its log loses what came after the ones before. */
const ATTEMPTS = 3

/**
 * What was decided in a log, by what a server has kept of it and what came after that. What it had not kept,
 * because it began later, is read once and kept as well, where the folder can be written to.
 *
 * @returns undefined where no server has kept anything that can be used, or of several logs
 */
export const decidedInKeptDays = async <Options extends KeptDaysOptions>(
  options: Options,
  read: ReadDecided<Options>,
): Promise<DecidedDays | undefined> => {
  const { model, folders, openLog } = options
  const [folder] = folders
  if (folder === undefined || folders.length > 1) return undefined
  const log = openLog(folder)
  for (let attempt = 1; ; attempt++) {
    const file = await readUsable(folder, 'days', log, options)
    if (file === undefined) return undefined
    const kept = await fromTheBeginning(file.kept, folder, log, options, read)
    if (kept === undefined) return undefined
    const tail = await readTail(log, kept, file.recent, options)
    if (tail !== undefined) return decidedOf(withDecided(kept, tail.decided, tail.end, model), model)
    if (attempt < ATTEMPTS) continue
    // No server saves, and what came after is archived.
    if (kept.isShared) return undefined
    const rest = await read({ ...options, after: kept.through, known: kept.segments })
    return decidedOf(withDecided(kept, rest, kept, model), model)
  }
}

/** What a file has, where that is of this log and this model; tells of what is not. */
const readUsable = async (
  folder: string,
  part: KeptPart,
  log: LogReader,
  { model, tell }: KeptDaysOptions,
): Promise<KeptFile | undefined> => {
  const path = keptDaysPath(folder, model, part)
  const file = await readKeptDays(path, model)
  if (file === undefined) return undefined
  const reason = typeof file === 'string' ? file : await whyOfAnotherLog(file.kept, log)
  if (reason !== undefined) tell?.(`${path} is not used, and the log is read instead: ${reason}`)
  return reason === undefined ? (file as KeptFile) : undefined
}

/** These days, and all before them. */
const fromTheBeginning = async <Options extends KeptDaysOptions>(
  kept: KeptDays,
  folder: string,
  log: LogReader,
  options: Options,
  read: ReadDecided<Options>,
): Promise<KeptDays | undefined> => {
  const { model } = options
  if (kept.after === 0) return kept
  // The archive has no numbers of the log of its own; and a book that is full may have counted a segment
  // under another name than one that had begun earlier.
  if (kept.isShared || kept.segments.length >= MOST_SEGMENTS) return undefined
  const file = await readUsable(folder, 'before', log, options)
  const isUsable = file !== undefined && file.kept.after === 0 && file.kept.through <= kept.after
  let before = isUsable ? file.kept : nothingKept(0, false)
  if (before.through < kept.after) {
    const known = before.segments
    const rest = await read({ ...options, after: before.through, upTo: kept.after, known })
    before = withDecided(before, rest, { through: kept.after, mark: undefined }, model)
    // A folder that cannot be written to costs the next look as much as this one.
    await writeKeptDays(keptDaysPath(folder, model, 'before'), { kept: before, recent: [] }, model).catch(
      () => undefined,
    )
  }
  return withDecided(before, decidedOf(kept, model), kept, model)
}

/** What came after the kept days; undefined where some of it is in the archive. */
const readTail = async (
  log: LogReader,
  { through, segments, isShared }: KeptDays,
  recentNames: readonly string[],
  { model, work: { signal } }: KeptDaysOptions,
): Promise<{ readonly decided: DecidedDays; readonly end: TailEnd } | undefined> => {
  const byDay = new DecisionsByDay(model, { known: segments })
  const recent = isShared ? new RecentRecords(recentNames) : undefined
  const end = await eachOfTail({ log, after: through, isShared, signal }, (logged) => {
    const { sequence, decision, by, vector } = logged
    const { transaction, timing, probability } = decision
    if (recent?.isRepeated(sequence, transaction.transactionId) !== true)
      byDay.add(sequence, transaction, timing === 'too_old', by, vector, probability)
    return true
  })
  return end && { decided: byDay.take(), end }
}
