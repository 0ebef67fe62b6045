import { resolve } from 'node:path'
import { VigiaError } from '../../../errors.ts'
import { type ImportModelResult, importModel } from '../../../pipelines/import-model.ts'
import { registerImport } from '../../../pipelines/promotion/register-import.ts'
import type { CommandInput, ExitCode } from '../../command.ts'
import { workOf } from '../../command-work.ts'
import { type ModelsRequest, pathIn, printLines, shown } from './models-request.ts'

/** `vigia models import`: a model that XGBoost trained elsewhere. */
export const importXgboost = async (request: ModelsRequest): Promise<ExitCode> => {
  const { context, input, config, store, model, tools } = request
  const threshold = thresholdIn(input)
  const run = pathIn(request, 'run')
  const out = pathIn(request, 'out')
  if (run === undefined || out === undefined) throw invalid('import needs --run <folder> and --out <folder>')
  const result = await importModel({
    file: resolve(context.workingDirectory, input.arguments[1] ?? ''),
    run,
    out,
    ...(threshold === undefined ? {} : { threshold }),
    replace: input.options['force'] === true,
    work: workOf(context, config.settings.resources),
  })
  const { tracking, project } = config.settings
  const version =
    input.options['register'] === true
      ? await registerImport({
          store,
          model,
          folder: out,
          source: result,
          world: tools.world,
          experiment: tracking.experiment || project.name,
        })
      : undefined
  if (context.json)
    context.stdout.write(
      `${JSON.stringify({ ...result, ...(version !== undefined && { version: version.version }) })}\n`,
    )
  else {
    const registered = version && `version ${version.version} of ${model} in ${store.registry.location}`
    printLines(request, describe(request, result, registered))
  }
  return 0
}

const thresholdIn = ({ options }: CommandInput): number | undefined => {
  const asked = options['threshold']
  if (typeof asked !== 'number') return undefined
  if (asked >= 0 && asked <= 1) return asked
  throw invalid(`--threshold is a probability from 0 to 1, got ${asked}`)
}

const invalid = (reason: string) => new VigiaError('CLI_INVALID_ARGUMENT', { command: 'models', reason })

const describe = (
  request: ModelsRequest,
  result: ImportModelResult,
  registered: string | undefined,
): readonly string[] => {
  const out = shown(request, result.out)
  const names =
    result.namesFrom === 'file'
      ? 'named by the file'
      : "named after those of the run's model in order, because the file names none: check that it was trained on them in that order"
  return [
    `imported     ${result.file}: ${result.trees} trees`,
    `features     ${result.features}, ${names}`,
    `threshold    ${result.threshold} (${result.thresholdChoice})`,
    `states       ${result.hasStates ? 'those of the run' : 'none: history begins with what is scored'}`,
    `model        ${out}`,
    ...(registered === undefined ? [] : [`registered   ${registered}`]),
    '',
    `next         npx vigia predict FILE --model ${out} --out scores.csv`,
  ]
}
