import { rollBack } from '../../../pipelines/promotion/roll-back.ts'
import type { ExitCode } from '../../command.ts'
import { decidingIn, type ModelsRequest, printJson, printLines, tellRepairs } from './models-request.ts'

/** `vigia models rollback`: production is again what it was before. */
export const rollBackVersion = async (request: ModelsRequest): Promise<ExitCode> => {
  const { decision, settled } = await rollBack(decidingIn(request))
  if (request.context.json) printJson(request, { model: request.model, decision, aliases: settled.aliases })
  else
    printLines(request, [
      `Version ${decision.to} of ${request.model} is production again, version ${decision.from} is previous (decision ${decision.number}, by ${decision.by}).`,
    ])
  tellRepairs(request, { ...settled, repaired: [] })
  return 0
}
