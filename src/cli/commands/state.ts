import { join, relative, resolve } from 'node:path'
import { runFolderOf } from '../../artifacts/run-folder.ts'
import { branchFolder, branchFolders } from '../../branches/branch-folders.ts'
import { eventTimeBounds, type ServingSettings } from '../../config/serving-config.ts'
import { migrateStates } from '../../decisions/states/migrate-states.ts'
import { goesOnFrom, readStoreIdentity } from '../../decisions/states/store-identity.ts'
import { VigiaError } from '../../errors.ts'
import { formatDuration } from '../../foundation/duration.ts'
import type { LoadModel } from '../../pipelines/service/model-source.ts'
import type { OpenStates } from '../../pipelines/service/serving-storage.ts'
import { summarizeState, verifyStates } from '../../states/inspect-states.ts'
import { loadStates } from '../../states/load-states.ts'
import { countsText, ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { RESTORE_OPTIONS, restoreOwned, restoreShared } from './restore.ts'
import { assertNoOutbox, assertStates, print, workIn } from './state-action.ts'
import {
  assertOneWay,
  BRANCH_OPTIONS,
  type BranchTools,
  branch,
  branchFoldersText,
  isBranching,
} from './state-branch.ts'
import { repair } from './state-repair.ts'
import { assertShared, snapshot } from './state-snapshot.ts'

/** What the command needs of the composition root. */
export type StateTools = BranchTools

/** An action on an open store. */
interface Request {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly states: OpenStates
  readonly load: LoadModel
  readonly tools: StateTools
}

const ACTIONS: Readonly<Record<string, (request: Request) => Promise<ExitCode>>> = {
  load: (request) => load(request),
  inspect: (request) => inspect(request),
  verify: (request) => verify(request),
  repair: (request) => repair(request),
  restore: (request) => restore(request),
  snapshot: ({ states, ...request }) => {
    if (states.kind === 'owned') throw new Error('it was refused before the store was opened')
    return snapshot({ ...request, states })
  },
}

const EXAMPLES: Command['examples'] = [
  { command: 'vigia state load --from runs/vigia', explanation: 'Before the first start of a server.' },
  { command: 'vigia state inspect --user U0000091', explanation: 'What is remembered of a user.' },
  { command: 'vigia state verify', explanation: 'Whether every state can be used.' },
  {
    command: 'vigia state repair --dry-run',
    explanation: 'Which states a transaction from the future has blinded.',
  },
  {
    command: 'vigia state migrate --from runs/new --log serving/log --out migrated',
    explanation: 'Nothing that was decided since the training data ended is lost to the new model.',
  },
  {
    command: 'vigia state migrate --to runs/new --switch',
    explanation: 'A model with other features decides, with the history of the server, which never stops.',
  },
  { command: 'vigia state migrate --back', explanation: 'The model before it decides again.' },
  {
    command: 'vigia state restore',
    explanation: 'After the folder of an lmdb store was lost: made again from the log.',
  },
  {
    command: 'vigia state restore --log pod-a/log --log pod-b/log',
    explanation: 'After a shared store was emptied or set back.',
  },
  {
    command: 'vigia state snapshot --log pod-a/log --log pod-b/log',
    explanation: 'Once a day: from then on a restore replays what came after it, and old days may go.',
  },
]

/** `vigia state`: the states that serving keeps. */
export const stateCommand = (tools: StateTools): Command => ({
  name: 'state',
  summary: 'load, inspect, verify, repair, restore and snapshot the states of users, merchants and devices',
  description:
    'load fills the state store of the serving configuration with the states that training ended with, so that the first request sees every history; `vigia serve` does so by itself when its store is empty. inspect tells what is in the store, or the state of one user, merchant or device. verify decodes every state by the layouts of the model; exit code 1: some cannot be used. migrate carries a service over to a model with other entities, windows or cleaning: it takes the states of the run in --from, and every decision and label of the old logs that the run has not seen, into new states for `vigia state load --from`; with --to it does so beside a running server of lmdb, which goes on deciding, then lets the new model decide in one step (--switch), and can go back (--back). repair finds the states whose history holds a transaction of a time that cannot be true by event_time (it blinds them to all that comes before it), computes them again from the log without it, and writes them as records of the log, which the next start takes over; for redis, stop every server and name the log of each. restore makes a lost store of lmdb again from its log: the newest snapshot beside it that is whole, or the states that it began with, and every record after it; or puts back what a shared store has lost (it was emptied, or set back to an earlier moment): it replays the logs of all its servers, which refuse to decide until it is done and then go on. It begins with the newest snapshot beside any of the logs. snapshot makes one for a store that servers share, while they decide: it replays their logs after the newest snapshot, up to the last number that none of them lacks, compares every decision with the features that were served, and writes the same snapshot beside each log. A store of lmdb is used by one process at a time: stop the server first.',
  arguments: [{ name: '<action>', description: 'what to do', choices: [...Object.keys(ACTIONS), 'migrate'] }],
  options: [
    {
      flags: '--from <folder>',
      description:
        'for load: run folder with states/; otherwise the run of model.source. For restore and snapshot: the states that the logs began with, or the run folder that has them, to begin there; otherwise the newest snapshot, or the states that the logs name',
    },
    { flags: '--force', description: 'for load and restore: replace the states that are there' },
    {
      flags: '-l, --log <folder>',
      description:
        'for migrate: log of a server that decided meanwhile; for repair, restore and snapshot: log of another server on the same redis, of all of them (may be repeated)',
      repeatable: true,
    },
    {
      flags: '--states <folder>',
      description: 'for repair: snapshot that the states began with; otherwise what the log says',
    },
    { flags: '--dry-run', description: 'for repair: say what would be repaired, and write nothing' },
    { flags: '-o, --out <folder>', description: 'for migrate: folder that gets states/' },
    { flags: '--user <id>', description: 'for inspect: the state of this user' },
    { flags: '--merchant <id>', description: 'for inspect: the state of this merchant' },
    { flags: '--device <id>', description: 'for inspect: the state of this device' },
    {
      flags: '--entity <kind=id>',
      description:
        "for inspect: the state of this entity of the bank's own; parts of an id are joined with a line end",
    },
    ...BRANCH_OPTIONS,
    ...RESTORE_OPTIONS,
    ...CONFIG_OPTIONS,
  ],
  examples: EXAMPLES,
  run: async (context, input) => {
    const { settings } = await readServingConfig(context, input)
    if (input.arguments[0] === 'migrate') {
      assertOneWay(input)
      return isBranching(input)
        ? branch({ context, input, settings, tools })
        : migrate({ context, input, settings, tools })
    }
    const load = tools.modelLoader(settings.model, context.environment, context.workingDirectory)
    const action = input.arguments[0] ?? ''
    if (action === 'snapshot') assertShared(settings)
    const states = await openedFor(action, { input, settings, load, tools })
    try {
      return await ACTIONS[action]!({ context, input, settings, states, load, tools })
    } finally {
      await states.store.close()
    }
  },
})

/** What needs states that are there. */
const LOOKS = new Set(['inspect', 'verify', 'repair'])

/**
 * The store of the settings, or, to look at states and to restore them, that of the model's layout beside
 * it.
 */
const openedFor = async (
  action: string,
  { input, settings, load: loadModel, tools }: Pick<Request, 'input' | 'settings' | 'load' | 'tools'>,
): Promise<OpenStates> => {
  const { state_store } = settings
  if (state_store.kind === 'lmdb' && LOOKS.has(action)) await assertStates(state_store.path)
  const first = await tools.storage.openStates(state_store)
  const isLooking = action === 'verify' || (action === 'inspect' && entityAskedFor(input) !== undefined)
  if (!(isLooking || action === 'restore')) return first
  if (first.kind === 'shared' || state_store.kind !== 'lmdb') return first
  let place: string
  try {
    const { layoutKey, statesKey } = await loadModel(settings.model.source)
    const identity = await readStoreIdentity(first.store).catch((error: unknown) => {
      // What was left half done is made again.
      if (action === 'restore') return undefined
      throw error
    })
    place = branchFolder(state_store.path, layoutKey)
    const isFirst = identity === undefined ? isLooking : goesOnFrom(identity, { layoutKey, statesKey })
    if (isFirst || !(await branchFolders(state_store.path)).includes(place)) return first
  } catch (error) {
    await first.store.close()
    throw error
  }
  await first.store.close()
  return tools.storage.openStates({ ...state_store, path: place })
}

const load = async ({
  context,
  input,
  settings,
  states,
  load: loadModel,
  tools,
}: Request): Promise<ExitCode> => {
  const { workingDirectory, work } = context
  const given = input.options['from']
  const model = await loadModel(settings.model.source)
  const run =
    typeof given === 'string'
      ? resolve(workingDirectory, given)
      : await runFolderOf(settings.model.source, workingDirectory)
  if (run === undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `${settings.model.source} is no run folder, so give --from <folder>`,
    })
  if (states.kind === 'owned') await assertNoLog(settings, tools)
  else await assertNoOutbox(states)
  const isForced = input.options['force'] === true
  if (states.kind === 'shared' && !isForced) await assertNotLost(states)
  const from = join(run, 'states')
  const { counts, pendingLabels } = await loadStates({
    states,
    model,
    from,
    force: isForced,
    world: tools.world,
    work,
    onNotice: (text) => void (context.json || context.stdout.write(`waiting    ${text}\n`)),
  })
  print(context, { from, counts, pendingLabels }, [
    `loaded ${countsText(counts)} and ${pendingLabels} labels that are not due yet from ${relative(workingDirectory, from)} into ${states.name}`,
  ])
  return 0
}

