import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { isAddress } from '../../artifacts/model-source.ts'
import { runFolderOf } from '../../artifacts/run-folder.ts'
import { type BuiltBranch, buildBranch } from '../../branches/build-branch.ts'
import { eventTimeBounds, type ServingSettings } from '../../config/serving-config.ts'
import type { DecisionSettings } from '../../decisions/decisions.ts'
import type { InferenceObserver } from '../../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import { layoutName } from '../../decisions/log/log-layouts.ts'
import { warningsOnly } from '../../decisions/warnings-only.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { LoadModel } from '../../pipelines/service/model-source.ts'
import { decisionSettingsOf } from '../../pipelines/service/open-service.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { OwnedStateStore } from '../../ports/state-store.ts'
import type { CommandContext, CommandInput, ExitCode } from '../command.ts'
import { type AdminApi, adminApi, type RunningServer, type ServedBranch } from './admin-api.ts'
import { buildMemory, type MemoryLeft } from './build-memory.ts'
import { print, workIn } from './state-action.ts'

/** What the command needs of the composition root. */
export interface BranchTools {
  readonly storage: ServingStorage
  readonly modelLoader: (
    settings: ServingSettings['model'],
    environment: CommandContext['environment'],
    workingDirectory: string,
  ) => LoadModel
  readonly world: World
  /**
   * Takes out of the store in a folder, which nobody has open, the room that nothing uses. @throws
   * SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED
   */
  readonly compactStates: (folder: string) => Promise<void>
  /** What this process may use at the moment. */
  readonly memory: () => MemoryLeft
}

/** What `vigia state migrate` works with beside a server. */
export interface BranchRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: ServingSettings
  readonly tools: BranchTools
}

export const BRANCH_OPTIONS = [
  {
    flags: '--to <model>',
    description:
      'for migrate: make the states of this model beside those of the server, which goes on deciding (lmdb)',
  },
  { flags: '--switch', description: 'for migrate --to: let the model decide when its states have caught up' },
  {
    flags: '--back',
    description: 'for migrate: let the model before this one decide again, with its states',
  },
  {
    flags: '--drop <layout>',
    description: 'for migrate: end states that no model in service needs, and free their disk',
  },
  {
    flags: '--server <url>',
    description:
      'for migrate: address of the running server; otherwise api.host and api.port. VIGIA_API_KEY has its key',
  },
] as const

/** Whether these are the words of a migration beside a server. */
export const isBranching = ({ options }: CommandInput): boolean =>
  typeof options['to'] === 'string' || options['back'] === true || typeof options['drop'] === 'string'

/**
 * Makes sure that one migration is meant, and that each option is one of it.
 *
 * @throws CLI_INVALID_ARGUMENT
 */
export const assertOneWay = ({ options }: CommandInput): void => {
  const given = (name: string): boolean => {
    const value = options[name] ?? false
    return Array.isArray(value) ? value.length > 0 : value !== false
  }
  const refuse = (reason: string) => new VigiaError('CLI_INVALID_ARGUMENT', { command: 'state', reason })
  const ways = ['to', 'back', 'drop', 'out'].filter(given)
  if (ways.length > 1)
    throw refuse(`migrate does one thing at a time, and --${ways.join(' and --')} are given`)
  const [way = 'out'] = ways
  if (given('switch') && way !== 'to') throw refuse('--switch belongs to migrate --to <model>')
  if (given('log') && way !== 'out')
    throw refuse(`--log belongs to migrate --out, and --${way} takes the log of the server`)
  if (given('from') && (way === 'back' || way === 'drop')) throw refuse(`--${way} needs no --from`)
  if (given('server') && way === 'out') throw refuse('--server belongs to migrate --to, --back and --drop')
}

/** `vigia state migrate --to`, `--back` and `--drop`. */
export const branch = async (request: BranchRequest): Promise<ExitCode> => {
  const { context, input, settings } = request
  const { kind } = settings.state_store
  if (kind !== 'lmdb') throw new VigiaError('SERVING_BRANCHES_UNSUPPORTED', { store: kind })
  const api = adminApi(settings, input.options['server'], context.environment)
  if (input.options['back'] === true) return goBack(request, api)
  if (typeof input.options['drop'] === 'string') {
    const left = await api.drop(input.options['drop'])
    print(context, { branches: left }, [`ended      ${input.options['drop']}`, ...left.map(branchLine)])
    return 0
  }
  return migrateTo(request, api, String(input.options['to']))
}

/** Times that a server is asked to take states over, which the log has gone on past meanwhile. */
const MOST_TRIES = 5

