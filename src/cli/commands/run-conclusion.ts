import { join, relative } from 'node:path'
import Table from 'cli-table3'
import picocolors from 'picocolors'
import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import type {
  CandidateReport,
  EvaluationReport,
  Interval,
  Intervals,
} from '../../pipelines/training/evaluation-report.ts'
import type { TrainingResult } from '../../pipelines/training-pipeline.ts'
import type { CommandContext, CommandInput } from '../command.ts'

/**
 * What a finished run tells a person: the candidates with the chosen one marked, its figures with their 95 %
 * intervals, the gates, what to beware of, where everything is, and what to do next. Boxes and colours only
 * on a terminal.
 */
export const runConclusion = (
  folder: string,
  report: EvaluationReport,
  context: Pick<CommandContext, 'stdout' | 'useColor' | 'workingDirectory'>,
  input: CommandInput,
): string => {
  const paint = picocolors.createColors(context.useColor)
  const isTerminal = context.stdout.isTerminal
  const { threshold, thresholdChoice, calibrationChoice, gates, warnings } = report
  const passed = gates.filter((gate) => gate.passed).length
  return [
    '',
    candidatesTable(report, isTerminal, paint.bold),
    ...report.candidates.flatMap(({ title, unavailable }) =>
      unavailable === undefined ? [] : [`${paint.yellow('unavailable')} ${title}: ${unavailable}`],
    ),
    '',
    `chosen       ${paint.bold(report.model.title)}, by ${report.model.chosenBy}`,
    `threshold    ${shortNumber(threshold)} (${thresholdChoice})`,
    `calibration  ${calibrationChoice}`,
    '',
    figuresTable(report, isTerminal),
    ...(gates.length === 0 ? [] : ['', `gates        ${passed} of ${gates.length} passed`]),
    ...gates.map(
      (gate) =>
        `  ${gate.passed ? paint.green('passed') : paint.red('failed')}     ${gate.name}: ${figure(gate.got)}, allowed ${gate.allowed}`,
    ),
    ...(warnings.length === 0 ? [] : ['']),
    ...warnings.map((warning) => `${paint.yellow('warning')} ${warning}`),
    '',
    ...pathLines(folder, context, input),
    '',
  ].join('\n')
}

/**
 * The same for programs: every figure with its interval, without the curves (evaluation.json holds those).
 */
export const runJson = ({ folder, outcomes, evaluation }: TrainingResult) => ({
  folder,
  steps: outcomes,
  ...(evaluation && {
    model: evaluation.model,
    threshold: evaluation.threshold,
    thresholdChoice: evaluation.thresholdChoice,
    calibrationChoice: evaluation.calibrationChoice,
    metrics: {
      train: withoutCurves(evaluation.parts.train),
      validation: withoutCurves(evaluation.parts.validation),
      test: withoutCurves(evaluation.parts.test),
    },
    intervals: evaluation.intervals,
    candidates: evaluation.candidates.map(({ search: _, ...candidate }) => candidate),
    production: evaluation.production,
    gates: evaluation.gates,
    warnings: evaluation.warnings,
    paths: pathsOf(folder),
  }),
})

const withoutCurves = ({
  roc: _roc,
  precisionRecall: _precisionRecall,
  histogram: _histogram,
  calibration: _calibration,
  gain: _gain,
  cost: _cost,
  ...figures
}: PartEvaluation) => figures

const candidatesTable = (
  { candidates, production }: EvaluationReport,
  isTerminal: boolean,
  mark: (text: string) => string,
): string => {
  // In two or three lines on a terminal, so that the table fits into 80 columns; one line elsewhere.
  const lineEnd = isTerminal ? '\n' : ' '
  const table = tableOf(isTerminal, [
    '',
    ['ROC-AUC', 'validation'].join(lineEnd),
    ['ROC-AUC', 'test'].join(lineEnd),
    ['average', 'precision', 'validation'].join(lineEnd),
    ['average', 'precision', 'test'].join(lineEnd),
  ])
  for (const candidate of candidates)
    if (candidate.unavailable === undefined) table.push(candidateRow(candidate, mark))
  if (production !== null)
    table.push([
      `  in production:${lineEnd}${isTerminal ? '  ' : ''}${production.title}`,
      '',
      shortFigure(production.test.rocAuc),
      '',
      shortFigure(production.test.averagePrecision),
    ])
  return plainEnds(table.toString())
}

