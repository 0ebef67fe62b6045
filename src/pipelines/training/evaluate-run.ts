import { isAbsolute, join } from 'node:path'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import { evaluate } from '../../evaluation/evaluate.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer, createScorer, type ModelScorer } from '../../model/scorer.ts'
import type { StepWork } from '../../steps/step.ts'
import { candidateFigures, costMatrix } from './candidate-figures.ts'
import type { CandidateFigures, CandidateReport, EvaluationReport } from './evaluation-report.ts'
import { categoricalFeatures, type FeatureRows, featureFiles, readFeatureRows } from './feature-rows.ts'
import { coefficientsOf, gainImportance, PERMUTATION_ROWS, permutationImportance } from './importance.ts'
import { intervalsOfRows, judgeGates } from './judgement.ts'
import { loadProduction } from './production-model.ts'
import { sliceFigures } from './slice-figures.ts'
import { sliceRows } from './slice-rows.ts'
import type { TrainingContext } from './training-context.ts'
import {
  type ChoiceOutcome,
  isTrained,
  type SearchOutcome,
  type SelectionOutcome,
  type TrainedModel,
  type TrainingOutcome,
  type UnavailableModel,
} from './training-outcome.ts'

type Part = keyof EvaluationReport['parts']

const PARTS: readonly Part[] = ['train', 'validation', 'test']

/** Absolute folder of the model in production; undefined when none is named. */
export const productionFolder = ({ config, workingDirectory }: TrainingContext): string | undefined => {
  const { production } = config.settings.evaluation
  if (production === '') return undefined
  return isAbsolute(production) ? production : join(workingDirectory, production)
}

/**
 * What the chosen model and the others are worth, part after part: the rows of one part are the memory that
 * this step takes.
 */
export const evaluateRun = async (context: TrainingContext, work: StepWork): Promise<EvaluationReport> => {
  const run = await readOutcomes(work)
  const candidates = run.candidates.map((candidate) => ({ ...candidate, figures: {} as PartFigures }))
  const chosen = candidates.find(({ name }) => name === run.choice.best)!
  const parts = {} as Record<Part, EvaluationReport['parts'][Part]>
  const intervals = {} as Record<Part, EvaluationReport['intervals'][Part]>
  let slices: EvaluationReport['slices'] = []
  let shuffled: Shuffled = { importance: [], warnings: [] }
  for (const part of PARTS) {
    work.signal.throwIfAborted()
    const done = PARTS.indexOf(part)
    work.reportProgress({ activity: `evaluating on ${part}`, done, total: PARTS.length, unit: 'parts' })
    const rows = await readPart(context, work, part, run.training.featureNames)
    const scores = scoresOf(chosen.scorer, rows)
    const judged = judgeChosen(context, run, part, rows, scores, chosen.threshold)
    parts[part] = judged.figures
    intervals[part] = judged.intervals
    if (part === 'train') continue
    for (const { figures, scorer, threshold } of candidates)
      figures[part] = figuresOf(context, run, part, rows, scorer, threshold)
    if (part === 'validation') shuffled = shuffleFeatures(context, work, chosen.model, rows)
    else slices = await sliceRun(context, work, rows, scores, chosen.threshold)
  }
  const production = await compareProduction(context, work, run)
  const compared = production !== null && 'test' in production ? production : null
  const { training, choice, search, selection, split } = run
  return {
    schema: 2,
    project: context.config.settings.project.name,
    model: { name: chosen.name, title: chosen.title, chosenBy: choice.chosenBy },
    threshold: chosen.threshold,
    thresholdChoice: chosen.thresholdChoice,
    calibrationChoice: chosen.calibrationChoice,
    daily: { entity: 'user', k: context.config.settings.evaluation.top_k },
    split: { method: split.method, parts: split.parts },
    parts,
    intervals,
    slices,
    importance: {
      gain: gainImportance(chosen.model),
      permutation: shuffled.importance,
      coefficients: coefficientsOf(chosen.model),
    },
    candidates: training.models.map((model) =>
      candidateReport(
        model,
        chosen.name,
        search,
        candidates.find(({ name }) => name === model.name)?.figures,
      ),
    ),
    production: compared,
    gates: judgeGates(chosen.figures.test!, compared, context.config.settings),
    selection: {
      methods: selection.methods,
      kept: selection.kept.length,
      dropped: selection.dropped,
    },
    warnings: [
      ...split.warnings,
      ...split.parts.flatMap(fewFrauds),
      ...choice.warnings,
      ...training.models.filter(isTrained).flatMap((model) => model.warnings),
      ...(production !== null && 'reason' in production
        ? [`The model in production (${production.where}) was not compared: ${production.reason}.`]
        : []),
      ...shuffled.warnings,
    ],
  }
}

/** Figures of a candidate on the parts that it did not learn from. */
interface PartFigures {
  validation?: CandidateFigures
  test?: CandidateFigures
}

type Outcomes = Awaited<ReturnType<typeof readOutcomes>>

/** What the earlier steps have found. */
const readOutcomes = async ({ input }: StepWork) => {
  const choice = await readJson<ChoiceOutcome>(input('choose', 'choice.json'))
  return {
    choice,
    selection: await readJson<SelectionOutcome>(input('select', 'selection.json')),
    search: await readJson<SearchOutcome>(input('search', 'search.json')),
    training: await readJson<TrainingOutcome>(input('train', 'training.json')),
    split: await readJson<SplitReport>(input('split', 'split.json')),
    fitted: await readJson<FittedFeatures>(input('features', 'fitted.json')),
    candidates: await Promise.all(
      choice.candidates.map(async (candidate) => {
        const model = await readJson<Model>(input('train', candidate.file))
        return { ...candidate, model, scorer: createModelScorer(model, candidate.calibration) }
      }),
    ),
  }
}

