import { isAbsolute, join } from 'node:path'
import type { TrainingSettings } from '../../config/training-config.ts'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import type { ReadResult } from '../../dataset/read-source.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import { bootstrapIntervals, type Intervals } from '../../evaluation/bootstrap.ts'
import { type CurveChoices, evaluateScored, type PartEvaluation } from '../../evaluation/evaluate.ts'
import type { ScoredRows } from '../../evaluation/figure.ts'
import { allFiguresOf, type FigureValues } from '../../evaluation/figures.ts'
import { checkGates } from '../../evaluation/gates.ts'
import { suspicionOfLeak } from '../../evaluation/suspicion-of-leak.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'
import { sliceRows } from '../../fitting/slice-rows.ts'
import { createRandom } from '../../foundation/random.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer, createScorer, type ModelScorer } from '../../model/scorer.ts'
import type { StepWork } from '../../steps/step.ts'
import { featureAmounts } from '../../transaction/amount-rules.ts'
import type { CandidateReport, EvaluationReport } from './evaluation-report.ts'
import { featureFiles, readPart } from './feature-files.ts'
import {
  coefficientsOf,
  importanceByGain,
  importanceByShuffling,
  PERMUTATION_ROWS,
} from './feature-importances.ts'
import { judgeRows, scoredRows } from './judge-rows.ts'
import { loadProduction } from './production-model.ts'
import { sliceFigures } from './slice-figures.ts'
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
  const evaluations = await evaluateParts(context, work, run)
  const production = await compareProduction(context, work, run)
  const comparable = production !== null && 'test' in production ? production : null
  const { chosen, training, choice, search, selection, split } = run
  const { project, evaluation } = context.config.settings
  return {
    schema: 2,
    project: project.name,
    model: { name: chosen.name, title: chosen.title, chosenBy: choice.chosenBy },
    threshold: chosen.threshold,
    thresholdChoice: chosen.thresholdChoice,
    calibrationChoice: chosen.calibrationChoice,
    daily: { entity: 'user', k: evaluation.top_k },
    split: { method: split.method, parts: split.parts },
    parts: evaluations.parts,
    intervals: evaluations.intervals,
    slices: evaluations.slices,
    importance: {
      gain: importanceByGain(chosen.model),
      permutation: evaluations.permutation,
      coefficients: coefficientsOf(chosen.model),
    },
    candidates: training.models.map((model) => ({
      ...candidateReport(model, chosen.name, search),
      ...evaluations.candidates.get(model.name),
    })),
    production: comparable,
    gates: checkGates(evaluation.gates, evaluations.parts.test, comparable?.test ?? null),
    selection: {
      methods: selection.methods,
      kept: selection.kept.length,
      dropped: selection.dropped,
    },
    warnings: [
      ...split.warnings,
      ...split.parts.flatMap(fewFrauds),
      ...suspicionOfLeak(evaluations.parts.test),
      ...choice.warnings,
      ...training.models.filter(isTrained).flatMap((model) => model.warnings),
      ...(production !== null && 'reason' in production
        ? [`The model in production (${production.where}) was not compared: ${production.reason}.`]
        : []),
      ...sampledRows(evaluations.parts.validation),
    ],
  }
}

/** Figures of a candidate on the parts that it did not learn from. */
interface PartFigures {
  validation?: FigureValues
  test?: FigureValues
}

/** What the parts have shown. */
interface PartEvaluations {
  readonly parts: Record<Part, PartEvaluation>
  readonly intervals: Record<Part, Intervals>
  /** By name of the candidate. */
  readonly candidates: ReadonlyMap<string, PartFigures>
  /** On validation. */
  readonly permutation: EvaluationReport['importance']['permutation']
  /** On test. */
  readonly slices: EvaluationReport['slices']
}

const evaluateParts = async (
  context: TrainingContext,
  work: StepWork,
  run: Outcomes,
): Promise<PartEvaluations> => {
  const { settings } = context.config
  const { chosen } = run
  const parts = {} as Record<Part, PartEvaluation>
  const intervals = {} as Record<Part, Intervals>
  const candidates = new Map<string, PartFigures>(run.candidates.map(({ name }) => [name, {}]))
  let slices: EvaluationReport['slices'] = []
  let permutation: EvaluationReport['importance']['permutation'] = []
  for (const [done, part] of PARTS.entries()) {
    work.signal.throwIfAborted()
    work.reportProgress({ activity: `evaluating on ${part}`, done, total: PARTS.length, unit: 'parts' })
    const rows = await readPart(context, work, part, run.training.featureNames)
    const judged = judgeRows(rows, firstDayOf(run, part))
    const scoredBy = ({ scorer, threshold }: Pick<EvaluatedCandidate, 'scorer' | 'threshold'>): ScoredRows =>
      scoredRows(judged, scoresOf(scorer, rows), threshold, settings)
    const scored = scoredBy(chosen)
    parts[part] = evaluateScored(scored, curveChoices(settings))
    intervals[part] = intervalsOf(scored, settings)
    if (part === 'train') continue
    for (const candidate of run.candidates)
      candidates.get(candidate.name)![part] = allFiguresOf(
        candidate === chosen ? scored : scoredBy(candidate),
      )
    if (part === 'validation') permutation = shuffleFeatures(context, work, chosen.model, rows)
    else slices = await sliceRun(context, work, rows.transactionIds, scored)
  }
  return { parts, intervals, candidates, permutation, slices }
}

