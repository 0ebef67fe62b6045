import type { TrainingSettings } from '../../config/training-config.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { learningMemoryBytes } from '../../fitting/learning-memory.ts'
import { type FitJob, runFits } from '../../fitting/run-fits.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { ModelKind } from '../../learning/model.ts'
import {
  type Candidate,
  type Grid,
  gridCandidates,
  randomCandidates,
} from '../../learning/search/candidates.ts'
import { type Fold, makeFolds } from '../../learning/search/folds.ts'
import { type SearchSummary, summariseSearch } from '../../learning/search/summary.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import { type JudgedRows, scoringFigure } from './candidate-figures.ts'
import {
  categoricalFeatures,
  FEATURE_INPUTS,
  type FeatureRows,
  featureFiles,
  readFeatureRows,
} from './feature-rows.ts'
import { enabledModels, modelSettings } from './model-settings.ts'
import { librariesOf, type ModelTrainer, modelTrainers } from './model-trainers.ts'
import type { TrainingContext } from './training-context.ts'
import type { ModelSearch, SearchOutcome, SelectionOutcome } from './training-outcome.ts'

/**
 * Training rows -> `search.json`: the best settings of each enabled model that has a grid. Without any grid
 * nothing is done.
 *
 * Every fit is set aside when it is judged, so an interrupted search goes on where it was.
 */
export const searchStep = (context: TrainingContext): Step => {
  const searched = modelsToSearch(context)
  const { declared } = context.config
  return {
    name: 'search',
    activity: 'searching settings',
    inputs: [...FEATURE_INPUTS, 'select'],
    settings:
      searched.length === 0
        ? {}
        : {
            search: declared.search,
            models: Object.fromEntries(
              searched.map((name) => [
                name,
                { ...modelSettings(declared.models[name]), grid: declared.models[name].grid },
              ]),
            ),
            labels: declared.labels,
            evaluation: judgedBy(declared),
            seed: declared.project.seed,
          },
    identities: async () => ({
      library: searched.length === 0 ? {} : librariesOf(await modelTrainers(context)),
    }),
    module: import.meta.url,
    run: async (work) => {
      const models: ModelSearch[] = []
      if (searched.length > 0) {
        const { kept } = await readJson<SelectionOutcome>(work.input('select', 'selection.json'))
        const rows = await withDatabase(work.database, (connection) =>
          readFeatureRows(connection, featureFiles(work.input), 'train', kept, categoricalFeatures(context)),
        )
        const trainers = await modelTrainers(context)
        for (const name of searched) {
          const trainer = trainers[name]
          if (!('unavailable' in trainer)) models.push(await searchModel(name, trainer, rows, context, work))
        }
      }
      const outcome: SearchOutcome = { schema: 1, models }
      await writeJson(work.output('search.json'), outcome)
    },
  }
}

/** The settings of evaluation that the scoring looks at: to change another one must not search again. */
const judgedBy = ({ search, evaluation }: TrainingSettings): Record<string, unknown> => {
  if (search.scoring === 'precision_at_k') return { top_k: evaluation.top_k }
  return search.scoring === 'expected_cost' ? evaluation : {}
}

const modelsToSearch = ({ config: { settings } }: TrainingContext): readonly ModelKind[] =>
  enabledModels(settings.models).filter((name) => Object.keys(settings.models[name].grid).length > 0)

type Trainer = Extract<ModelTrainer, { train: unknown }>

const searchModel = async (
  name: ModelKind,
  trainer: Trainer,
  rows: FeatureRows,
  context: TrainingContext,
  work: StepWork,
): Promise<ModelSearch> => {
  const { search, models, project } = context.config.settings
  const grid = models[name].grid as Grid
  const candidates =
    search.method === 'grid' ? gridCandidates(grid) : randomCandidates(grid, search.candidates, project.seed)
  const folds = foldsOf(rows, context)
  const figures = await judgeAll(name, trainer, candidates, folds, rows, context, work)
  const summary = summariseSearch(search.scoring, candidates, figures, search.tie_tolerance)
  return {
    name,
    method: `${search.method} of ${candidates.length}, ${search.validation} in ${folds.length} folds`,
    scoring: search.scoring,
    ...ranked(summary),
  }
}

