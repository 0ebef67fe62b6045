import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { VigiaError } from '../../../errors.ts'
import type { AskedOfImport } from '../../../model/imported/as-ours.ts'
import type { GivenCategories } from '../../../model/imported/resolve-categories.ts'
import { type ImportModelResult, importModel } from '../../../pipelines/import-model.ts'
import { registerImport } from '../../../pipelines/promotion/register-import.ts'
import type { CommandInput, ExitCode } from '../../command.ts'
import { workOf } from '../../command-work.ts'
import { type ModelsRequest, pathIn, printLines, shown } from './models-request.ts'

/** `vigia models import`: a model that another library trained elsewhere. */
export const importForeign = async (request: ModelsRequest): Promise<ExitCode> => {
  const { context, input, config, store, model, tools } = request
  const threshold = thresholdIn(input)
  const run = pathIn(request, 'run')
  const out = pathIn(request, 'out')
  if (run === undefined || out === undefined) throw invalid('import needs --run <folder> and --out <folder>')
  const positiveClass = input.options['positive-class']
  const result = await importModel({
    file: resolve(context.workingDirectory, input.arguments[1] ?? ''),
    run,
    out,
    ...(threshold === undefined ? {} : { threshold }),
    ...treesIn(input),
    ...missingIn(input),
    ...(await categoriesIn(request)),
    ...(typeof positiveClass === 'string' && { positiveClass }),
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

const treesIn = ({ options }: CommandInput): Pick<AskedOfImport, 'trees'> => {
  const asked = options['trees']
  if (typeof asked !== 'string') return {}
  if (asked === 'all' || asked === 'best') return { trees: asked }
  if (/^[1-9]\d{0,8}$/.test(asked)) return { trees: Number(asked) }
  throw invalid(`--trees is all, best, or a whole number from 1, got ${asked}`)
}

const missingIn = ({ options }: CommandInput): Pick<AskedOfImport, 'missingValue'> => {
  const asked = options['missing']
  if (typeof asked !== 'string') return {}
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(asked) && Number.isFinite(Math.fround(Number(asked))))
    return { missingValue: Number(asked) }
  throw invalid(`--missing is a number that a float holds, got ${asked}`)
}

/** --categories: `values`, or a file with the values of each feature's categories in their order. */
const categoriesIn = async (request: ModelsRequest): Promise<Pick<AskedOfImport, 'categories'>> => {
  const asked = request.input.options['categories']
  if (typeof asked !== 'string') return {}
  if (asked === 'values') return { categories: asked }
  const path = resolve(request.context.workingDirectory, asked)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`--categories is values or a file of JSON; ${path}: ${(error as Error).message}`)
  })
  const categories = categoriesOf(text)
  if (categories !== undefined) return { categories }
  throw invalid(
    `${path} is no JSON object of lists of texts and numbers by the name of the feature, such as {"channel_code": [0, 2, 5]}`,
  )
}

const categoriesOf = (text: string): Exclude<GivenCategories, 'values'> | undefined => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const found: [string, (string | number)[]][] = []
  for (const [name, list] of Object.entries(json)) {
    if (!Array.isArray(list)) return undefined
    // Yes and no are 1 and 0, as in features.
    const values = list.map((value: unknown) => (typeof value === 'boolean' ? Number(value) : value))
    if (!values.every((value) => typeof value === 'string' || typeof value === 'number')) return undefined
    found.push([name, values])
  }
  return Object.fromEntries(found)
}

const invalid = (reason: string) => new VigiaError('CLI_INVALID_ARGUMENT', { command: 'models', reason })

const CATEGORIES_BY: Readonly<Record<ImportModelResult['categories'][string], string>> = {
  file: 'their values are told by the file',
  given: 'their values are those of --categories',
  values: "whole numbers in the file are the feature's own values, as --categories says",
}

const missingWords = ({ missingValue }: ImportModelResult): string =>
  missingValue === null
    ? 'NaN alone (a model trained with missing=-1 or the like needs --missing: newer files do not tell)'
    : `NaN and ${missingValue}`

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
    `imported     ${result.file}: ${result.library}, ${result.objective}`,
    `trees        ${result.trees} of ${result.treesInFile} (${result.treesWhy})`,
    `missing      ${missingWords(result)}`,
    ...Object.entries(result.categories).map(([name, by]) => `categories   ${name}: ${CATEGORIES_BY[by]}`),
    ...result.notes.map((note) => `note         ${note}`),
    `features     ${result.features}, ${names}`,
    `threshold    ${result.threshold} (${result.thresholdChoice})`,
    `states       ${result.hasStates ? 'those of the run' : 'none: history begins with what is scored'}`,
    `model        ${out}`,
    ...(registered === undefined ? [] : [`registered   ${registered}`]),
    '',
    `next         npx vigia predict FILE --model ${out} --out scores.csv`,
  ]
}