const migrateTo = async (request: BranchRequest, api: AdminApi, source: string): Promise<ExitCode> => {
  const { context, input, settings, tools } = request
  const { workingDirectory, environment } = context
  const load = tools.modelLoader(settings.model, environment, workingDirectory)
  const model = await load(source)
  const isSwitching = input.options['switch'] === true
  const running = await api.find()
  let branches = running?.branches
  let built: BuiltBranch | undefined
  const isDeciding = running !== undefined && (await decides(api, load, model))
  for (let tries = 1; !isDeciding && !hasLayout(branches, model); tries++) {
    built = await build(request, model, source, running)
    if (running === undefined) break
    try {
      branches = await api.adopt(sourceForServer(source, workingDirectory))
    } catch (error) {
      const isBehind = error instanceof VigiaError && error.code === 'SERVING_BRANCH_FAILED'
      if (!isBehind || tries === MOST_TRIES) throw error
    }
  }
  const isServed = running !== undefined
  const pauseMs =
    isServed && isSwitching ? await api.switchTo(sourceForServer(source, workingDirectory)) : undefined
  const layout = layoutName(model.layoutKey)
  print(context, { layout, built: built ?? null, isServed, isSwitched: isServed && isSwitching, pauseMs }, [
    built === undefined
      ? `states     ${layout} ${isDeciding ? 'decide' : 'follow the log'} already`
      : `states     ${layout}: ${built.taken} records of the log taken in, up to ${built.through} (${built.known} decisions were known to the run)`,
    ...(isServed
      ? []
      : [`next       no server answers: vigia serve --set model.source=${source} begins with them`]),
    ...(isServed && !isSwitching
      ? [
          'next       the same command with --switch, or POST /admin/models/switch; POST /admin/models/shadow tries it first',
        ]
      : []),
    ...(isServed && isSwitching
      ? [`decides    ${source}${pauseText(pauseMs)}; \`vigia state migrate --back\` goes back`]
      : []),
  ])
  // It was asked for, and there is nobody who could.
  return isSwitching && !isServed ? 1 : 0
}

/** Whether the states that decide are of the model's layout: it goes on from them. */
const decides = async (api: AdminApi, load: LoadModel, { layoutKey }: LoadedModel): Promise<boolean> => {
  const source = await api.champion()
  // One that is found from the server's folder alone is told of by the server.
  const champion = await load(source).catch(() => undefined)
  return champion?.layoutKey === layoutKey
}

const hasLayout = (branches: readonly ServedBranch[] | undefined, { layoutKey }: LoadedModel): boolean =>
  branches?.some(({ layout }) => layout === layoutName(layoutKey)) === true

/** A server may have been started elsewhere: a folder is named in full. */
const sourceForServer = (source: string, workingDirectory: string): string =>
  isAddress(source) ? source : resolve(workingDirectory, source)

const build = async (
  request: BranchRequest,
  model: LoadedModel,
  source: string,
  running: RunningServer | undefined,
): Promise<BuiltBranch> => {
  const { context, input, settings, tools } = request
  const { workingDirectory } = context
  const { from } = input.options
  const run =
    typeof from === 'string' ? resolve(workingDirectory, from) : await runFolderOf(source, workingDirectory)
  if (run === undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `${source} is no run folder, so give --from <folder> of the run that trained it`,
    })
  const workFolder = join(workingDirectory, '.vigia')
  await mkdir(workFolder, { recursive: true })
  const { state_store, prediction_log } = settings
  return buildBranch({
    model,
    run,
    log: prediction_log.path,
    openLog: tools.storage.readLog,
    states: state_store.path,
    openStore: async (path) =>
      (await tools.storage.openStates({ ...state_store, path })).store as OwnedStateStore,
    compactStore: tools.compactStates,
    settings: buildSettings(request, running),
    world: tools.world,
    observer: tellNobody(context),
    workFolder,
    work: workIn(context, workFolder),
  })
}

/** As a server has them; nothing expires while states are made, nor becomes Parquet. */
const buildSettings = (
  { settings, tools }: BranchRequest,
  running: RunningServer | undefined,
): DecisionSettings => ({
  ...decisionSettingsOf({
    settings,
    eventTime: eventTimeBounds(settings),
    ...buildMemory(tools.memory(), running?.unfilledCacheBytes ?? 0),
  }),
  archiveAfterBytes: Number.POSITIVE_INFINITY,
  expiresStates: false,
})

const tellNobody = ({ stdout, json }: CommandContext): InferenceObserver =>
  warningsOnly((code, details) => {
    if (!json) stdout.write(`warning    ${code}: ${JSON.stringify(details)}\n`)
  })

const goBack = async ({ context }: BranchRequest, api: AdminApi): Promise<ExitCode> => {
  const branches = await api.list()
  const decided = branches.filter(({ source }) => source !== null)
  const last = decided.sort((a, b) => (b.decided_through ?? 0) - (a.decided_through ?? 0)).at(0)
  if (last?.source == null) throw noneBefore(branches)
  const pauseMs = await api.switchTo(last.source)
  const { layout, source } = last
  print(context, { layout, source, pauseMs }, [`decides    ${source}${pauseText(pauseMs)}`])
  return 0
}

const pauseText = (pauseMs: number | undefined): string =>
  pauseMs === undefined ? '' : `, after requests waited ${pauseMs.toFixed(1)} ms`

const noneBefore = (branches: readonly ServedBranch[]): VigiaError => {
  const there = branches.map(
    ({ layout, model }) => `those of ${layout}, made for ${model.name} ${model.version}, follow`,
  )
  return new VigiaError('SERVING_NO_EARLIER_LAYOUT', {
    there: there.length === 0 ? 'there are no others' : `${there.join(', ')} and have decided nothing`,
  })
}

const branchLine = ({ layout, model, shadow, records_behind, bytes, failure }: ServedBranch): string =>
  `follows    ${layout} of ${model.name} ${model.version}, ${records_behind} records behind, ${(bytes / 1e6).toFixed(1)} MB${shadow == null ? '' : `, scores the shadow ${shadow.name} ${shadow.version}`}${failure === '' ? '' : `: ${failure}`}`

/** Lines of `vigia state inspect` about states of other layouts in their folders. */
export const branchFoldersText = (folders: readonly string[], workingDirectory: string): readonly string[] =>
  folders.map((folder) => `beside it  ${relative(workingDirectory, folder)}: states of another layout`)