/** Records of other states would be replayed into those that are loaded. */
const assertNoLog = async ({ prediction_log }: ServingSettings, { storage }: StateTools): Promise<void> => {
  let records = 0
  for await (const _ of storage.readLog(prediction_log.path).read(0)) {
    records++
    break
  }
  if (records > 0)
    throw new VigiaError('SERVING_LOG_NOT_EMPTY', { folder: prediction_log.path, records: 'some' })
}

/** A store that was emptied is not begun anew by mistake. @throws SERVING_HISTORY_LOST */
const assertNotLost = async ({ store, name }: Extract<OpenStates, { kind: 'shared' }>): Promise<void> => {
  const { loss } = await store.readHistory()
  if (loss !== '') throw new VigiaError('SERVING_HISTORY_LOST', { store: name, reason: loss })
}

/** Whose state is asked for; undefined: nobody's. @throws CLI_INVALID_ARGUMENT */
const entityAskedFor = ({ options }: CommandInput): { kind: EntityKind; id: string } | undefined => {
  const kind = ENTITY_KINDS.find((candidate) => typeof options[candidate] === 'string')
  if (kind !== undefined) return { kind, id: String(options[kind]) }
  const { entity } = options
  if (typeof entity !== 'string') return undefined
  const at = entity.indexOf('=')
  if (at <= 0)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `--entity is "${entity}"; allowed: kind=id, for instance ip=203.0.113.7`,
    })
  return { kind: entity.slice(0, at), id: entity.slice(at + 1) }
}

