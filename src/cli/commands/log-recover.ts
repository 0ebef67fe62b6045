import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type RecoveredLog, recoverLog, type WriteSegment } from '../../backup/recover-log.ts'
import { branchFolders } from '../../branches/branch-folders.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import { gapsText } from '../../decisions/log/log-gaps.ts'
import { rangesText } from '../../decisions/log/number-ranges.ts'
import { readFrontier } from '../../decisions/owned/frontier.ts'
import { readWholeIdentity } from '../../decisions/states/store-identity.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { CommandContext, ExitCode } from '../command.ts'
import { print, workIn } from './state-action.ts'

interface RecoverRequest {
  readonly context: CommandContext
  readonly settings: ServingSettings
  readonly folder: string
  /** Whether the states of the configuration are those of this log. */
  readonly isOwn: boolean
  readonly tools: {
    readonly storage: Pick<ServingStorage, 'openLog' | 'openStates'>
    readonly writeSegment: WriteSegment
  }
  readonly workFolder: string
}

/** `vigia log recover`. @throws SERVING_FOLDER_IN_USE while its server runs, and as `recoverLog` does */
export const recover = async (request: RecoverRequest): Promise<ExitCode> => {
  const { context, settings, folder, isOwn, tools, workFolder } = request
  const savedThrough = isOwn ? await savedThroughOf(context, settings, tools.storage) : undefined
  const log = await tools.storage.openLog({ ...settings.prediction_log, path: folder })
  let recovered: RecoveredLog
  try {
    const { writeSegment } = tools
    const { database } = workIn(context, workFolder)
    recovered = await recoverLog({ folder, log, savedThrough, writeSegment, workFolder, work: { database } })
  } finally {
    await log.close()
  }
  print(context, recovered, linesOf(recovered))
  return recovered.problems.length === 0 && recovered.gaps.length === 0 ? 0 : 1
}

/**
 * How far the states of one process have the log, those of the layout that has least of it; undefined where
 * there are none, or servers share them.
 */
const savedThroughOf = async (
  { workingDirectory }: CommandContext,
  { state_store }: ServingSettings,
  storage: Pick<ServingStorage, 'openStates'>,
): Promise<number | undefined> => {
  const path = resolve(workingDirectory, state_store.path)
  if (state_store.kind !== 'lmdb' || (await stat(path).catch(() => undefined)) === undefined) return undefined
  const saved: number[] = []
  for (const place of [path, ...(await branchFolders(path))]) {
    const { store } = await storage.openStates({ ...state_store, path: place })
    try {
      // One that a restore has not finished needs nothing of segments: it is made again, of the archive too.
      if ((await readWholeIdentity(store)) !== undefined) saved.push((await readFrontier(store)).savedThrough)
    } finally {
      await store.close()
    }
  }
  return saved.length === 0 ? undefined : Math.min(...saved)
}

const linesOf = ({ folder, recovered, problems, gaps, lastSequence }: RecoveredLog): string[] => {
  const line = (word: string, text: string): string => `${word.padEnd(10)} ${text}`
  return [
    line('log', folder),
    line(
      'recovered',
      recovered.length === 0 ? 'nothing: segments lack none that is needed' : rangesText(recovered),
    ),
    ...problems.map(({ file, reason }) => line('damaged', `${file}: ${reason}`)),
    ...(gaps.length === 0 ? [] : [line('missing', gapsText(gaps))]),
    line('numbers', `up to ${lastSequence}`),
  ]
}
