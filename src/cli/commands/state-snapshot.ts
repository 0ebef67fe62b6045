import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { ServingSettings } from '../../config/serving-config.ts'
import type { OpenStates } from '../../decisions/decisions.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { assertLogs } from '../../decisions/log/log-signs.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { parseRanges, rangesText } from '../../decisions/log/number-ranges.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import { type SnapshotOfShared, snapshotSharedStates } from '../../states/snapshot-shared-states.ts'
import { type ByKind, countsText } from '../../transaction/entity-kind.ts'
import type { CommandContext, CommandInput, ExitCode } from '../command.ts'
import { missingLines, statesIn } from './restore.ts'
import { print, workIn } from './state-action.ts'

export interface SnapshotRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly states: Extract<OpenStates, { kind: 'shared' }>
  readonly load: (source: string) => Promise<LoadedModel>
  readonly tools: { readonly storage: ServingStorage; readonly world: Pick<World, 'now' | 'newId'> }
}

/** Before a store is opened that a server has. @throws CLI_INVALID_ARGUMENT */
export const assertShared = ({ state_store: { kind } }: ServingSettings): void => {
  if (kind === 'redis') return
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'state',
    reason: `snapshot is for stores that servers share, and state_store.kind is ${kind}: give it the configuration of the servers (--config), or --set state_store.kind=redis --set state_store.url=<theirs>. A server with lmdb takes snapshots by itself (prediction_log.snapshot_every)`,
  })
}

/** `vigia state snapshot`: the states of a store that servers share, beside the logs of all of them. */
export const snapshot = async ({
  context,
  input,
  settings,
  states,
  load,
  tools,
}: SnapshotRequest): Promise<ExitCode> => {
  const { workingDirectory } = context
  const { log, from, accept } = input.options
  const logs = (Array.isArray(log) && log.length > 0 ? log : [settings.prediction_log.path]).map((folder) =>
    resolve(workingDirectory, String(folder)),
  )
  await assertFolders(logs)
  await assertLogs(logs)
  const workFolder = join(workingDirectory, '.vigia')
  await mkdir(workFolder, { recursive: true })
  const taken = await snapshotSharedStates({
    store: states.store,
    storeName: states.name,
    model: await load(settings.model.source),
    logs: [...new Set(logs)],
    openLog: tools.storage.readLog,
    from: await statesIn(workingDirectory, from),
    accepted: typeof accept === 'string' ? parseRanges(accept) : [],
    waitingLifeMs: parseDuration(settings.feedback.waiting_time),
    world: tools.world,
    workFolder,
    work: workIn(context, workFolder),
  })
  print(context, taken, linesOf(taken, workingDirectory))
  return 0
}

const linesOf = (taken: SnapshotOfShared, workingDirectory: string): string[] => {
  const { sequence, snapshot: begun, unusable, decisions, labels, differing, left, written } = taken
  const shown = (folder: string): string => relative(workingDirectory, folder) || '.'
  if (sequence === 0) return ['nothing    the logs have no record yet, and no snapshot was written']
  return [
    ...unusable.map(({ folder, reason }) => `passed     ${shown(folder)}: ${reason}`),
    `replayed   ${decisions} decisions and ${labels} labels after ${begun === undefined ? 'the beginning' : `the snapshot of record ${begun}`}`,
    ...missingLines(rangesText(taken.missing), 'not in the states; '),
    ...(differing === 0
      ? []
      : [`differing  ${differing} decisions come out with other features than were served`]),
    `snapshot   of record ${sequence}: ${countsText(taken.counts as ByKind<number>)}`,
    ...(left === 0
      ? []
      : [`left       ${left} later records: number ${sequence + 1} was on its way to a log`]),
    written.length === 0
      ? 'written    nowhere: all logs have it'
      : `written    beside ${written.map(shown).join(', ')}`,
  ]
}
