import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { FittedCleaning } from '../../dataset/cleaning.ts'
import { sqlLiteral, withDatabase } from '../../dataset/database.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { evaluate } from '../../evaluation/evaluate.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer, createScorer, type ModelScorer } from '../../model/scorer.ts'
import type { Step, StepWork } from '../steps/step.ts'
import { candidateFigures, costMatrix } from './candidate-figures.ts'
import type { CandidateFigures, CandidateReport, EvaluationReport } from './evaluation-report.ts'
import {
  categoricalFeatures,
  FEATURE_INPUTS,
  type FeatureRows,
  featureFiles,
  readFeatureRows,
} from './feature-rows.ts'
import { coefficientsOf, gainImportance, PERMUTATION_ROWS, permutationImportance } from './importance.ts'
import { readJson, writeJson } from './json-file.ts'
import { intervalsOfRows, judgeGates, requireGates } from './judgement.ts'
import { loadProduction, productionSources } from './production-model.ts'
import { sliceFigures } from './slice-figures.ts'
import { sliceRows } from './slice-rows.ts'
import type { TrainingContext } from './training-context.ts'
import {
  type Candidate,
  type ChoiceOutcome,
  isTrained,
  type SearchOutcome,
  type SelectionOutcome,
  type TrainedModel,
  type TrainingOutcome,
  type UnavailableModel,
} from './training-outcome.ts'

export type { EvaluationReport } from './evaluation-report.ts'

type Part = keyof EvaluationReport['parts']

const PARTS: readonly Part[] = ['train', 'validation', 'test']

/**
 * Models, thresholds and the rows -> `evaluation.json`: what the chosen model is worth and how sure that is, where it is good and
 * where not, what it goes by, and how it compares with the other candidates and the model in production.
 *
 * The check stops the run where a quality gate is not passed, so that nothing is packaged.
 */
export const evaluateStep = (context: TrainingContext): Step => {
  const { config, folder } = context
  const production = productionFolder(context)
  return {
    name: 'evaluate',
    activity: 'evaluating the model',
    inputs: [...FEATURE_INPUTS, 'clean', 'select', 'search', 'train', 'choose'],
    settings: {
      evaluation: config.declared.evaluation,
      project: config.declared.project,
      features: config.declared.features,
      labels: config.declared.labels,
    },
    ...(production !== undefined && { sources: () => productionSources(production) }),
    module: import.meta.url,
    run: async (work) => {
      await writeJson(work.output('evaluation.json'), await evaluateRun(context, work))
    },
    check: async (output) => {
      const report = await readJson<EvaluationReport>(output('evaluation.json'))
      const earlier = await stat(join(folder, 'package', 'manifest.json')).catch(() => undefined)
      requireGates(report, folder, earlier !== undefined)
    },
  }
}

/** Absolute folder of the model in production; undefined when none is named. */
const productionFolder = ({ config, workingDirectory }: TrainingContext): string | undefined => {
  const { production } = config.settings.evaluation
  if (production === '') return undefined
  return isAbsolute(production) ? production : join(workingDirectory, production)
}

