import picocolors from 'picocolors'
import { figuresIn } from '../../../evaluation/figures.ts'
import { settingParams } from '../../../pipelines/training/record/setting-params.ts'
import type { ArtifactEntry, DatasetInput, Texts, TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { ExitCode } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { findRuns } from './find-run.ts'
import { byImportance, isIntervalEnd, PARTS, partOf } from './metric-groups.ts'
import { showMetric, sparklinesOf } from './metric-view.ts'
import { byName, durationOf, metricNumber, minuteOf, PARENT_TAG, runJson, shortId } from './run-text.ts'
import {
  childrenOf,
  printJson,
  printLines,
  type RunsRequest,
  type RunVersion,
  versionsByRun,
  versionText,
} from './runs-request.ts'

/** `vigia runs show`: everything that is recorded of one run. */
export const showRun = async (request: RunsRequest): Promise<ExitCode> => {
  const [run] = await findRuns(request, request.input.arguments.slice(1))
  const metric = request.input.options['metric']
  if (run === undefined) return 2
  if (typeof metric === 'string') {
    await showMetric(request, run, metric)
    return 0
  }
  const { tracker } = request.store
  const inputs = await tracker.listInputs(run.id)
  const artifacts = await artifactTree(request, run.id)
  const loggedModels = await tracker.listLoggedModels(run.id)
  const children = await childrenOf(request, run)
  const version = (await versionsByRun(request)).get(run.id)
  if (request.context.json) {
    printJson(request, {
      ...runJson(run),
      version: version ?? null,
      inputs,
      artifacts: artifacts.filter(({ isFolder }) => !isFolder).map(({ path, size }) => ({ path, size })),
      loggedModels,
      children: children.map(runJson),
    })
    return 0
  }
  const sparklines = await sparklinesOf(request, run)
  printLines(request, [
    ...headLines(request, run, version),
    ...section(request, 'figures', figureLines(run)),
    ...section(request, 'other metrics', otherMetrics(request, run, sparklines)),
    ...parameterLines(request, run),
    ...section(request, 'tags', tagLines(request, run)),
    ...section(request, 'inputs', inputLines(inputs)),
    ...section(request, 'artifacts', artifactLines(artifacts)),
    ...section(
      request,
      'logged models',
      loggedModels.map(({ id, name }) => `  ${onOneLine(name)}  models:/${onOneLine(id)}`),
    ),
    ...section(request, 'runs within it', childLines(children)),
  ])
  return 0
}

const section = ({ context }: RunsRequest, title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', picocolors.createColors(context.useColor).bold(title), ...lines]

const headLines = (request: RunsRequest, run: TrackedRun, version: RunVersion | undefined): string[] => {
  const { tags } = run
  const paint = picocolors.createColors(request.context.useColor)
  const duration = durationOf(run)
  const rows: [string, string | undefined][] = [
    ['run', paint.bold(run.id)],
    ['name', onOneLine(run.name)],
    ['within', tags[PARENT_TAG] && shortId({ id: tags[PARENT_TAG] })],
    ['status', run.status],
    ['started', `${minuteOf(run.startTimeMs)} UTC`],
    ['ended', run.endTimeMs === undefined ? undefined : `${minuteOf(run.endTimeMs)} UTC, after ${duration}`],
    ['best model', tags['vigia.model'] && onOneLine(bestModel(tags['vigia.model'], tags['vigia.chosen_by']))],
    ['version', version && `${version.model} ${versionText(version)}`],
    ['kept in', onOneLine(run.artifactUri)],
  ]
  return plainTable(rows.flatMap(([name, value]) => (value ? [[paint.dim(name), value]] : [])))
}

const bestModel = (model: string, chosenBy: string | undefined): string =>
  chosenBy === undefined ? model : `${model}, by ${chosenBy}`

/** A column for each part of the data, intervals beside their figure. */
const figureLines = (run: TrackedRun): string[] => {
  const keys = Object.keys(run.metrics).filter((key) => partOf(key) && !isIntervalEnd(key, run))
  const parts = PARTS.filter((part) => keys.some((key) => partOf(key)?.part === part))
  const figures = [...new Set(keys.map((key) => partOf(key)?.figure ?? key))].sort(byImportance)
  if (figures.length === 0) return []
  const head = ['', ...parts.flatMap((part) => [part, ''])]
  const rows = figures.map((name) => [
    name,
    ...parts.flatMap((part) => [valueTextOf(run, `${part}.${name}`), intervalOf(run, `${part}.${name}`)]),
  ])
  // Intervals are there for some parts only: a column without any takes no room.
  const kept = head.map((_, column) => column % 2 === 1 || column === 0 || rows.some((row) => row[column]))
  const table = [head, ...rows].map((row) => row.filter((_, column) => kept[column]))
  const right = head.map((_, column) => column % 2 === 1).filter((_, column) => kept[column])
  return plainTable(table, {
    indent: 2,
    right: right.flatMap((isRight, column) => (isRight ? [column] : [])),
  })
}

const valueTextOf = ({ metrics }: TrackedRun, key: string): string => {
  const metric = metrics[key]
  return metric === undefined ? '' : metricNumber(metric.value)
}

const intervalOf = (run: TrackedRun, key: string): string => {
  const [low, high] = [valueTextOf(run, `${key}.low`), valueTextOf(run, `${key}.high`)]
  return low === '' || high === '' ? '' : `(${low} to ${high})`
}

const otherMetrics = (
  { input }: RunsRequest,
  run: TrackedRun,
  sparklines: ReadonlyMap<string, string>,
): string[] => {
  const isTable = (key: string): boolean => partOf(key) !== undefined && !sparklines.has(key)
  const all = Object.values(run.metrics).filter(({ key }) => !isTable(key))
  const shown = input.options['all'] === true ? all : all.filter(({ key }) => !key.startsWith('system/'))
  const rows = shown
    .sort((a, b) => byName(a.key, b.key))
    .map(({ key, value, step }) => [
      onOneLine(key, 60),
      metricNumber(value),
      step > 0 ? `step ${step}` : '',
      sparklines.get(key) ?? '',
    ])
  const left = all.length - shown.length
  return [
    ...plainTable(rows, { indent: 2, right: [1] }),
    ...(left === 0 ? [] : [`  and ${left} of the machine (--all)`]),
  ]
}

/** By section of the settings; those that have their default only with `--all`. */
const parameterLines = (request: RunsRequest, run: TrackedRun): string[] => {
  const all = Object.keys(run.params).sort(byName)
  if (all.length === 0) return []
  const defaults = defaultParams(request)
  const keys =
    request.input.options['all'] === true
      ? all
      : all.filter((key) => !defaults.some((texts) => texts[key] === run.params[key]))
  const groupOf = (key: string): string => (key.includes('.') ? (key.split('.')[0] ?? '') : '')
  const nameOf = (key: string): string =>
    onOneLine(key.slice(groupOf(key) === '' ? 0 : groupOf(key).length + 1))
  const nameWidth = Math.max(0, ...keys.map((key) => nameOf(key).length))
  const { isTerminal, columns } = request.context.stdout
  const room = isTerminal ? Math.max(20, columns - nameWidth - 6) : undefined
  const groups = [...new Set(keys.map(groupOf))].sort(byName)
  const left = all.length - keys.length
  const title = left === 0 ? 'parameters' : `parameters other than the default (${left} more with --all)`
  const lines = groups.flatMap((group) => [
    ...(group === '' ? [] : [`  ${onOneLine(group)}`]),
    ...keys
      .filter((key) => groupOf(key) === group)
      .map((key) => {
        const name = nameOf(key).padEnd(nameWidth + (group === '' ? 2 : 0))
        return `${group === '' ? '  ' : '    '}${name}  ${onOneLine(run.params[key] ?? '', room)}`
      }),
  ])
  return section(request, title, lines.length === 0 ? ['  none'] : lines)
}

/**
 * As the schema has them, and as they are in force here: the default of a folder is recorded with the folder
 * it is in.
 */
const defaultParams = ({ entries }: RunsRequest): readonly Texts[] => [
  settingParams(entries.map(({ path, schema }) => ({ path, value: schema.default ?? null }))),
  settingParams(entries.filter(({ origin }) => origin.kind === 'default')),
]

const tagLines = ({ context: { stdout } }: RunsRequest, { tags }: TrackedRun): string[] => {
  const keys = Object.keys(tags)
    .filter((key) => key !== PARENT_TAG && key !== 'mlflow.runName')
    .sort(byName)
  const nameWidth = Math.max(0, ...keys.map((key) => key.length))
  const width = stdout.isTerminal ? Math.max(20, stdout.columns - nameWidth - 4) : undefined
  return plainTable(
    keys.map((key) => [onOneLine(key), onOneLine(tags[key] ?? '', width)]),
    { indent: 2 },
  )
}

const inputLines = (inputs: readonly DatasetInput[]): string[] =>
  plainTable(
    inputs.map(({ context, name, digest, sourceType, profile }) => [
      onOneLine(context, 20),
      onOneLine(name, 40),
      onOneLine(digest, 36),
      onOneLine(sourceType, 20),
      rowsOf(profile),
    ]),
    { indent: 2 },
  )

/** Profiles are written by whoever made the run: what is not ours says nothing. */
const rowsOf = (profile: string | undefined): string => {
  try {
    const { num_rows: rows } = JSON.parse(profile ?? '{}') as { readonly num_rows?: unknown }
    return typeof rows === 'number' ? `${rows} rows` : ''
  } catch {
    return ''
  }
}

/** Depth first: a folder, then what it holds. */
const artifactTree = async (
  { store: { tracker } }: RunsRequest,
  runId: string,
): Promise<readonly ArtifactEntry[]> => {
  const within = async (folder?: string): Promise<ArtifactEntry[]> => {
    const entries: ArtifactEntry[] = []
    for (const entry of await tracker.listArtifacts(runId, folder)) {
      entries.push(entry)
      if (entry.isFolder) entries.push(...(await within(entry.path)))
    }
    return entries
  }
  return within()
}

const artifactLines = (artifacts: readonly ArtifactEntry[]): string[] =>
  plainTable(
    artifacts.map(({ path, isFolder, size }) => {
      const parts = path.split('/')
      const indent = '  '.repeat(parts.length - 1)
      return [`${indent}${onOneLine(parts.at(-1) ?? '')}${isFolder ? '/' : ''}`, bytesText(size)]
    }),
    { indent: 2, right: [1] },
  )

const bytesText = (size: number | undefined): string => {
  if (size === undefined) return ''
  if (size < 1000) return `${size} B`
  return size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`
}

const childLines = (children: readonly TrackedRun[]): string[] =>
  plainTable(
    children.map((run) => [
      shortId(run),
      onOneLine(run.name, 40),
      run.status,
      figureText(run, 'validation'),
      figureText(run, 'test'),
    ]),
    { indent: 2 },
  )

/** The first of the listed figures: there is room for one. */
const figureText = (run: TrackedRun, part: string): string => {
  const [figure] = figuresIn('lists')
  const value = figure === undefined ? '' : valueTextOf(run, `${part}.${figure.name}`)
  return value === '' ? '' : `${figure?.title} on ${part} ${value}`
}
