import picocolors from 'picocolors'
import { nearest } from '../../../config/nearest.ts'
import { VigiaError } from '../../../errors.ts'
import type { Metric, TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { CommandContext } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { byName, jsonNumber, metricNumber, shortId } from './run-text.ts'
import { printJson, printLines, type RunsRequest } from './runs-request.ts'
import { type ChartOptions, sparkline, terminalChart } from './terminal-chart.ts'

/**
 * The history of one metric: a chart on a terminal; elsewhere, where a chart is of no use, a line `step
 * value` for each value.
 *
 * @throws TRACKING_NOT_FOUND with the nearest metric of the run
 */
export const showMetric = async (request: RunsRequest, run: TrackedRun, key: string): Promise<void> => {
  const { store, context } = request
  const history = await store.tracker.metricHistory(run.id, key)
  if (history.length === 0) {
    const candidate = nearest(key, Object.keys(run.metrics).sort(byName))
    throw new VigiaError('TRACKING_NOT_FOUND', {
      location: store.tracker.location,
      what: `metric "${key}" in run ${shortId(run)}${candidate === undefined ? '' : `; the nearest is ${candidate}`}`,
    })
  }
  if (context.json) {
    const values = history.map(({ step, value, timestampMs }) => ({
      step,
      timestampMs,
      value: jsonNumber({ value }),
    }))
    printJson(request, { run: run.id, key, values })
  } else if (context.stdout.isTerminal) printLines(request, chartLines(context, run, key, history))
  else
    printLines(
      request,
      history.map(({ step, value }) => `${step}\t${value}`),
    )
}

const chartLines = (
  context: CommandContext,
  run: TrackedRun,
  key: string,
  history: readonly Metric[],
): string[] => {
  const paint = picocolors.createColors(context.useColor)
  const chart = terminalChart(
    history.map(({ value, step, timestampMs }) => ({ x: hasSteps(history) ? step : timestampMs, y: value })),
    {
      columns: context.stdout.columns,
      rows: CHART_ROWS,
      glyphs: glyphsOf(context),
      xLabel: 'step',
    },
  )
  return [
    `${paint.bold(onOneLine(key))} of run ${shortId(run)} ${onOneLine(run.name, 40)}`,
    '',
    ...(history.length === 1 ? [] : [...(hasSteps(history) ? chart : timeChart(context, history)), '']),
    ...summary(history),
  ]
}

const CHART_ROWS = 12

/** Measurements of a machine may all have the same step: then time tells them apart. */
const hasSteps = (history: readonly Metric[]): boolean => history[0]?.step !== history.at(-1)?.step

const timeChart = (context: CommandContext, history: readonly Metric[]): string[] => {
  const startMs = history[0]?.timestampMs ?? 0
  return terminalChart(
    history.map(({ value, timestampMs }) => ({ x: (timestampMs - startMs) / 1000, y: value })),
    { columns: context.stdout.columns, rows: CHART_ROWS, glyphs: glyphsOf(context), xLabel: 'seconds' },
  )
}

const summary = (history: readonly Metric[]): string[] => {
  const finite = history.filter(({ value }) => Number.isFinite(value))
  const rows: string[][] = []
  const add = (name: string, metric: Metric | undefined): void => {
    if (metric !== undefined) rows.push([name, metricNumber(metric.value), `at step ${metric.step}`])
  }
  if (history.length === 1) add('only value', history[0])
  else {
    add('first', history[0])
    add('last', history.at(-1))
    add(
      'smallest',
      extreme(finite, (value, best) => value < best),
    )
    add(
      'greatest',
      extreme(finite, (value, best) => value > best),
    )
    rows.push(['values', String(history.length), ''])
  }
  const odd = history.length - finite.length
  if (odd > 0 && history.length > 1) {
    const nans = history.filter(({ value }) => Number.isNaN(value)).length
    rows.push(['not drawn as a line', String(odd), `${nans} NaN, ${odd - nans} infinite`])
  }
  return plainTable(rows, { right: [1] })
}

const extreme = (
  history: readonly Metric[],
  isBetter: (value: number, best: number) => boolean,
): Metric | undefined => {
  let [best] = history
  for (const metric of history) if (best !== undefined && isBetter(metric.value, best.value)) best = metric
  return best
}

/** Braille where the terminal says that it writes UTF-8; the console of Linux has no such characters. */
export const glyphsOf = ({ environment }: Pick<CommandContext, 'environment'>): ChartOptions['glyphs'] => {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || ''
  const isUnicode = /utf-?8/i.test(locale) || environment['WT_SESSION'] !== undefined
  return isUnicode && environment['TERM'] !== 'linux' ? 'braille' : 'ascii'
}

/**
 * Sparklines by metric of those that seem to have more than one value, the first 16 by name without the
 * machine's own.
 *
 * Each is a question to the tracker; a terminal without Unicode and a file get none.
 */
export const sparklinesOf = async (
  { store, context }: RunsRequest,
  run: TrackedRun,
): Promise<ReadonlyMap<string, string>> => {
  const lines = new Map<string, string>()
  if (!context.stdout.isTerminal || glyphsOf(context) === 'ascii') return lines
  const keys = Object.values(run.metrics)
    .filter(({ key, step }) => step > 0 && !key.startsWith('system/'))
    .map(({ key }) => key)
    .sort(byName)
    .slice(0, 16)
  for (const key of keys) {
    const history = await store.tracker.metricHistory(run.id, key)
    lines.set(
      key,
      sparkline(
        history.map(({ value }) => value),
        24,
      ),
    )
  }
  return lines
}
