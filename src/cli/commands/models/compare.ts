import picocolors from 'picocolors'
import { findVersion } from '../../../artifacts/find-version.ts'
import type { TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { ModelVersion } from '../../../ports/model-registry.ts'
import type { ExitCode } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { byName, metricNumber, minuteOf } from '../tracked-runs/run-text.ts'
import { kindOf } from './model-text.ts'
import { type ModelsRequest, printJson, printLines, readDecisions } from './models-request.ts'

/** A version with the run that made it. */
interface Side {
  readonly version: ModelVersion
  readonly run: TrackedRun | undefined
  /** Figures by name: those of the run, else of the version's tags. */
  readonly figures: Readonly<Record<string, number>>
}

/** `vigia models compare`: settings that differ and all figures, side by side; differences are b less a. */
export const compareVersions = async (request: ModelsRequest): Promise<ExitCode> => {
  const { store, model, input, context } = request
  await readDecisions(request)
  const [, first = '', second = ''] = input.arguments
  const a = await sideOf(request, await findVersion(store.registry, model, first))
  const b = await sideOf(request, await findVersion(store.registry, model, second))
  const withoutSettings = [a, b].filter(({ run }) => Object.keys(run?.params ?? {}).length === 0)
  const settings = namesOf(...(withoutSettings.length > 0 ? [] : [a.run?.params, b.run?.params]))
    .map((name) => ({ name, a: a.run?.params[name] ?? null, b: b.run?.params[name] ?? null }))
    .filter((setting) => setting.a !== setting.b)
  const figures = namesOf(a.figures, b.figures).map((name) => {
    const [left, right] = [a.figures[name] ?? null, b.figures[name] ?? null]
    return { name, a: left, b: right, difference: left === null || right === null ? null : right - left }
  })
  const tag = (name: string) => [a, b].map(({ version }) => version.tags[`vigia.${name}`] ?? null)
  const [dataOfA, dataOfB] = tag('training_data_sha256')
  const sameData = dataOfA === null || dataOfB === null ? null : dataOfA === dataOfB
  if (context.json) {
    printJson(request, { model, a: a.version, b: b.version, settings, figures, sameData })
    return 0
  }
  const paint = picocolors.createColors(context.useColor)
  const heads = [a, b].map(({ version }) => paint.bold(`version ${version.version}`))
  const tell = (value: number | null, sign = ''): string =>
    value === null ? '-' : `${value > 0 ? sign : ''}${metricNumber(value)}`
  printLines(request, [
    ...plainTable([
      ['', ...heads],
      ['aliases', ...[a, b].map(({ version }) => version.aliases.join(', ') || '-')],
      ['model', ...[a, b].map(({ version }) => kindOf(version) || '-')],
      ['created (UTC)', ...[a, b].map(({ version }) => minuteOf(version.createdTimeMs))],
      ['run', ...[a, b].map(({ version }) => version.runId?.slice(0, 8) ?? '-')],
    ]),
    ...(sameData === false
      ? [
          '',
          paint.yellow(
            'The versions learned from different rows: their figures are those of different rows too.',
          ),
        ]
      : []),
    ...['', paint.bold('settings that differ')],
    ...withoutSettings.map(({ version }) => `  not recorded for version ${version.version}: it was imported`),
    ...(settings.length === 0
      ? withoutSettings.length > 0
        ? []
        : ['  none']
      : plainTable(
          settings.map(({ name, a, b }) => [
            onOneLine(name),
            onOneLine(a ?? '-', 50),
            onOneLine(b ?? '-', 50),
          ]),
          { indent: 2 },
        )),
    ...['', paint.bold('figures')],
    ...(figures.length === 0
      ? ['  none']
      : plainTable(
          figures.map(({ name, a, b, difference }) => [
            onOneLine(name),
            tell(a),
            tell(b),
            paint.dim(difference === null ? '' : tell(difference, '+')),
          ]),
          { indent: 2, right: [1, 2, 3] },
        )),
  ])
  return 0
}

const namesOf = (...all: readonly (Readonly<Record<string, unknown>> | undefined)[]): string[] =>
  [...new Set(all.flatMap((record) => Object.keys(record ?? {})))].sort(byName)

/** Figures of parts; not those of the machine, of steps in time, nor the ends of intervals. */
const FIGURE = /^(?:test|validation)\.[a-z0-9_]+$/

const sideOf = async ({ store: { tracker } }: ModelsRequest, version: ModelVersion): Promise<Side> => {
  const run = version.runId === undefined ? undefined : await tracker.getRun(version.runId)
  const ofTags = Object.entries(version.tags).flatMap(([key, text]) =>
    key.startsWith('vigia.') && FIGURE.test(key.slice(6)) ? [[key.slice(6), Number(text)] as const] : [],
  )
  const ofRun = Object.entries(run?.metrics ?? {}).map(([key, { value }]) => [key, value] as const)
  const figures = [...ofTags, ...ofRun].filter(([key, value]) => FIGURE.test(key) && Number.isFinite(value))
  return { version, run, figures: Object.fromEntries(figures) }
}