const evaluateRun = async (context: TrainingContext, work: StepWork): Promise<EvaluationReport> => {
  const { config } = context
  const { input, signal, reportProgress } = work
  const selection = await readJson<SelectionOutcome>(input('select', 'selection.json'))
  const search = await readJson<SearchOutcome>(input('search', 'search.json'))
  const training = await readJson<TrainingOutcome>(input('train', 'training.json'))
  const choice = await readJson<ChoiceOutcome>(input('choose', 'choice.json'))
  const split = await readJson<SplitReport>(input('split', 'split.json'))
  const fitted = await readJson<FittedFeatures>(input('features', 'fitted.json'))
  const candidates = await Promise.all(
    choice.candidates.map(async (candidate) => {
      const model = await readJson<Model>(input('train', candidate.file))
      return { ...candidate, model, scorer: createModelScorer(model, candidate.calibration) }
    }),
  )
  const chosen = candidates.find(({ name }) => name === choice.best)!
  const { evaluation, project } = config.settings
  const { top_k, curve_points, histogram_bins } = evaluation
  const firstDayOf = (part: Part) => split.windows?.[part]?.fromMs ?? 0
  const read = (part: Part, names: readonly string[]): Promise<FeatureRows> =>
    withDatabase(context.database, (connection) =>
      readFeatureRows(connection, featureFiles(input), part, names, categoricalFeatures(context)),
    )
  const matrix = costMatrix(config.settings)
  const figures = (rows: FeatureRows, part: Part, scorer: ModelScorer, threshold: number) =>
    candidateFigures(rows, scoresOf(scorer, rows), threshold, {
      k: top_k,
      firstDayMs: firstDayOf(part),
      costs: matrix,
    })

  const parts = {} as Record<Part, EvaluationReport['parts'][Part]>
  const intervals = {} as Record<Part, EvaluationReport['intervals'][Part]>
  const figuresOf = new Map<string, { validation?: CandidateFigures; test?: CandidateFigures }>(
    candidates.map(({ name }) => [name, {}]),
  )
  let slices: EvaluationReport['slices'] = []
  let permutation: EvaluationReport['importance']['permutation'] = []
  const warnings: string[] = []
  // One part after the other: its rows are the memory that this step takes.
  for (const part of PARTS) {
    signal.throwIfAborted()
    reportProgress({
      activity: `evaluating on ${part}`,
      done: PARTS.indexOf(part),
      total: PARTS.length,
      unit: 'parts',
    })
    const rows = await read(part, training.featureNames)
    const scores = scoresOf(chosen.scorer, rows)
    const scored = {
      labels: rows.labels,
      scores,
      eventTimesMs: rows.eventTimesMs,
      entities: rows.userIds,
    }
    const choices = {
      threshold: chosen.threshold,
      k: top_k,
      firstDayMs: firstDayOf(part),
      curvePoints: curve_points,
      histogramBins: histogram_bins,
      costs: { matrix, amountsMinor: rows.amountsMinor },
    }
    parts[part] = evaluate(scored, choices)
    intervals[part] = intervalsOfRows(scored, choices, config.settings)
    if (part === 'train') continue
    for (const { name, scorer, threshold } of candidates)
      figuresOf.get(name)![part] = figures(rows, part, scorer, threshold)
    if (part === 'validation') {
      if (rows.table.rowCount > PERMUTATION_ROWS)
        warnings.push(
          `Importance by shuffling was measured on ${PERMUTATION_ROWS} of the ${rows.table.rowCount} validation rows.`,
        )
      permutation = permutationImportance(chosen.model, rows, {
        seed: project.seed,
        repeats: evaluation.permutation_repeats,
        signal,
        onFeature: (done, total) =>
          reportProgress({ activity: 'shuffling features', done, total, unit: 'features' }),
      })
    } else {
      const slicings = await withDatabase(context.database, (connection) =>
        sliceRows(connection, featureFiles(input), part, rows.transactionIds, evaluation.slices),
      )
      slices = slicings.map((slicing) => sliceFigures(slicing, rows.labels, scores, chosen.threshold))
    }
  }
  const compared = await compareProduction(context, work, fitted, async (scorer, threshold) =>
    figures(await read('test', scorer.featureNames), 'test', scorer, threshold),
  )
  const production = compared !== null && 'test' in compared ? compared : null
  return {
    schema: 2,
    project: project.name,
    model: { name: chosen.name, title: chosen.title, chosenBy: choice.chosenBy },
    threshold: chosen.threshold,
    thresholdChoice: chosen.thresholdChoice,
    calibrationChoice: chosen.calibrationChoice,
    daily: { entity: 'user', k: top_k },
    split: { method: split.method, parts: split.parts },
    parts,
    intervals,
    slices,
    importance: {
      gain: gainImportance(chosen.model),
      permutation,
      coefficients: coefficientsOf(chosen.model),
    },
    candidates: training.models.map((model) => candidateReport(model, chosen, search, figuresOf)),
    production,
    gates: judgeGates(figuresOf.get(chosen.name)!.test!, production, config.settings),
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
      ...(compared !== null && 'reason' in compared
        ? [`The model in production (${compared.where}) was not compared: ${compared.reason}.`]
        : []),
      ...warnings,
    ],
  }
}

const scoresOf = (scorer: ModelScorer, { table }: FeatureRows): Float64Array => {
  const scores = new Float64Array(table.rowCount)
  scorer.scoreMany(table, scores)
  return scores
}

const candidateReport = (
  model: TrainedModel | UnavailableModel,
  chosen: Candidate,
  search: SearchOutcome,
  figures: ReadonlyMap<string, { validation?: CandidateFigures; test?: CandidateFigures }>,
): CandidateReport => {
  const searched = search.models.find(({ name }) => name === model.name)
  return {
    name: model.name,
    title: model.title,
    isChosen: model.name === chosen.name,
    ...('unavailable' in model && { unavailable: model.unavailable }),
    settings: model.settings,
    ...(searched !== undefined && {
      search: {
        method: searched.method,
        scoring: searched.scoring,
        tried: searched.tried.map(({ settings, mean, deviation }) => ({ settings, mean, deviation })),
      },
    }),
    ...figures.get(model.name),
  }
}

/** The figures of the model in production on the run's test rows, or why there are none; null when none is named. */
const compareProduction = async (
  context: TrainingContext,
  { input }: StepWork,
  fitted: FittedFeatures,
  judge: (scorer: ModelScorer, threshold: number) => Promise<CandidateFigures>,
): Promise<EvaluationReport['production'] | { readonly where: string; readonly reason: string }> => {
  const folder = productionFolder(context)
  if (folder === undefined) return null
  const { declared } = context.config
  const where = declared.evaluation.production
  const names = await withDatabase(context.database, async (connection) => {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet(${sqlLiteral(input('features', 'features.parquet'))})`,
    )
    return described.getRows().map(([name]) => String(name))
  })
  const loaded = await loadProduction(folder, {
    names,
    settings: { features: declared.features, labels: declared.labels },
    fitted: {
      features: fitted,
      cleaning: await readJson<FittedCleaning>(input('clean', 'cleaning.json')),
    },
  })
  if ('reason' in loaded) return { where, reason: loaded.reason }
  const scorer = createScorer(loaded.artifact)
  return { where, title: loaded.title, test: await judge(scorer, scorer.threshold) }
}

/** Below this, one fraud more or less changes every figure by several hundredths. */
const FEW_FRAUDS = 30

const fewFrauds = ({ part, frauds }: SplitReport['parts'][number]): string[] =>
  part !== 'none' && frauds > 0 && frauds < FEW_FRAUDS
    ? [
        `The ${part} part holds only ${frauds} frauds: its figures are uncertain. Have at least ${FEW_FRAUDS}.`,
      ]
    : []
