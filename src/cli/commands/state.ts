import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { ServingSettings } from '../../config/serving-config.ts'
import { summarizeState, verifyStates } from '../../decisions/states/inspect-states.ts'
import { loadStates } from '../../decisions/states/load-states.ts'
import { migrateStates } from '../../decisions/states/migrate-states.ts'
import { readStoreIdentity } from '../../decisions/states/store-identity.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import { type LoadModel, runFolderOf } from '../../pipelines/service/model-source.ts'
import type { OpenStates, ServingStorage } from '../../pipelines/service/serving-storage.ts'
import { countsText, ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'

/** What the command needs of the composition root. */
export interface StateTools {
  readonly storage: ServingStorage
  readonly modelLoader: (
    settings: ServingSettings['model'],
    environment: CommandContext['environment'],
    workingDirectory: string,
  ) => LoadModel
  readonly world: Pick<World, 'now' | 'newId'>
}

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
}

/** `vigia state`: the states that serving keeps. */
export const stateCommand = (tools: StateTools): Command => ({
  name: 'state',
  summary: 'load, inspect and verify the states of users, merchants and devices',
  description:
    'load fills the state store of the serving configuration with the states that training ended with, so that the first request sees every history; `vigia serve` does so by itself when its store is empty. inspect tells what is in the store, or the state of one user, merchant or device. verify decodes every state by the layouts of the model; exit code 1: some cannot be used. migrate carries a service over to a model with other entities, windows or cleaning: it takes the states of the run in --from, and every decision and label of the old logs that the run has not seen, into new states for `vigia state load --from`. A store of lmdb is used by one process at a time: stop the server first.',
  arguments: [{ name: '<action>', description: 'what to do', choices: [...Object.keys(ACTIONS), 'migrate'] }],
  options: [
    {
      flags: '--from <folder>',
      description: 'for load: run folder with states/; otherwise the run of model.source',
    },
    { flags: '--force', description: 'for load: replace the states that are there' },
    {
      flags: '-l, --log <folder>',
      description: 'for migrate: log of a server that decided meanwhile (may be repeated)',
      repeatable: true,
    },
    { flags: '-o, --out <folder>', description: 'for migrate: folder that gets states/' },
    { flags: '--user <id>', description: 'for inspect: the state of this user' },
    { flags: '--merchant <id>', description: 'for inspect: the state of this merchant' },
    { flags: '--device <id>', description: 'for inspect: the state of this device' },
    {
      flags: '--entity <kind=id>',
      description:
        "for inspect: the state of this entity of the bank's own; parts of an id are joined with a line end",
    },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia state load --from runs/vigia', explanation: 'Before the first start of a server.' },
    { command: 'vigia state inspect --user U0000091', explanation: 'What is remembered of a user.' },
    { command: 'vigia state verify', explanation: 'Whether every state can be used.' },
    {
      command: 'vigia state migrate --from runs/new --log serving/log --out migrated',
      explanation: 'Nothing that was decided since the training data ended is lost to the new model.',
    },
  ],
  run: async (context, input) => {
    const { settings } = await readServingConfig(context, input)
    if (input.arguments[0] === 'migrate') return migrate({ context, input, settings, tools })
    const load = tools.modelLoader(settings.model, context.environment, context.workingDirectory)
    const states = await tools.storage.openStates(settings.state_store)
    try {
      return await ACTIONS[input.arguments[0] ?? '']!({ context, input, settings, states, load, tools })
    } finally {
      await states.store.close()
    }
  },
})

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
  const from = join(run, 'states')
  const { counts, pendingLabels, droppedLabels } = await loadStates({
    store: states.store,
    storeName: states.name,
    isOwned: states.kind === 'owned',
    model,
    from,
    force: input.options['force'] === true,
    world: tools.world,
    work,
  })
  print(context, { from, counts, pendingLabels, droppedLabels }, [
    `loaded ${countsText(counts)} and ${pendingLabels} of ${pendingLabels + droppedLabels} labels that are not due yet from ${relative(workingDirectory, from)} into ${states.name}`,
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

/** Decisions that were answered and stand in no log yet would be forgotten with the states. */
const assertNoOutbox = async ({ store, name }: Extract<OpenStates, { kind: 'shared' }>): Promise<void> => {
  const waiting = await store.takeEntries(1000, 1)
  if (waiting.length > 0)
    throw new VigiaError('SERVING_OUTBOX_NOT_EMPTY', { store: name, records: waiting.length })
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
      `late               ${summary.late} placed, ${summary.tooLate} too late to count; ${summary.truncated} left the full ring early`,
    ])
    return 0
  }
  const identity = await readStoreIdentity(states.store)
  const counts = await states.store.count()
  print(context, { store: states.name, counts, identity: identity ?? null }, [
    `${states.name}: ${countsText(counts)}`,
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
    throw new VigiaError('CLI_INVALID_ARGUMENT', { command: 'state', reason: `migrate needs ${missing[0]}` })
  const run = resolve(workingDirectory, String(from))
  const folder = resolve(workingDirectory, String(out))
  const load = tools.modelLoader(settings.model, context.environment, workingDirectory)
  const migrated = await migrateStates({
    model: await load(run),
    run,
    logs: (log as readonly string[]).map((name) => resolve(workingDirectory, name)),
    openLog: tools.storage.readLog,
    out: folder,
    work: {
      ...context.work,
      database: {
        threads: availableParallelism(),
        memoryLimit: '2GB',
        tempDirectory: join(folder, '.spill'),
      },
    },
  })
  const shown = relative(workingDirectory, folder) || '.'
  print(context, { ...migrated, out: folder }, [
    `taken in   ${migrated.taken} decisions that the run has not seen (${migrated.known} it has), ${migrated.labels} labels`,
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
  const isForeign = identity !== undefined && identity.statesKey !== model.statesKey
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

const print = (context: CommandContext, json: unknown, lines: readonly string[]): void =>
  context.stdout.write(context.json ? `${JSON.stringify(json, null, 2)}\n` : `${lines.join('\n')}\n`)
