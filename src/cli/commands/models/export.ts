import { findVersion } from '../../../artifacts/find-version.ts'
import { VigiaError } from '../../../errors.ts'
import { exportVersion } from '../../../pipelines/promotion/export-version.ts'
import type { ExitCode } from '../../command.ts'
import { type ModelsRequest, pathIn, printJson, printLines, readDecisions, shown } from './models-request.ts'

/** `vigia models export`: the artifact of a version as a folder that `vigia predict --model` scores with. */
export const exportModel = async (request: ModelsRequest): Promise<ExitCode> => {
  const { store, model, context, input } = request
  const out = pathIn(request, 'out')
  if (out === undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', { command: 'models', reason: 'export needs --out <folder>' })
  // An alias must name what was decided.
  await readDecisions(request)
  const version = await findVersion(store.registry, model, input.arguments[1] ?? '')
  const exported = await exportVersion(store.registry, version, out)
  if (context.json) printJson(request, { model, ...exported })
  else
    printLines(request, [
      `exported     version ${exported.version} of ${model}, ${exported.features} features, verified`,
      `model        ${shown(request, out)}`,
      '',
      `next         npx vigia predict FILE --model ${shown(request, out)} --out scores.csv`,
    ])
  return 0
}