const curveChoices = ({ evaluation }: TrainingSettings): CurveChoices => ({
  curvePoints: evaluation.curve_points,
  histogramBins: evaluation.histogram_bins,
})

/** How sure the figures are. */
const intervalsOf = (rows: ScoredRows, { evaluation, project }: TrainingSettings): Intervals =>
  bootstrapIntervals(rows, evaluation.bootstrap_resamples, createRandom(project.seed).fork('bootstrap'))

type Outcomes = Awaited<ReturnType<typeof readOutcomes>>

/** A trained candidate with its calibration and threshold. */
type EvaluatedCandidate = Outcomes['candidates'][number]

/** What the earlier steps have found. */
const readOutcomes = async ({ input }: StepWork) => {
  const choice = await readJson<ChoiceOutcome>(input('choose', 'choice.json'))
  const candidates = await Promise.all(
    choice.candidates.map(async (candidate) => {
      const model = await readJson<Model>(input('train', candidate.file))
      return { ...candidate, model, scorer: createModelScorer(model, candidate.calibration) }
    }),
  )
  return {
    choice,
    candidates,
    chosen: candidates.find(({ name }) => name === choice.best)!,
    selection: await readJson<SelectionOutcome>(input('select', 'selection.json')),
    search: await readJson<SearchOutcome>(input('search', 'search.json')),
    training: await readJson<TrainingOutcome>(input('train', 'training.json')),
    split: await readJson<SplitReport>(input('split', 'split.json')),
    fitted: await readJson<FittedFeatures>(input('features', 'fitted.json')),
    amounts: (await readJson<ReadResult>(input('read', 'read.json'))).amounts,
  }
}

const firstDayOf = ({ split }: Outcomes, part: Part): number => split.windows?.[part]?.fromMs ?? 0

/** What the chosen model loses when one feature after the other is shuffled. */
const shuffleFeatures = (
  { config: { settings } }: TrainingContext,
  { signal, reportProgress }: StepWork,
  model: Model,
  rows: FeatureRows,
): EvaluationReport['importance']['permutation'] =>
  importanceByShuffling(model, rows, {
    seed: settings.project.seed,
    repeats: settings.evaluation.permutation_repeats,
    signal,
    onFeature: (done, total) =>
      reportProgress({ activity: 'shuffling features', done, total, unit: 'features' }),
  })

const sampledRows = ({ rows }: Pick<PartEvaluation, 'rows'>): string[] =>
  rows > PERMUTATION_ROWS
    ? [`Importance by shuffling was measured on ${PERMUTATION_ROWS} of the ${rows} validation rows.`]
    : []

/** Where the chosen model is good and where not, on the test rows. */
const sliceRun = async (
  context: TrainingContext,
  { input, database }: StepWork,
  transactionIds: readonly string[],
  rows: ScoredRows,
): Promise<EvaluationReport['slices']> => {
  const { amounts } = await readJson<ReadResult>(input('read', 'read.json'))
  const { decimals } = featureAmounts(amounts)
  const slices = { ...context.config.settings.evaluation.slices, decimals }
  const slicings = await withDatabase(database, (connection) =>
    sliceRows(connection, featureFiles(input), 'test', transactionIds, slices),
  )
  return slicings.map((slicing) => sliceFigures(slicing, rows))
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
    settings: { features: declared.features, labels: declared.labels, amounts: run.amounts },
    fitted: {
      features: run.fitted,
      cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
    },
  })
  if ('reason' in loaded) return { where, reason: loaded.reason }
  const scorer = createScorer(loaded.artifact)
  const rows = await readPart(context, work, 'test', scorer.featureNames)
  const judged = judgeRows(rows, firstDayOf(run, 'test'))
  const scored = scoredRows(judged, scoresOf(scorer, rows), scorer.threshold, context.config.settings)
  return { where, title: loaded.title, test: allFiguresOf(scored) }
}

/** Below this, one fraud more or less changes every figure by several hundredths. */
const FEW_FRAUDS = 30

const fewFrauds = ({ part, frauds }: SplitReport['parts'][number]): string[] =>
  part !== 'none' && frauds > 0 && frauds < FEW_FRAUDS
    ? [
        `The ${part} part holds only ${frauds} frauds: its figures are uncertain. Have at least ${FEW_FRAUDS}.`,
      ]
    : []
