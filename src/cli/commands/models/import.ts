import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { VigiaError } from '../../../errors.ts'
import { FEWEST_VALUES } from '../../../fitting/unlike-features.ts'
import type { AskedOfImport } from '../../../model/imported/as-ours.ts'
import type { GivenNames } from '../../../model/imported/name-features.ts'
import type { GivenCategories } from '../../../model/imported/resolve-categories.ts'
import {
  type ImportModelOptions,
  type ImportModelResult,
  importModel,
} from '../../../pipelines/import-model.ts'
import { registerImport } from '../../../pipelines/promotion/register-import.ts'
import type { CommandInput, ExitCode } from '../../command.ts'
import { workOf } from '../../command-work.ts'
import { floatWords } from './model-text.ts'
import { type ModelsRequest, pathIn, printLines, shown } from './models-request.ts'

/** `vigia models import`: a model that another library trained elsewhere. */
export const importForeign = async (request: ModelsRequest): Promise<ExitCode> => {
  const { context, input, config, store, model, tools } = request
  const threshold = thresholdIn(input)
  const run = pathIn(request, 'run')
  const out = pathIn(request, 'out')
  if (run === undefined || out === undefined) throw invalid('import needs --run <folder> and --out <folder>')
  const positiveClass = input.options['positiveClass']
  const result = await importModel({
    file: resolve(context.workingDirectory, input.arguments[1] ?? ''),
    run,
    out,
    ...(threshold === undefined ? {} : { threshold }),
    ...treesIn(input),
    ...missingIn(input),
    ...filledIn(input),
    ...(await namesIn(request)),
    ...(await categoriesIn(request)),
    ...checkIn(request),
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
  if (isNumber(asked) && Number.isFinite(Math.fround(Number(asked)))) return { missingValue: Number(asked) }
  throw invalid(`--missing is a number that a float holds, got ${asked}`)
}

/** --filled and --filled-categories: what stood for missing values. */
const filledIn = ({ options }: CommandInput): Pick<AskedOfImport, 'filled'> => {
  const { filled: number, filledCategories: category } = options
  if (number === undefined && category === undefined) return {}
  if (number !== undefined && options['missing'] !== undefined)
    throw invalid(
      '--missing and --filled contradict each other: the library has either seen that values are missing, or has not',
    )
  if (number !== undefined && !isNumber(String(number)))
    throw invalid(`--filled is a number, got ${String(number)}; --filled-categories may be a text`)
  return {
    filled: {
      ...(number !== undefined && { number: Number(number) }),
      ...(category !== undefined && { category: String(category) }),
    },
  }
}

const isNumber = (text: string): boolean => /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)

/** --check: rows with their scores. */
const checkIn = (request: ModelsRequest): Pick<ImportModelOptions, 'check'> => {
  const file = pathIn(request, 'check')
  const { scoreColumn, tolerance } = request.input.options
  if (file === undefined) {
    if (scoreColumn === undefined && tolerance === undefined) return {}
    throw invalid('--score-column and --tolerance belong to --check <file>')
  }
  const asked = typeof tolerance === 'number' ? tolerance : TOLERANCE
  if (!(asked >= 0 && asked < 1)) throw invalid(`--tolerance is a number from 0 to below 1, got ${asked}`)
  return { check: { file, scoreColumn: String(scoreColumn ?? 'score'), tolerance: asked } }
}

/** Floats of XGBoost and of ONNX differ by as much from doubles, where leaves are large. */
const TOLERANCE = 1e-5

/** --features: what the features of the model are called in the run. */
const namesIn = async (request: ModelsRequest): Promise<Pick<AskedOfImport, 'names'>> => {
  const read = await jsonIn(request, 'features')
  if (read === undefined) return {}
  const names = read.json
  const texts: readonly unknown[] = typeof names === 'object' && names !== null ? Object.values(names) : [0]
  if (texts.every((name) => typeof name === 'string')) return { names: names as GivenNames }
  throw invalid(
    `${read.path} is neither a JSON object of the run's names by those of the model, such as {"amt": "amount"}, nor a list of the run's names in the order of the model`,
  )
}

/** --categories: `values`, or a file with the values of each feature's categories in their order. */
const categoriesIn = async (request: ModelsRequest): Promise<Pick<AskedOfImport, 'categories'>> => {
  if (request.input.options['categories'] === 'values') return { categories: 'values' }
  const read = await jsonIn(request, 'categories')
  if (read === undefined) return {}
  const categories = categoriesOf(read.json)
  if (categories !== undefined) return { categories }
  throw invalid(
    `${read.path} is no JSON object of lists of texts and numbers by the name of the feature, such as {"channel_code": [0, 2, 5]}`,
  )
}

/** What the file of an option holds; `json` is undefined where it is no JSON. */
const jsonIn = async (
  request: ModelsRequest,
  option: string,
): Promise<{ readonly path: string; readonly json: unknown } | undefined> => {
  const path = pathIn(request, option)
  if (path === undefined) return undefined
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`--${option} is a file of JSON; ${path}: ${(error as Error).message}`)
  })
  try {
    return { path, json: JSON.parse(text) }
  } catch {
    return { path, json: undefined }
  }
}

