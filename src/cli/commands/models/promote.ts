import picocolors from 'picocolors'
import { VigiaError } from '../../../errors.ts'
import { readParityReport } from '../../../pipelines/parity/parity-report.ts'
import { type PromotionGate, SKIPPABLE_GATES } from '../../../pipelines/promotion/gates.ts'
import { promote } from '../../../pipelines/promotion/promote.ts'
import type { CommandInput, ExitCode } from '../../command.ts'
import { threadsOf, workOf } from '../../command-work.ts'
import { withoutOut } from '../../output-file.ts'
import { runFolder } from '../run.ts'
import { gateTable } from './model-text.ts'
import {
  decidingIn,
  type ModelsRequest,
  pathIn,
  printJson,
  printLines,
  shown,
  tellRepairs,
} from './models-request.ts'

/** `vigia models promote`: gates, decision, alias. */
export const promoteVersion = async (request: ModelsRequest): Promise<ExitCode> => {
  const { context, input, config, model, tools } = request
  const deciding = decidingIn(request)
  const skip = skippedIn(input)
  const to = input.options['to'] === 'staging' ? 'staging' : 'production'
  const reference = input.arguments[1] ?? ''
  const folder = pathIn(request, 'run') ?? runFolder(context, config, withoutOut(input))
  const report = pathIn(request, 'parity')
  const { resources } = config.settings
  const paint = picocolors.createColors(context.useColor)
  const promoted = await promote({
    ...deciding,
    version: reference,
    to,
    skip,
    runFolder: folder,
    runName: shown(request, folder),
    workers: threadsOf(resources),
    work: workOf(context, resources),
    settings: config.settings.promotion,
    ...(report !== undefined && { parityReport: await readParityReport(report) }),
    storage: tools.storage,
    world: tools.world,
    onGates: (gates) => {
      // What failed is told as well; the document of a promotion that goes on comes at its end.
      if (!context.json) printLines(request, [...gateTable(gates, paint), ''])
      else if (gates.some(({ passed, skipped }) => !passed && !skipped))
        printJson(request, { model, alias: to, decision: null, gates })
    },
  })
  if (promoted === undefined) {
    if (context.json) printJson(request, { model, alias: to, decision: null, reason: 'is there already' })
    else printLines(request, [`${reference} of ${model} is ${to} already: nothing was decided.`])
    return 0
  }
  const { decision, evidence, settled } = promoted
  if (context.json) printJson(request, { model, decision, aliases: settled.aliases, evidence })
  else
    printLines(request, [
      `Version ${decision.to} of ${model} is ${to} now${decision.from === null ? '' : `, after version ${decision.from}`} (decision ${decision.number}, by ${decision.by}).`,
      ...(to === 'production' && decision.from !== null
        ? ['', 'undo         npx vigia models rollback --reason WHY']
        : []),
    ])
  tellRepairs(request, { ...settled, repaired: [] })
  return 0
}

/** @throws CLI_INVALID_ARGUMENT for a gate that is none or cannot be passed over, and without a reason */
const skippedIn = ({ options }: CommandInput): readonly PromotionGate[] => {
  const asked = options['skip']
  const names = Array.isArray(asked) ? (asked as readonly string[]) : []
  const refuse = (reason: string) => new VigiaError('CLI_INVALID_ARGUMENT', { command: 'models', reason })
  const skip = names.map((name) => {
    const gate = SKIPPABLE_GATES.find((each) => each === name)
    if (gate === undefined) throw refuse(`--skip is one of ${SKIPPABLE_GATES.join(', ')}, got ${name}`)
    return gate
  })
  const reason = options['reason']
  if (skip.length > 0 && (typeof reason !== 'string' || reason.trim() === ''))
    throw refuse('--skip needs --reason: the exception is recorded with it')
  return skip
}
