import { mkdir, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { ServingSettings } from '../../config/serving-config.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { parseRanges, rangesText } from '../../decisions/log/number-ranges.ts'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { World } from '../../foundation/world.ts'
import { decisionSettingsOf } from '../../pipelines/service/open-service.ts'
import type { OpenStates, ServingStorage } from '../../pipelines/service/serving-storage.ts'
import { type RestoredOwned, restoreOwnedStates } from '../../states/restore-owned-states.ts'
import { type RestoredStates, restoreStates } from '../../states/restore-states.ts'
import { countsText } from '../../transaction/entity-kind.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { workIn } from './state-action.ts'

/** Options of `vigia state restore` alone. */
export const RESTORE_OPTIONS: Command['options'] = [
  {
    flags: '--accept <numbers>',
    description:
      'for restore and snapshot: numbers whose decisions are lost, or that name two, for instance 104-105,200: what they did is left out, or stays as it is',
  },
  {
    flags: '--skip <count>',
    description:
      'for restore: leave out so many numbers after the last one (default 0), for decisions that were answered and that nobody knows of: servers that were lost together with the store',
  },
]

export interface RestoreRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly states: Extract<OpenStates, { kind: 'shared' }>
  readonly model: LoadedModel
  readonly tools: { readonly storage: Pick<ServingStorage, 'readLog'>; readonly world: World }
}

/** The states of --from: a folder of them, or of the run that has them, as for `vigia state load`. */
export const statesIn = async (workingDirectory: string, from: unknown): Promise<string | undefined> => {
  if (typeof from !== 'string') return undefined
  const folder = resolve(workingDirectory, from)
  const inRun = join(folder, 'states')
  return (await stat(inRun).catch(() => undefined)) === undefined ? folder : inRun
}

/** `vigia state restore`: what it did, as JSON and for people. */
export const restoreShared = async ({
  context,
  input,
  settings,
  states,
  model,
  tools,
}: RestoreRequest): Promise<{ readonly json: RestoredStates; readonly lines: readonly string[] }> => {
  const { workingDirectory } = context
  const { log, from, accept, force } = input.options
  const logs = (Array.isArray(log) && log.length > 0 ? log : [settings.prediction_log.path]).map((folder) =>
    resolve(workingDirectory, String(folder)),
  )
  await assertFolders(logs)
  const workFolder = join(workingDirectory, '.vigia')
  await mkdir(workFolder, { recursive: true })
  const restored = await restoreStates({
    store: states.store,
    storeName: states.name,
    model,
    logs,
    openLog: tools.storage.readLog,
    from: await statesIn(workingDirectory, from),
    accepted: typeof accept === 'string' ? parseRanges(accept) : [],
    skip: skipOf(input),
    force: force === true,
    receiptLifeMs: parseDuration(settings.state_store.repetition_window),
    waitingLifeMs: parseDuration(settings.feedback.waiting_time),
    world: tools.world,
    workFolder,
    work: {
      ...context.work,
      database: {
        threads: availableParallelism(),
        memoryLimit: '2GB',
        tempDirectory: join(workFolder, '.restore-spill'),
      },
    },
  })
  return { json: restored, lines: linesOf(restored, states.name) }
}

/** `vigia state restore` for the store of one server: what it did, as JSON and for people. */
export const restoreOwned = async ({
  context,
  input,
  settings,
  states,
  model,
  tools,
}: Omit<RestoreRequest, 'states' | 'tools'> & {
  readonly states: Extract<OpenStates, { kind: 'owned' }>
  readonly tools: { readonly storage: Pick<ServingStorage, 'openLog'>; readonly world: World }
}): Promise<{ readonly json: RestoredOwned; readonly lines: readonly string[] }> => {
  const { workingDirectory } = context
  const { from, force, log: others, accept, skip } = input.options
  const refused = [
    ['--log', Array.isArray(others) && others.length > 0],
    ['--accept', accept !== undefined],
    ['--skip', skip !== undefined],
  ].find(([, isGiven]) => isGiven)
  if (refused !== undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `${refused[0]} is for stores that servers share; the states of ${states.name} have one log, prediction_log.path`,
    })
  const folder = resolve(workingDirectory, settings.prediction_log.path)
  await assertFolders([folder])
  const log = await tools.storage.openLog(settings.prediction_log)
  try {
    const restored = await restoreOwnedStates({
      store: states.store,
      storeName: states.name,
      model,
      log,
      folder,
      from: await statesIn(workingDirectory, from),
      force: force === true,
      settings: decisionSettingsOf({ settings }),
      world: tools.world,
      work: workIn(context, folder),
    })
    return { json: restored, lines: linesOfOwned(restored, states.name) }
  } finally {
    await log.close()
  }
}

const linesOfOwned = (restored: RestoredOwned, store: string): string[] => {
  const { identity, snapshot, unusable, decisions, labels, receipts, differing, counts } = restored
  const began = snapshot === undefined ? 'the beginning of the log' : `the snapshot of record ${snapshot}`
  return [
    ...unusable.map(({ name, reason }) => `passed     the snapshot ${name}: ${reason}`),
    `replayed   ${decisions} decisions and ${labels} labels of ${identity.logName}-… after ${began}`,
    `restored   ${countsText(counts)}, and ${receipts} receipts of what is in the snapshot, in ${store}`,
    ...missingLines(rangesText(restored.missing)),
    ...differingLines(differing),
    `numbers    go on after ${restored.lastSequence}`,
  ]
}

/** What is told of numbers that no log has. */
export const missingLines = (missing: string, more = ''): readonly string[] =>
  missing === '' ? [] : [`missing    ${missing}: ${more}sent again, they are decided anew`]

const differingLines = (differing: number): readonly string[] =>
  differing === 0 ? [] : [`differing  ${differing} decisions come out with other features than were served`]

/** @throws CLI_INVALID_ARGUMENT */
const skipOf = ({ options }: CommandInput): number => {
  const { skip = '0' } = options
  const count = Number(skip)
  if (Number.isInteger(count) && count >= 0 && count <= 1e9) return count
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'state',
    reason: `--skip is "${String(skip)}"; allowed: a whole number from 0 to 1000000000`,
  })
}

const linesOf = (restored: RestoredStates, store: string): string[] => {
  const { identity, decisions, labels, receipts, waiting, differing, counts, lastSequence } = restored
  const [missing, doubled] = [rangesText(restored.missing), rangesText(restored.doubled)]
  const began = restored.snapshot === undefined ? '' : ` after the snapshot of record ${restored.snapshot}`
  return [
    ...restored.unusable.map(({ folder, reason }) => `passed     ${folder}: ${reason}`),
    `replayed   ${decisions} decisions and ${labels} labels of ${identity.logName}-…${began}`,
    `restored   ${countsText(counts)}, and ${receipts} receipts, in ${store}`,
    ...(waiting === 0 ? [] : [`waiting    ${waiting} records that were in no log yet: servers move them`]),
    ...missingLines(missing, 'not in the states; '),
    ...(doubled === ''
      ? []
      : [`doubled    ${doubled}: each names two decisions, and both are in the states`]),
    ...differingLines(differing),
    `numbers    go on after ${lastSequence}; servers that still run decide again by themselves`,
  ]
}
