import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { branchFolders } from '../../branches/branch-folders.ts'
import {
  commitRepairs,
  findUntrueTimes,
  logRepairs,
  type RepairedLayout,
  type UntrueTimes,
} from '../../branches/repair-states.ts'
import { eventTimeBounds, type ServingSettings } from '../../config/serving-config.ts'
import type { OpenStates } from '../../decisions/decisions.ts'
import { layoutName } from '../../decisions/log/log-layouts.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { readWholeIdentity } from '../../decisions/states/store-identity.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { CommandContext, CommandInput, ExitCode } from '../command.ts'
import { assertNoOutbox, print, workIn } from './state-action.ts'

export interface RepairRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly states: OpenStates
  readonly tools: { readonly storage: ServingStorage; readonly world: Pick<World, 'now'> }
}

/** `vigia state repair`: states that an untrue time has blinded. */
export const repair = async ({
  context,
  input,
  settings,
  states,
  tools,
}: RepairRequest): Promise<ExitCode> => {
  const { workingDirectory } = context
  const { log = [], states: from } = input.options
  const { prediction_log, state_store } = settings
  const others = (log as readonly string[]).map((name) => resolve(workingDirectory, name))
  if (states.kind === 'owned' && others.length > 0)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `--log names logs of other servers on one redis; the states of ${states.name} have one log, prediction_log.path`,
    })
  const folders = [...new Set([resolve(workingDirectory, prediction_log.path), ...others])]
  await assertFolders(folders)
  if (states.kind === 'shared') await assertNoOutbox(states)
  const workFolder = await mkdtemp(join(tmpdir(), 'vigia-repair-'))
  try {
    const found = await findUntrueTimes({
      folders,
      openLog: tools.storage.readLog,
      workFolder,
      eventTime: eventTimeBounds(settings),
      isKept: await keptLayouts(states, state_store.path),
      work: workIn(context, workFolder),
      ...(typeof from === 'string' && { states: resolve(workingDirectory, from) }),
    })
    const isWritten = input.options['dryRun'] !== true && found.states.length > 0
    const nowMs = tools.world.now()
    if (isWritten && states.kind === 'shared') {
      const lifeMs = parseDuration(state_store.repetition_window)
      await commitRepairs(states.store, found, folders, nowMs, lifeMs)
    } else if (isWritten) {
      const writer = await tools.storage.openLog(prediction_log)
      await logRepairs(writer, found, prediction_log.path, nowMs).finally(() => writer.close())
    }
    tellRepairs(context, found, isWritten, states.kind)
    return 0
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** Layouts of which a store has states. */
const keptLayouts = async (states: OpenStates, folder: string): Promise<(layoutKey: string) => boolean> => {
  const identity = states.kind === 'owned' ? await readWholeIdentity(states.store) : undefined
  const beside = states.kind === 'owned' ? (await branchFolders(folder)).map((place) => basename(place)) : []
  // A store that is lost, or that no server of this version has opened, says nothing.
  if (identity?.layoutKey === undefined && beside.length === 0) return () => true
  return (layoutKey) => layoutKey === identity?.layoutKey || beside.includes(layoutName(layoutKey))
}

const tellRepairs = (
  context: CommandContext,
  found: UntrueTimes,
  isWritten: boolean,
  kind: OpenStates['kind'],
): void => {
  const { transactionIds, states, layouts, lastSequence } = found
  const at = (ms: number | null): string => (ms === null ? 'nothing else' : new Date(ms).toISOString())
  const named = states.map(({ words: _, ...state }) => state)
  print(context, { transactionIds, states: named, layouts, lastSequence, isWritten }, [
    `read       ${lastSequence} records; ${transactionIds.length} transactions of a time that cannot be true${shortList(transactionIds)}`,
    ...(layouts.length > 1 ? layouts.map(layoutLine) : []),
    ...states
      .slice(0, MOST_NAMED)
      .map(
        ({ kind, token, layout, untrueTimeMs, lastEventTimeMs }) =>
          `${(isWritten ? 'repaired' : 'blinded').padEnd(10)} ${kind} ${token.toString(16)}${layout === undefined ? '' : ` of ${layoutName(layout)}`}: up to ${at(untrueTimeMs)}, is true up to ${at(lastEventTimeMs)}`,
      ),
    ...(states.length > MOST_NAMED ? [`           and ${states.length - MOST_NAMED} more`] : []),
    states.length === 0
      ? 'no state needs repair'
      : isWritten
        ? kind === 'owned'
          ? `${states.length} states are repaired from the next start of the server on`
          : `${states.length} states are repaired; start a server, which takes the records of it into its log`
        : `${states.length} states need repair; nothing was written`,
  ])
}

const LEFT_OUT: Readonly<Record<NonNullable<RepairedLayout['leftOut']>, string>> = {
  ended: 'has no states any more',
  unknown:
    'cannot be repaired, because no file has the states that it began with: make them anew (vigia state migrate --to)',
  uncertain:
    'cannot be repaired, because labels of earlier transactions do not say whose they are: make its states anew (vigia state migrate --to)',
}

const layoutLine = ({ layoutKey, isDeciding, after, states, leftOut }: RepairedLayout): string =>
  `layout     ${layoutKey === undefined ? 'of the beginning' : layoutName(layoutKey)} ${isDeciding ? '(decided last) ' : ''}${leftOut === undefined ? `has ${states} blinded states, by records from ${after + 1} on` : LEFT_OUT[leftOut]}`

const shortList = (ids: readonly string[]): string =>
  ids.length === 0 ? '' : `: ${ids.slice(0, MOST_NAMED).join(', ')}${ids.length > MOST_NAMED ? ', ...' : ''}`

/** States and transactions that are named. */
const MOST_NAMED = 20
