import picocolors from 'picocolors'
import type { TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { ExitCode } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { findRuns } from './find-run.ts'
import { byImportance, directionOf, isIntervalEnd, partRank } from './metric-groups.ts'
import { byName, jsonNumber, metricNumber, minuteOf, runJson, shortId } from './run-text.ts'
import { printJson, printLines, type RunsRequest } from './runs-request.ts'

/**
 * `vigia runs compare`: what was set differently, and what came of it; differences are from the first run.
 */
export const compareRuns = async (request: RunsRequest): Promise<ExitCode> => {
  const runs = await findRuns(request, request.input.arguments.slice(1))
  const params = differingParams(runs)
  const metrics = comparedMetrics(runs, request.input.options['all'] === true)
  const warnings = await differentData(request, runs)
  if (request.context.json) printJson(request, compareJson(runs, params, metrics, warnings))
  else printLines(request, compareLines(request, runs, params, metrics, warnings))
  return 0
}

const differingParams = (runs: readonly TrackedRun[]): string[] =>
  [...new Set(runs.flatMap(({ params }) => Object.keys(params)))]
    .filter((key) => new Set(runs.map(({ params }) => params[key])).size > 1)
    .sort(byName)

const comparedMetrics = (runs: readonly TrackedRun[], all: boolean): string[] => {
  const keys = new Set(
    runs.flatMap((run) =>
      Object.keys(run.metrics).filter(
        (key) => all || !(key.startsWith('system/') || isIntervalEnd(key, run)),
      ),
    ),
  )
  return [...keys].sort((a, b) => partRank(a) - partRank(b) || byImportance(a, b))
}

/** Figures of different rows say little about models, and nobody sees it from the figures. */
const differentData = async (
  { store: { tracker } }: RunsRequest,
  runs: readonly TrackedRun[],
): Promise<string[]> => {
  const inputs = await Promise.all(runs.map(({ id }) => tracker.listInputs(id)))
  /** A run that was broken off may have none: it has no figures either. */
  const digests = (context: string): Set<string> =>
    new Set(
      inputs
        .map((list) => list.filter((input) => input.context === context))
        .filter((list) => list.length > 0)
        .map((list) => list.map(({ digest }) => digest).join(' ')),
    )
  return ['test', 'validation', 'training'].flatMap((context) =>
    digests(context).size > 1
      ? [
          context === 'training'
            ? 'the runs learnt from different rows'
            : `the runs have different ${context} rows: their ${context} figures cannot be compared`,
        ]
      : [],
  )
}

/**
 * Indexes of the runs with the best value; empty where the name of the metric does not say what is better, or
 * all are equal.
 */
const bestOf = (runs: readonly TrackedRun[], key: string): readonly number[] => {
  const direction = directionOf(key)
  const values = runs.map(({ metrics }) => metrics[key]?.value ?? Number.NaN)
  const numbers = values.filter((value) => !Number.isNaN(value))
  if (direction === undefined || new Set(numbers).size < 2) return []
  const best = direction === 'higher' ? Math.max(...numbers) : Math.min(...numbers)
  return values.flatMap((value, index) => (value === best ? [index] : []))
}

const compareJson = (
  runs: readonly TrackedRun[],
  params: readonly string[],
  metrics: readonly string[],
  warnings: readonly string[],
) => ({
  runs: runs.map((run) => {
    const { metrics: _metrics, params: _params, ...about } = runJson(run)
    return about
  }),
  params: Object.fromEntries(params.map((key) => [key, runs.map((run) => run.params[key] ?? null)])),
  metrics: Object.fromEntries(
    metrics.map((key) => [
      key,
      {
        values: runs.map((run) => (run.metrics[key] === undefined ? null : jsonNumber(run.metrics[key]))),
        best: bestOf(runs, key).map((index) => runs[index]?.id),
      },
    ]),
  ),
  warnings,
})

const compareLines = (
  request: RunsRequest,
  runs: readonly TrackedRun[],
  params: readonly string[],
  metrics: readonly string[],
  warnings: readonly string[],
): string[] => {
  const { stdout, useColor } = request.context
  const paint = picocolors.createColors(useColor)
  const about = runs.map((run) => [
    paint.bold(shortId(run)),
    onOneLine(run.name, 30),
    run.status,
    minuteOf(run.startTimeMs),
    onOneLine(run.tags['vigia.model'] ?? '', 30),
  ])
  // The first run is repeated where not all fit beside each other: differences are from it.
  const fitting = stdout.isTerminal ? Math.max(2, Math.floor((stdout.columns - NAME_WIDTH) / RUN_WIDTH)) : 20
  const [first, ...others] = runs
  const groups: TrackedRun[][] = []
  for (let at = 0; at < others.length; at += fitting - 1)
    groups.push([...(first ? [first] : []), ...others.slice(at, at + fitting - 1)])
  const section = (title: string, lines: readonly string[], none: string): string[] => [
    ...['', paint.bold(title)],
    ...(lines.length === 0 ? [`  ${none}`] : lines),
  ]
  return [
    ...plainTable(about),
    ...(warnings.length === 0 ? [] : ['']),
    ...warnings.map((warning) => `${paint.yellow('warning')} ${warning}`),
    ...groups.flatMap((group) => [
      ...section('parameters that differ', paramTable(group, params, stdout.isTerminal), 'none'),
      ...section(
        'metrics (* best of all, differences from the first)',
        metricTable(runs, group, metrics, paint),
        'none are recorded',
      ),
    ]),
  ]
}

const NAME_WIDTH = 30
const RUN_WIDTH = 21

const paramTable = (runs: readonly TrackedRun[], keys: readonly string[], isTerminal: boolean): string[] =>
  keys.length === 0
    ? []
    : plainTable(
        [
          ['', ...runs.map(shortId)],
          ...keys.map((key) => [
            onOneLine(key),
            ...runs.map(({ params }) =>
              onOneLine(params[key] ?? '-', isTerminal ? RUN_WIDTH - 2 : undefined),
            ),
          ]),
        ],
        { indent: 2 },
      )

const metricTable = (
  all: readonly TrackedRun[],
  group: readonly TrackedRun[],
  keys: readonly string[],
  paint: ReturnType<typeof picocolors.createColors>,
): string[] => {
  if (keys.length === 0) return []
  const [first] = group
  const rows = keys.map((key) => {
    const best = bestOf(all, key).map((index) => all[index])
    return [
      onOneLine(key),
      ...group.flatMap((run, index) => {
        const metric = run.metrics[key]
        if (metric === undefined) return index === 0 ? ['-'] : ['-', '']
        const text = `${best.includes(run) ? '*' : ' '} ${metricNumber(metric.value)}`
        const cell = best.includes(run) ? paint.green(text) : text
        return index === 0 ? [cell] : [cell, paint.dim(difference(metric.value, first?.metrics[key]?.value))]
      }),
    ]
  })
  const head = ['', ...group.flatMap((run, index) => (index === 0 ? [shortId(run)] : [shortId(run), '']))]
  return plainTable([head, ...rows], { indent: 2, right: head.map((_, column) => column).slice(1) })
}

const difference = (value: number, from: number | undefined): string => {
  if (from === undefined || !Number.isFinite(value - from)) return ''
  const by = value - from
  return `${by > 0 ? '+' : ''}${metricNumber(by)}`
}