const foldsOf = (rows: FeatureRows, { config: { settings } }: TrainingContext): readonly Fold[] => {
  const { search, labels, project } = settings
  return makeFolds(
    rows.labels,
    rows.eventTimesMs,
    {
      validation: search.validation,
      folds: search.folds,
      window: search.window,
      testLengthMs: search.test_length === null ? null : parseDuration(search.test_length),
      gapMs: parseDuration(search.gap ?? labels.delay),
    },
    project.seed,
  )
}

/** Scoring of each candidate on each fold; what an interrupted run has found is not computed again. */
const judgeAll = async (
  name: ModelKind,
  trainer: Trainer,
  candidates: readonly Candidate[],
  folds: readonly Fold[],
  rows: FeatureRows,
  context: TrainingContext,
  work: StepWork,
): Promise<number[][]> => {
  const { config, workers } = context
  const figures = candidates.map(() => folds.map(() => Number.NaN))
  const open: (FitJob & { readonly candidate: number; readonly fold: number; readonly key: string })[] = []
  for (const [candidate, tried] of candidates.entries()) {
    const settings = trainer.algorithmSettings(
      { ...modelSettings(config.settings.models[name]), ...tried },
      1,
    )
    for (const [fold, { train, test }] of folds.entries()) {
      const key = `${name} ${canonicalJson(tried)} ${fold}`
      const before = (await work.checkpoint.read(key)) as { figure: number | null } | undefined
      if (before !== undefined) figures[candidate]![fold] = before.figure ?? Number.NaN
      else
        open.push({
          algorithm: name,
          settings,
          seed: config.settings.project.seed,
          training: train,
          scored: test,
          candidate,
          fold,
          key,
        })
    }
  }
  const total = candidates.length * folds.length
  let done = total - open.length
  const onScores = async (scores: Float64Array, job: number): Promise<void> => {
    const { candidate, fold, key, scored } = open[job]!
    const figure = scoringFigure(
      config.settings.search.scoring,
      judgedRows(rows, scored),
      scores,
      config.settings,
    )
    figures[candidate]![fold] = figure
    await work.checkpoint.write(key, { figure: Number.isFinite(figure) ? figure : null })
    work.reportProgress({
      activity: `searching: ${trainer.title.toLowerCase()}`,
      done: ++done,
      total,
      unit: 'fits',
    })
  }
  await runFits({
    rows: { table: rows.table, labels: rows.labels },
    jobs: open,
    threads: workers,
    memoryLimitBytes: learningMemoryBytes(config.settings.resources.learning_memory),
    activity: `searching settings of the ${trainer.title.toLowerCase()}`,
    work,
    onScores,
  })
  return figures
}

const judgedRows = (
  { labels, eventTimesMs, amountsMinor, userIds }: FeatureRows,
  rows: Int32Array,
): JudgedRows => ({
  labels: Uint8Array.from(rows, (row) => labels[row]!),
  eventTimesMs: Float64Array.from(rows, (row) => eventTimesMs[row]!),
  amountsMinor: Float64Array.from(rows, (row) => amountsMinor[row]!),
  userIds: Array.from(rows, (row) => userIds[row]!),
})

/** The chosen one first, then the others by their means. */
const ranked = ({ tried, best, scoring }: SearchSummary): Pick<ModelSearch, 'tried' | 'best'> => {
  const sign = scoring === 'expected_cost' ? 1 : -1
  const defined = tried.flatMap(({ mean, deviation, ...rest }, index) =>
    mean === null ? [] : [{ ...rest, mean, deviation: deviation ?? 0, isBest: index === best }],
  )
  defined.sort((a, b) => Number(b.isBest) - Number(a.isBest) || sign * (a.mean - b.mean))
  return {
    tried: defined.map(({ isBest: _, ...candidate }) => candidate),
    // Where no fold could be judged the settings of the configuration stand.
    best: best === null ? {} : tried[best]!.settings,
  }
}