const readPart = (
  context: TrainingContext,
  { input, database }: StepWork,
  part: Part,
  names: readonly string[],
): Promise<FeatureRows> =>
  withDatabase(database, (connection) =>
    readFeatureRows(connection, featureFiles(input), part, names, categoricalFeatures(context)),
  )

const firstDayOf = ({ split }: Outcomes, part: Part): number => split.windows?.[part]?.fromMs ?? 0

/** All figures and curves of the chosen model on one part, and how sure they are. */
const judgeChosen = (
  { config: { settings } }: TrainingContext,
  run: Outcomes,
  part: Part,
  rows: FeatureRows,
  scores: Float64Array,
  threshold: number,
) => {
  const { labels, eventTimesMs, userIds, amountsMinor } = rows
  const scored = { labels, scores, eventTimesMs, entities: userIds }
  const choices = {
    threshold,
    k: settings.evaluation.top_k,
    firstDayMs: firstDayOf(run, part),
    curvePoints: settings.evaluation.curve_points,
    histogramBins: settings.evaluation.histogram_bins,
    costs: { matrix: costMatrix(settings), amountsMinor },
  }
  return { figures: evaluate(scored, choices), intervals: intervalsOfRows(scored, choices, settings) }
}

/** The figures that candidates are compared by. */
const figuresOf = (
  { config: { settings } }: TrainingContext,
  run: Outcomes,
  part: Part,
  rows: FeatureRows,
  scorer: ModelScorer,
  threshold: number,
): CandidateFigures =>
  candidateFigures(rows, scoresOf(scorer, rows), threshold, {
    k: settings.evaluation.top_k,
    firstDayMs: firstDayOf(run, part),
    costs: costMatrix(settings),
  })

interface Shuffled {
  readonly importance: EvaluationReport['importance']['permutation']
  readonly warnings: readonly string[]
}

/** What the chosen model loses when one feature after the other is shuffled. */
const shuffleFeatures = (
  { config: { settings } }: TrainingContext,
  { signal, reportProgress }: StepWork,
  model: Model,
  rows: FeatureRows,
): Shuffled => ({
  importance: permutationImportance(model, rows, {
    seed: settings.project.seed,
    repeats: settings.evaluation.permutation_repeats,
    signal,
    onFeature: (done, total) =>
      reportProgress({ activity: 'shuffling features', done, total, unit: 'features' }),
  }),
  warnings:
    rows.table.rowCount > PERMUTATION_ROWS
      ? [
          `Importance by shuffling was measured on ${PERMUTATION_ROWS} of the ${rows.table.rowCount} validation rows.`,
        ]
      : [],
})

/** Where the chosen model is good and where not, on the test rows. */
const sliceRun = async (
  context: TrainingContext,
  { input, database }: StepWork,
  rows: FeatureRows,
  scores: Float64Array,
  threshold: number,
): Promise<EvaluationReport['slices']> => {
  const slicings = await withDatabase(database, (connection) =>
    sliceRows(
      connection,
      featureFiles(input),
      'test',
      rows.transactionIds,
      context.config.settings.evaluation.slices,
    ),
  )
  return slicings.map((slicing) => sliceFigures(slicing, rows.labels, scores, threshold))
}

const scoresOf = (scorer: ModelScorer, { table }: FeatureRows): Float64Array => {
  const scores = new Float64Array(table.rowCount)
  scorer.scoreMany(table, scores)
  return scores
}

const candidateReport = (
  model: TrainedModel | UnavailableModel,
  chosen: string,
  search: SearchOutcome,
  figures: PartFigures | undefined,
): CandidateReport => {
  const searched = search.models.find(({ name }) => name === model.name)
  return {
    name: model.name,
    title: model.title,
    isChosen: model.name === chosen,
    ...('unavailable' in model && { unavailable: model.unavailable }),
    settings: model.settings,
    ...(searched !== undefined && {
      search: {
        method: searched.method,
        scoring: searched.scoring,
        tried: searched.tried.map(({ settings, mean, deviation }) => ({ settings, mean, deviation })),
      },
    }),
    ...('curves' in model && model.curves.length > 0 && { curves: model.curves }),
    ...figures,
  }
}

/**
 * The figures of the model in production on the run's test rows, or why there are none; null when none is
 * named.
 */
const compareProduction = async (
  context: TrainingContext,
  work: StepWork,
  run: Outcomes,
): Promise<EvaluationReport['production'] | { readonly where: string; readonly reason: string }> => {
  const folder = productionFolder(context)
  if (folder === undefined) return null
  const { declared } = context.config
  const where = declared.evaluation.production
  const { input, database } = work
  const names = await withDatabase(database, async (connection) => {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${sqlLiteral(input('features', 'features.parquet'))})`,
    )
    return described.getRows().map(([name]) => String(name))
  })
  const loaded = await loadProduction(folder, {
    names,
    settings: { features: declared.features, labels: declared.labels },
    fitted: {
      features: run.fitted,
      cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
    },
  })
  if ('reason' in loaded) return { where, reason: loaded.reason }
  const scorer = createScorer(loaded.artifact)
  const rows = await readPart(context, work, 'test', scorer.featureNames)
  return {
    where,
    title: loaded.title,
    test: figuresOf(context, run, 'test', rows, scorer, scorer.threshold),
  }
}

/** Below this, one fraud more or less changes every figure by several hundredths. */
const FEW_FRAUDS = 30

const fewFrauds = ({ part, frauds }: SplitReport['parts'][number]): string[] =>
  part !== 'none' && frauds > 0 && frauds < FEW_FRAUDS
    ? [
        `The ${part} part holds only ${frauds} frauds: its figures are uncertain. Have at least ${FEW_FRAUDS}.`,
      ]
    : []
