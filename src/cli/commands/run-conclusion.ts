import { join, relative } from 'node:path'
import Table from 'cli-table3'
import picocolors from 'picocolors'
import type { Interval } from '../../evaluation/bootstrap.ts'
import { type PartEvaluation, withoutCurves } from '../../evaluation/evaluate.ts'
import { type Figure, isShare, titleWith } from '../../evaluation/figure.ts'
import { FIGURES, figuresIn, keyOf, perfectKeyOf } from '../../evaluation/figures.ts'
import type { FloatComparison } from '../../model/onnx/onnx-contents.ts'
import type { CandidateReport, EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import type { TrainingResult } from '../../pipelines/training-pipeline.ts'
import type { CommandContext, CommandInput } from '../command.ts'
import { floatWords } from './models/model-text.ts'

/**
 * What a finished run tells a person: the candidates with the chosen one marked, its figures with their 95 %
 * intervals, the gates, what to beware of, where everything is, and what to do next. Boxes and colours only
 * on a terminal.
 */
export const runConclusion = (
  { folder, inFloats }: { readonly folder: string; readonly inFloats: FloatComparison | undefined },
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
        `  ${gate.passed ? paint.green('passed') : paint.red('failed')}     ${gate.name}: ${gate.got === null ? 'not defined' : shortNumber(gate.got)}, allowed ${gate.allowed}`,
    ),
    ...(warnings.length === 0 ? [] : ['']),
    ...warnings.map((warning) => `${paint.yellow('warning')} ${warning}`),
    '',
    ...pathLines({ folder, inFloats }, context, input),
    '',
  ].join('\n')
}

/**
 * The same for programs: every figure with its interval, without the curves (evaluation.json holds those).
 */
export const runJson = (
  { folder, outcomes, evaluation }: TrainingResult,
  inFloats: FloatComparison | undefined,
) => ({
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
    inFloats: inFloats ?? null,
    paths: pathsOf(folder),
  }),
})

const candidatesTable = (
  { candidates, production }: EvaluationReport,
  isTerminal: boolean,
  mark: (text: string) => string,
): string => {
  // In two or three lines on a terminal, so that the table fits into 80 columns; one line elsewhere.
  const lineEnd = isTerminal ? '\n' : ' '
  const table = tableOf(isTerminal, [
    '',
    ...figuresIn('lists').flatMap(({ title }) =>
      ['validation', 'test'].map((part) => [...title.split(' '), part].join(lineEnd)),
    ),
  ])
  for (const candidate of candidates)
    if (candidate.unavailable === undefined) table.push(candidateRow(candidate, mark))
  if (production !== null)
    table.push([
      `  in production:${lineEnd}${isTerminal ? '  ' : ''}${production.title}`,
      ...figuresIn('lists').flatMap((figure) => ['', shortText(figure, production.test[keyOf(figure)])]),
    ])
  return plainEnds(table.toString())
}

const candidateRow = (
  { title, isChosen, validation, test }: CandidateReport,
  mark: (text: string) => string,
): string[] => [
  isChosen ? mark(`* ${title}`) : `  ${title}`,
  ...figuresIn('lists').flatMap((figure) => [
    shortText(figure, validation?.[keyOf(figure)]),
    shortText(figure, test?.[keyOf(figure)]),
  ]),
]

const figuresTable = (report: EvaluationReport, isTerminal: boolean): string => {
  const { parts, intervals, daily } = report
  const table = tableOf(isTerminal, ['', 'validation', 'test (95 % interval)'])
  const add = (name: string, value: (part: PartEvaluation) => string, ends = ''): void => {
    table.push([name, value(parts.validation), `${value(parts.test)}${ends}`])
  }
  add('rows', ({ rows }) => String(rows))
  add('frauds', ({ frauds }) => String(frauds))
  for (const figure of FIGURES) {
    const key = keyOf(figure)
    const isDefined = parts.validation[key] !== null || parts.test[key] !== null
    // Without a cost matrix nothing is said of costs.
    if (figure.needs.includes('costs') && !isDefined) continue
    const ends = intervalText(figure, intervals.test[key])
    add(titleWith(figure, daily), (part) => figureText(figure, part[key]), ends)
    if (figure.ofPerfectModel !== undefined)
      add('  of a perfect model', (part) => figureText(figure, part[perfectKeyOf(figure)]))
  }
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

const figureText = (figure: Pick<Figure, 'unit'>, value: number | null): string => {
  if (value === null) return 'not defined'
  return isShare(figure) ? value.toFixed(3) : shortNumber(value)
}

/** Like `figureText` where there is no room for words: a dash where it is not defined. */
const shortText = (figure: Pick<Figure, 'unit'>, value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : figureText(figure, value)

/** Three significant digits, without an exponent where the number can be read without. */
const shortNumber = (value: number): string => String(Number(value.toPrecision(3)))

const intervalText = (figure: Pick<Figure, 'unit'>, ends: Interval | undefined): string =>
  ends === null || ends === undefined ? '' : ` (${ends.map((end) => figureText(figure, end)).join(' to ')})`

const pathsOf = (folder: string) => ({
  report: join(folder, 'reports', 'evaluation.html'),
  model: join(folder, 'package'),
  predictions: join(folder, 'score', 'predictions.parquet'),
})

const pathLines = (
  { folder, inFloats }: { readonly folder: string; readonly inFloats: FloatComparison | undefined },
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
    `floats       ${floatWords(inFloats)}`,
    `predictions  ${shown(paths.predictions)}`,
    '',
    `next         npx vigia predict FILE --model ${shown(folder)}${configOption} --out scores.csv`,
  ]
}