const categoriesOf = (json: unknown): Exclude<GivenCategories, 'values'> | undefined => {
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
  file: 'their values are those of the file',
  given: 'their values are those of --categories',
  values: "whole numbers in the file are the feature's own values, as --categories says",
}

const NAMES_FROM: Readonly<Record<ImportModelResult['namesFrom'], string>> = {
  file: 'named by the file',
  run: "named after those of the run's model in order, because the file names none: check that it was trained on them in that order",
  given: 'named as --features says',
}

const checkedWords = ({ checked }: ImportModelResult): string =>
  checked === null
    ? 'nothing: --check rows.csv compares scores that it gave where it was trained'
    : `${checked.rows} rows score as they did where it was trained, within ${checked.largestDifference.toPrecision(2)}`

const MOST_UNLIKE = 5

/** Features that may be other columns: equal scores do not show it. */
const unlikeLines = ({ checked }: ImportModelResult): readonly string[] => {
  const unlike = checked?.unlike ?? []
  if (checked !== null && checked.rows < FEWEST_VALUES)
    return [
      `unlike       not looked for: ${checked.rows} rows say little of where values lie (${FEWEST_VALUES} do)`,
    ]
  const more = unlike.length > MOST_UNLIKE ? [`unlike       and ${unlike.length - MOST_UNLIKE} more`] : []
  return [
    ...unlike
      .slice(0, MOST_UNLIKE)
      .map(
        ({ name, theirs, ours }) =>
          `unlike       ${name} has a median of ${figure(theirs)} in the rows of --check and of ${figure(ours)} in the run: is it the same feature? --features says what is which`,
      ),
    ...more,
  ]
}

const figure = (value: number): string => String(Number(value.toPrecision(4)))

const missingWords = ({ missingValue, library }: ImportModelResult): string =>
  missingValue === null
    ? !library.startsWith('XGBoost')
      ? 'as the file says'
      : 'NaN alone (a model trained with missing=-1 or the like needs --missing: newer files do not tell)'
    : `NaN and ${missingValue}`

const describe = (
  request: ModelsRequest,
  result: ImportModelResult,
  registered: string | undefined,
): readonly string[] => {
  const out = shown(request, result.out)
  return [
    `imported     ${result.file}: ${result.library}, ${result.objective}`,
    `trees        ${result.trees} of ${result.treesInFile} (${result.treesWhy})`,
    `missing      ${missingWords(result)}`,
    ...Object.entries(result.categories).map(([name, by]) => `categories   ${name}: ${CATEGORIES_BY[by]}`),
    ...result.notes.map((note) => `note         ${note}`),
    `features     ${result.features}, ${NAMES_FROM[result.namesFrom]}`,
    `checked      ${checkedWords(result)}`,
    ...unlikeLines(result),
    `threshold    ${result.threshold} (${result.thresholdChoice})`,
    `floats       ${floatWords(result.inFloats ?? undefined)}`,
    `states       ${result.hasStates ? 'those of the run' : 'none: history begins with what is scored'}`,
    `model        ${out}`,
    ...(registered === undefined ? [] : [`registered   ${registered}`]),
    '',
    `next         npx vigia predict FILE --model ${out} --out scores.csv`,
  ]
}
