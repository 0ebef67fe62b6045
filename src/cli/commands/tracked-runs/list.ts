import picocolors from 'picocolors'
import { VigiaError } from '../../../errors.ts'
import { figuresIn } from '../../../evaluation/figures.ts'
import type { RunStatus, Texts, TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { CommandInput, ExitCode } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { durationOf, metricNumber, minuteOf, PARENT_TAG, runJson, shortId } from './run-text.ts'
import {
  printJson,
  printLines,
  type RunsRequest,
  type RunVersion,
  runsOf,
  versionsByRun,
  versionText,
} from './runs-request.ts'

/** `vigia runs list`: the runs of an experiment, the latest first. */
export const listRuns = async (request: RunsRequest): Promise<ExitCode> => {
  const { store, experiment: name, context, input } = request
  const experiment = await store.tracker.findExperiment(name)
  if (experiment === undefined && typeof input.options['experiment'] === 'string')
    throw new VigiaError('TRACKING_NOT_FOUND', {
      location: store.tracker.location,
      what: `experiment ${name}`,
    })
  const { parents, children } =
    experiment === undefined ? NOTHING : await selectRuns(request, experiment.id, filterIn(input))
  const versions = parents.length === 0 ? new Map<string, RunVersion>() : await versionsByRun(request)
  const rows = parents.flatMap((run) => familyOf(run, children, 0))
  if (context.json) {
    const runs = rows.map(({ run }) => ({ ...runJson(run), version: versions.get(run.id) ?? null }))
    printJson(request, { location: store.tracker.location, experiment: name, runs })
  } else if (rows.length === 0) printLines(request, nothingFound(request))
  else printLines(request, table(request, rows, versions))
  return 0
}

interface RunFilter {
  readonly tags: Texts
  readonly params: Texts
  readonly status?: RunStatus
  readonly limit: number
}

interface Selection {
  readonly parents: readonly TrackedRun[]
  readonly children: readonly TrackedRun[]
}

const NOTHING: Selection = { parents: [], children: [] }

const filterIn = ({ options }: CommandInput): RunFilter => {
  const limit = Number(options['limit'] ?? 20)
  if (limit < 1) throw invalid(`--limit is at least 1, got ${limit}`)
  return {
    limit,
    tags: pairsIn('tag', options['tag']),
    params: pairsIn('param', options['param']),
    ...(typeof options['status'] === 'string' && { status: options['status'] as RunStatus }),
  }
}

const pairsIn = (option: string, texts: CommandInput['options'][string]): Texts =>
  Object.fromEntries(
    (Array.isArray(texts) ? (texts as readonly string[]) : []).map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw invalid(`--${option} is key=value, got ${text}`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )

const invalid = (reason: string): VigiaError =>
  new VigiaError('CLI_INVALID_ARGUMENT', { command: 'runs', reason })

const selectRuns = async (
  request: RunsRequest,
  experimentId: string,
  filter: RunFilter,
): Promise<Selection> => {
  const withChildren = request.input.options['all'] === true
  const parents: TrackedRun[] = []
  const children: TrackedRun[] = []
  // The tracker filters where it can: runs within others have tags and a status of their own.
  const { tags, status } = filter
  const query = {
    experimentIds: [experimentId],
    ...(!withChildren && { tags, ...(status !== undefined && { status }) }),
  }
  for await (const run of runsOf(request, query)) {
    if (run.tags[PARENT_TAG] !== undefined) children.push(run)
    else if (parents.length < filter.limit) {
      if (passes(run, filter)) parents.push(run)
    } else if (run.startTimeMs < (parents.at(-1)?.startTimeMs ?? 0)) break
    // No run within another begins before it, but it may in the same millisecond.
    if (!withChildren && parents.length === filter.limit) break
  }
  return { parents, children: withChildren ? children : [] }
}

const passes = (run: TrackedRun, { tags, params, status }: RunFilter): boolean =>
  (status === undefined || run.status === status) &&
  Object.entries(tags).every(([key, value]) => run.tags[key] === value) &&
  // Recorded as JSON: people do not write the quotation marks of a text.
  Object.entries(params).every(([key, value]) => {
    const recorded = run.params[key]
    return recorded === value || recorded === JSON.stringify(value)
  })

interface Row {
  readonly run: TrackedRun
  /** How many runs it is within. */
  readonly depth: number
}

const familyOf = (run: TrackedRun, children: readonly TrackedRun[], depth: number): Row[] => [
  { run, depth },
  ...children
    .filter(({ tags, id }) => tags[PARENT_TAG] === run.id && id !== run.id)
    .reverse()
    .flatMap((child) => familyOf(child, children, depth + 1)),
]

const nothingFound = ({ store, experiment, input: { options } }: RunsRequest): string[] => {
  const isFiltered = ['status', 'tag', 'param'].some((option) => options[option] !== undefined)
  const place = `the experiment ${experiment} in ${store.tracker.location}`
  return isFiltered
    ? [`No run of ${place} is like that.`, '', 'next         npx vigia runs list']
    : [`No runs are recorded yet in ${place}.`, '', 'next         npx vigia run']
}

const FIGURES = figuresIn('lists').map(({ name, title, shortTitle = title }) => ({ name, shortTitle }))

/** Columns before the figures, and before that with the model: what stands in the first of two lines. */
const FIRST_LINE = ['run', 'name', 'status', 'started (UTC)', 'duration']
const BEFORE_FIGURES = [...FIRST_LINE, 'best model']

const HEAD = [...BEFORE_FIGURES, ...FIGURES.map(({ shortTitle }) => shortTitle), 'version']

const table = (
  { context: { stdout, useColor }, experiment, store }: RunsRequest,
  rows: readonly Row[],
  versions: ReadonlyMap<string, RunVersion>,
): string[] => {
  const paint = picocolors.createColors(useColor)
  const colors = { FINISHED: paint.green, FAILED: paint.red, KILLED: paint.red, RUNNING: paint.cyan }
  const cells = rows.map(({ run, depth }) => {
    const statusColor = run.status === 'SCHEDULED' ? paint.cyan : colors[run.status]
    return [
      paint.bold(shortId(run)),
      `${'  '.repeat(depth)}${onOneLine(run.name, 40)}`,
      statusColor(run.status),
      minuteOf(run.startTimeMs),
      durationOf(run),
      onOneLine(run.tags['vigia.model'] ?? '', 30),
      ...FIGURES.map(({ name }) => figure(run, `test.${name}`)),
      versionText(versions.get(run.id)),
    ]
  })
  const wide = plainTable([HEAD.map(paint.dim), ...cells], {
    right: FIGURES.map((_, index) => BEFORE_FIGURES.length + index),
  })
  const title = `${paint.bold(onOneLine(experiment))} in ${store.tracker.location}; figures are those on test`
  const isTooWide = stdout.isTerminal && wide.some((line) => widthOf(line) > stdout.columns)
  return [title, '', ...(isTooWide ? narrowLines(cells) : wide)]
}

/** Two lines for each run, where one does not fit on the terminal. */
const narrowLines = (cells: readonly (readonly string[])[]): string[] => {
  const firsts = plainTable(cells.map((row) => row.slice(0, FIRST_LINE.length)))
  return cells.flatMap((row, index) => {
    const indent = ' '.repeat(10 + (/^ */.exec(row[1] ?? '')?.[0].length ?? 0))
    const version = row.at(-1)
    const figures = FIGURES.flatMap(({ shortTitle }, at) => {
      const value = row[BEFORE_FIGURES.length + at]
      return value ? [`${shortTitle} ${value}`] : []
    })
    const rest = [row[FIRST_LINE.length], ...figures, version && `v${version}`].filter(Boolean)
    const first = firsts[index] ?? ''
    return rest.length === 0 ? [first] : [first, `${indent}${rest.join(', ')}`]
  })
}

const figure = ({ metrics }: TrackedRun, key: string): string => {
  const metric = metrics[key]
  return metric === undefined ? '' : metricNumber(metric.value)
}

/** Columns that a line takes, without its colours. */
const widthOf = (line: string): number => [...line.replaceAll(COLORS, '')].length

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
const COLORS = /\u001b\[\d+m/g