const candidateRow = (
  { title, isChosen, validation, test }: CandidateReport,
  mark: (text: string) => string,
): string[] => [
  isChosen ? mark(`* ${title}`) : `  ${title}`,
  shortFigure(validation?.rocAuc),
  shortFigure(test?.rocAuc),
  shortFigure(validation?.averagePrecision),
  shortFigure(test?.averagePrecision),
]

const figuresTable = (report: EvaluationReport, isTerminal: boolean): string => {
  const { parts, intervals, daily } = report
  const table = tableOf(isTerminal, ['', 'validation', 'test (95 % interval)'])
  const add = (name: string, value: (part: PartEvaluation) => string, key?: keyof Intervals): void => {
    const ends = key === undefined ? '' : intervalText(intervals.test[key])
    table.push([name, value(parts.validation), `${value(parts.test)}${ends}`])
  }
  add('rows', ({ rows }) => String(rows))
  add('frauds', ({ frauds }) => String(frauds))
  add('ROC-AUC', ({ rocAuc }) => figure(rocAuc), 'rocAuc')
  add('average precision', ({ averagePrecision }) => figure(averagePrecision), 'averagePrecision')
  add('precision', ({ precision }) => figure(precision), 'precision')
  add('recall', ({ recall }) => figure(recall), 'recall')
  add('F1', ({ f1 }) => figure(f1), 'f1')
  add(
    `precision at ${daily.k} ${daily.entity}s a day`,
    ({ dailyPrecision }) => figure(dailyPrecision),
    'dailyPrecision',
  )
  add('  of a perfect model', ({ perfectDailyPrecision }) => figure(perfectDailyPrecision))
  add('calibration error', ({ calibrationError }) => shortNumber(calibrationError))
  if (parts.validation.expectedCost !== null || parts.test.expectedCost !== null)
    add('cost of a transaction', ({ expectedCost }) => shortNumber(expectedCost))
  return plainEnds(table.toString())
}

/** In a box on a terminal; columns of words apart by spaces elsewhere, for logs and other programs. */
const tableOf = (isTerminal: boolean, head: string[]): Table.Table =>
  new Table({
    head,
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
    style: {
      head: [],
      border: [],
      compact: true,
      ...(!isTerminal && { 'padding-left': 0, 'padding-right': 0 }),
    },
    ...(!isTerminal && { chars: PLAIN }),
  })

const PLAIN: Partial<Record<Table.CharName, string>> = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Lines without the spaces that fill the last column. */
const plainEnds = (text: string): string => text.replaceAll(/ +$/gm, '')

const figure = (value: number | null): string => (value === null ? 'not defined' : value.toFixed(3))

/** Like `figure` where there is no room for words: a dash where it is not defined. */
const shortFigure = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : figure(value)

/** Three significant digits, without an exponent where the number can be read without. */
const shortNumber = (value: number | null): string =>
  value === null ? 'not defined' : String(Number(value.toPrecision(3)))

const intervalText = (ends: Interval): string =>
  ends === null ? '' : ` (${ends[0].toFixed(3)} to ${ends[1].toFixed(3)})`

const pathsOf = (folder: string) => ({
  report: join(folder, 'reports', 'evaluation.html'),
  model: join(folder, 'package'),
  predictions: join(folder, 'score', 'predictions.parquet'),
})

const pathLines = (
  folder: string,
  { workingDirectory }: Pick<CommandContext, 'workingDirectory'>,
  input: CommandInput,
): string[] => {
  const shown = (path: string): string => relative(workingDirectory, path) || '.'
  const paths = pathsOf(folder)
  const config = input.options['config']
  const configOption = typeof config === 'string' ? ` --config ${config}` : ''
  return [
    `report       ${shown(paths.report)}`,
    `model        ${shown(paths.model)}`,
    `predictions  ${shown(paths.predictions)}`,
    '',
    `next         npx vigia predict FILE --model ${shown(folder)}${configOption} --out scores.csv`,
  ]
}