const inspect = async (request: Request): Promise<ExitCode> => {
  const { context, input, settings, states, load: loadModel } = request
  const named = entityAskedFor(input)
  if (named !== undefined) {
    const { kind, id } = named
    const summary = await summarizeState(states.store, await loadModel(settings.model.source), kind, id)
    if (summary === undefined) {
      print(context, null, [`${states.name} has no state of ${kind} ${id}`])
      return 1
    }
    const at = summary.lastEventTimeMs
    print(context, summary, [
      `${kind} ${id}: ${summary.bytes} bytes, version ${summary.version}`,
      `last transaction   ${at === null ? 'none' : new Date(at).toISOString()}`,
      `in its windows     ${summary.transactionsInRing} transactions`,
      `log record         ${summary.appliedSequence === 0 ? 'none since training' : `up to ${summary.appliedSequence}`}`,
      `exact              ${summary.exact ? 'yes' : `no: ${summary.steps} steps of ${summary.stepMs / 1000} s count what has left the full ring`} (${summary.truncated} left it so far)`,
      `expires            ${summary.expiresAfterMs === null ? 'never: features count over its life' : `${formatDuration(summary.expiresAfterMs)} after its last transaction, by the clock of all`}`,
      `late               ${summary.late} placed, ${summary.tooLate} too late to count`,
    ])
    return 0
  }
  const identity = await readStoreIdentity(states.store)
  const counts = await states.store.count()
  const history = states.kind === 'shared' ? await states.store.readHistory() : undefined
  const told = history && { lastSequence: history.lastSequence, loss: history.loss }
  print(context, { store: states.name, counts, identity: identity ?? null, ...told }, [
    `${states.name}: ${countsText(counts)}`,
    ...(history === undefined ? [] : [`numbers given up to ${history.lastSequence}`]),
    ...(history === undefined || history.loss === '' ? [] : [`has lost decisions: ${history.loss}`]),
    ...branchFoldersText(await branchesBeside(settings), context.workingDirectory),
    ...(identity === undefined
      ? ['never used']
      : [
          `since ${new Date(identity.createdAtMs).toISOString()}, predictions named ${identity.logName}-…`,
          identity.origin === undefined
            ? 'began without a history'
            : `began with ${relative(context.workingDirectory, identity.origin.folder)}${identity.origin.lastEventTimeMs === null ? '' : `, up to ${new Date(identity.origin.lastEventTimeMs).toISOString()}`}`,
        ]),
  ])
  return 0
}

