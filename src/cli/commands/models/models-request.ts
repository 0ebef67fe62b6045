import { relative, resolve } from 'node:path'
import type { ConfigManager } from '../../../config/config-manager.ts'
import type { TrainingSettings } from '../../../config/training-config.ts'
import { VigiaError } from '../../../errors.ts'
import type { World } from '../../../foundation/world.ts'
import type { Deciding } from '../../../pipelines/promotion/promote.ts'
import { openPromotionLog, type PromotionLog } from '../../../pipelines/promotion/promotion-log.ts'
import { type SettledAliases, settleAliases } from '../../../pipelines/promotion/settle-aliases.ts'
import type { ServingStorage } from '../../../pipelines/service/serving-storage.ts'
import type { OpenTrackingStore, TrackingStore } from '../../../ports/tracking-store.ts'
import type { CommandContext, CommandInput } from '../../command.ts'

/** What `vigia models` needs of the composition root. */
export interface ModelsTools {
  readonly openTrackingStore: OpenTrackingStore
  readonly world: World
  /** What a server keeps states and log in; promotion serves with it. */
  readonly storage: ServingStorage
}

/** What an action of `vigia models` works with. */
export interface ModelsRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly config: ConfigManager<TrainingSettings>
  readonly store: TrackingStore
  /** Name of the registered model. */
  readonly model: string
  readonly tools: ModelsTools
}

/** Prints the answer to a request as JSON. */
export const printJson = ({ context }: Pick<ModelsRequest, 'context'>, answer: unknown): void =>
  context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)

/** Prints the answer to a request for people. */
export const printLines = ({ context }: Pick<ModelsRequest, 'context'>, lines: readonly string[]): void =>
  context.stdout.write(lines.map((line) => `${line}\n`).join(''))

/** A path of an option, absolute. */
export const pathIn = ({ context, input }: ModelsRequest, option: string): string | undefined => {
  const value = input.options[option]
  return typeof value === 'string' ? resolve(context.workingDirectory, value) : undefined
}

/** A path as people in the working directory know it. */
export const shown = ({ context }: Pick<ModelsRequest, 'context'>, path: string): string =>
  relative(context.workingDirectory, path) || '.'

/** Who decides and why, by --by and --reason. @throws CLI_INVALID_ARGUMENT when nothing says who */
export const decidingIn = ({ context, input, store, model, tools }: ModelsRequest): Deciding => {
  const { environment } = context
  const asked = input.options['by'] ?? environment['USER'] ?? environment['LOGNAME']
  const by = typeof asked === 'string' ? asked.trim() : ''
  if (by === '')
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'models',
      reason: 'nothing says who decides: USER and LOGNAME are not set, so give --by <name>',
    })
  const reason = reasonIn(input)
  return { store, model, by, world: tools.world, ...(reason !== undefined && { reason }) }
}

/** Most characters of a reason: a decision must fit into one parameter, in any script. */
const MOST_REASON = 1000

/** --reason; undefined when it is absent or says nothing. @throws CLI_INVALID_ARGUMENT when it is too long */
export const reasonIn = ({ options }: CommandInput): string | undefined => {
  const asked = options['reason']
  const reason = typeof asked === 'string' ? asked.trim() : ''
  if (reason.length > MOST_REASON)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'models',
      reason: `--reason has at most ${MOST_REASON} characters, got ${reason.length}`,
    })
  return reason === '' ? undefined : reason
}

/**
 * The decisions about the model, after its aliases were put where they want them; what was put right is told
 * on stderr.
 */
export const readDecisions = async (
  request: ModelsRequest,
): Promise<{ readonly log: PromotionLog; readonly settled: SettledAliases }> => {
  const { store, model, tools } = request
  const log = await openPromotionLog({ tracker: store.tracker, model, world: tools.world })
  const settled = await settleAliases(log, store.registry, model)
  tellRepairs(request, settled)
  return { log, settled }
}

/** Says on stderr which aliases did not agree with the decisions. */
export const tellRepairs = ({ context }: ModelsRequest, { repaired, impossible }: SettledAliases): void => {
  const version = (number: number | null): string => (number === null ? 'no version' : `version ${number}`)
  for (const { alias, found, wanted } of repaired)
    context.stderr.write(
      `warning: alias ${alias} named ${version(found)}, and the decisions say ${version(wanted)}: it was put right\n`,
    )
  for (const { alias, wanted } of impossible)
    context.stderr.write(
      `warning: the decisions say that alias ${alias} is ${version(wanted)}, which is not in the registry any more\n`,
    )
}
