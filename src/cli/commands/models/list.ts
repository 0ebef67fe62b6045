import picocolors from 'picocolors'
import { allVersions } from '../../../artifacts/find-version.ts'
import { figuresIn } from '../../../evaluation/figures.ts'
import type { ModelVersion } from '../../../ports/model-registry.ts'
import type { ExitCode } from '../../command.ts'
import { plainTable } from '../../plain-table.ts'
import { minuteOf } from '../tracked-runs/run-text.ts'
import { figureOf, kindOf } from './model-text.ts'
import { type ModelsRequest, printJson, printLines, readDecisions } from './models-request.ts'

/** `vigia models list`: the versions of the model, the highest first. */
export const listVersions = async (request: ModelsRequest): Promise<ExitCode> => {
  const { store, model, context } = request
  // First: it may move aliases.
  const { settled } = await readDecisions(request)
  const versions = await allVersions(store.registry, model)
  const { location } = store.registry
  if (context.json) printJson(request, { location, model, versions, decisions: settled.decisions })
  else if (versions.length === 0)
    printLines(request, [
      `No version of ${model} is registered yet in ${location}.`,
      '',
      'next         npx vigia run',
    ])
  else {
    const paint = picocolors.createColors(context.useColor)
    const title = `${paint.bold(model)} in ${location}; figures are those on test`
    printLines(request, [title, '', ...table(versions, paint)])
  }
  return 0
}

const FIGURES = figuresIn('lists')
const BEFORE_FIGURES = ['version', 'aliases', 'model']
const HEAD = [
  ...BEFORE_FIGURES,
  ...FIGURES.map(({ title, shortTitle = title }) => shortTitle),
  'created (UTC)',
  'run',
]

const table = (
  versions: readonly ModelVersion[],
  paint: ReturnType<typeof picocolors.createColors>,
): string[] =>
  plainTable(
    [
      HEAD.map(paint.dim),
      ...versions.map((version) => [
        paint.bold(String(version.version)),
        paint.green(version.aliases.join(', ')),
        kindOf(version),
        ...FIGURES.map(({ name }) => figureOf(version, `test.${name}`)),
        minuteOf(version.createdTimeMs),
        version.runId?.slice(0, 8) ?? '',
      ]),
    ],
    { right: [0, ...FIGURES.map((_, index) => BEFORE_FIGURES.length + index)] },
  )