/** Folders of states of other layouts. */
const branchesBeside = async ({
  state_store: { kind, path },
}: ServingSettings): Promise<readonly string[]> => (kind === 'lmdb' ? branchFolders(path) : [])

const restore = async (request: Request): Promise<ExitCode> => {
  const { context, states, settings, tools } = request
  if (settings.state_store.kind === 'memory')
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: 'state_store.kind is memory: such a store is empty after each start, there is none to restore',
    })
  const model = await request.load(settings.model.source)
  const { json, lines } =
    states.kind === 'owned'
      ? await restoreOwned({ ...request, states, model, tools })
      : await restoreShared({ ...request, states, model, tools })
  print(context, json, lines)
  return 0
}

/** Opens no store: the new states are a folder, for `load`. */
const migrate = async ({
  context,
  input,
  settings,
  tools,
}: Pick<Request, 'context' | 'input' | 'settings' | 'tools'>): Promise<ExitCode> => {
  const { workingDirectory } = context
  const { from, out, log } = input.options
  const missing = [
    ['--from <run>', typeof from],
    ['--out <folder>', typeof out],
    ['--log <folder>', Array.isArray(log) && log.length > 0 ? 'string' : 'nothing'],
  ].find(([, type]) => type !== 'string')
  if (missing !== undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `migrate needs ${missing[0]}, or --to <model> to make the new states beside a running server`,
    })
  const run = resolve(workingDirectory, String(from))
  const folder = resolve(workingDirectory, String(out))
  const load = tools.modelLoader(settings.model, context.environment, workingDirectory)
  const migrated = await migrateStates({
    model: await load(run),
    run,
    logs: (log as readonly string[]).map((name) => resolve(workingDirectory, name)),
    openLog: tools.storage.readLog,
    eventTime: eventTimeBounds(settings),
    out: folder,
    work: workIn(context, folder),
  })
  const shown = relative(workingDirectory, folder) || '.'
  print(context, { ...migrated, out: folder }, [
    `taken in   ${migrated.taken} decisions that the run has not seen (${migrated.known} it has), ${migrated.labels} labels`,
    ...(migrated.untrue === 0
      ? []
      : [
          `left out   ${migrated.untrue} decisions on transactions of a time that cannot be true (event_time)`,
        ]),
    `states     ${join(shown, 'states')}`,
    `next       vigia state load --from ${shown}, with an empty prediction_log.path, then vigia serve`,
  ])
  return 0
}

/** Broken states that are named. */
const MOST_NAMED = 20

const verify = async ({ context, settings, states, load: loadModel }: Request): Promise<ExitCode> => {
  const model = await loadModel(settings.model.source)
  const identity = await readStoreIdentity(states.store)
  const { counts, bytes, broken } = await verifyStates(states.store, model, (done) => {
    if (done % 1000 === 0) context.work.reportProgress({ activity: 'verifying', done, unit: 'states' })
  })
  const isForeign = identity !== undefined && !goesOnFrom(identity, model)
  print(context, { counts, bytes, broken, isForeign }, [
    ...Object.keys(counts).map(
      (kind) => `${kind.padEnd(10)} ${counts[kind]} states, ${(bytes[kind]! / 1e6).toFixed(1)} MB`,
    ),
    ...(isForeign
      ? [`foreign    the store was made for other features or cleaning than ${settings.model.source}`]
      : []),
    ...broken.slice(0, MOST_NAMED).map(({ kind, token, reason }) => `broken     ${kind} ${token}: ${reason}`),
    ...(broken.length > MOST_NAMED ? [`           and ${broken.length - MOST_NAMED} more`] : []),
    broken.length === 0 ? 'every state can be used' : `${broken.length} states cannot be used`,
  ])
  return broken.length === 0 && !isForeign ? 0 : 1
}
