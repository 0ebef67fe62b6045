import type { TrainingSettings } from '../../config/training-config.ts'
import { readJson, writeJson } from '../../disk/json-file.ts'
import { figureNamed } from '../../evaluation/figures.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'
import { learningMemoryBytes } from '../../fitting/learning-memory.ts'
import { type FitJob, runFits } from '../../fitting/run-fits.ts'
import { canonicalJson } from '../../foundation/canonical-json.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { ModelKind } from '../../learning/model.ts'
import {
  type Combination,
  type Grid,
  gridCombinations,
  randomCombinations,
} from '../../learning/search/combinations.ts'
import { type Fold, makeFolds } from '../../learning/search/folds.ts'
import { type Better, type SearchSummary, summariseSearch } from '../../learning/search/summary.ts'
import type { Step, StepWork } from '../../steps/step.ts'
import { FEATURE_INPUTS, readPart } from './feature-files.ts'
import { type RowsToJudge, searchScore } from './judge-rows.ts'
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
        const rows = await readPart(context, work, 'train', kept)
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
  const { needs } = figureNamed(search.scoring)
  if (needs.includes('costs')) return evaluation
  return needs.includes('days') ? { top_k: evaluation.top_k } : {}
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
  const combinations =
    search.method === 'grid'
      ? gridCombinations(grid)
      : randomCombinations(grid, search.candidates, project.seed)
  const folds = foldsOf(rows, context)
  const scores = await scoreAll({ name, trainer, combinations, folds, rows, context }, work)
  const { better } = figureNamed(search.scoring)
  const summary = summariseSearch(better, combinations, scores, search.tie_tolerance)
  return {
    name,
    method: `${search.method} of ${combinations.length}, ${search.validation} in ${folds.length} folds`,
    scoring: search.scoring,
    ...ranked(summary, better),
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

/** The combinations of one model that are to be tried, and on what. */
interface ModelTrials {
  readonly name: ModelKind
  readonly trainer: Trainer
  readonly combinations: readonly Combination[]
  readonly folds: readonly Fold[]
  readonly rows: FeatureRows
  readonly context: TrainingContext
}

/** One combination to be fitted and scored on one fold. */
interface Trial extends FitJob {
  readonly combination: number
  readonly fold: number
  /** Its name among what is set aside. */
  readonly key: string
}

/** Score of each combination on each fold; what an interrupted run has found is not computed again. */
const scoreAll = async (trials: ModelTrials, work: StepWork): Promise<number[][]> => {
  const { combinations, folds, trainer, rows, context } = trials
  const { settings } = context.config
  const scores = combinations.map(() => folds.map(() => Number.NaN))
  const open: Trial[] = []
  for (const trial of trialsOf(trials)) {
    const before = (await work.checkpoint.read(trial.key)) as { figure: number | null } | undefined
    if (before === undefined) open.push(trial)
    else scores[trial.combination]![trial.fold] = before.figure ?? Number.NaN
  }
  const total = combinations.length * folds.length
  let done = total - open.length
  const onScores = async (probabilities: Float64Array, job: number): Promise<void> => {
    const { combination, fold, key, scored } = open[job]!
    const score = searchScore(settings.search.scoring, takeRows(rows, scored), probabilities, settings)
    scores[combination]![fold] = score
    await work.checkpoint.write(key, { figure: Number.isFinite(score) ? score : null })
    done++
    const activity = `searching: ${trainer.title.toLowerCase()}`
    work.reportProgress({ activity, done, total, unit: 'fits' })
  }
  await runFits({
    rows: { table: rows.table, labels: rows.labels },
    jobs: open,
    threads: context.workers,
    memoryLimitBytes: learningMemoryBytes(settings.resources.learning_memory),
    activity: `searching settings of the ${trainer.title.toLowerCase()}`,
    work,
    onScores,
  })
  return scores
}

/** Each combination on each fold, in this order. */
const trialsOf = ({ name, trainer, combinations, folds, context }: ModelTrials): Trial[] => {
  const { models, project } = context.config.settings
  return combinations.flatMap((combination, index) => {
    const settings = trainer.algorithmSettings({ ...modelSettings(models[name]), ...combination }, 1)
    return folds.map(({ train, test }, fold) => ({
      algorithm: name,
      settings,
      seed: project.seed,
      training: train,
      scored: test,
      combination: index,
      fold,
      key: `${name} ${canonicalJson(combination)} ${fold}`,
    }))
  })
}

const takeRows = (
  { labels, eventTimesMs, amountsMinor, userIds }: FeatureRows,
  rows: Int32Array,
): RowsToJudge => ({
  labels: Uint8Array.from(rows, (row) => labels[row]!),
  eventTimesMs: Float64Array.from(rows, (row) => eventTimesMs[row]!),
  amountsMinor: Float64Array.from(rows, (row) => amountsMinor[row]!),
  userIds: Array.from(rows, (row) => userIds[row]!),
})

/** The chosen one first, then the others by their means. */
const ranked = ({ tried, best }: SearchSummary, better: Better): Pick<ModelSearch, 'tried' | 'best'> => {
  const sign = better === 'lower' ? 1 : -1
  const defined = tried.flatMap(({ mean, deviation, ...rest }, index) =>
    mean === null ? [] : [{ ...rest, mean, deviation: deviation ?? 0, isBest: index === best }],
  )
  defined.sort((a, b) => Number(b.isBest) - Number(a.isBest) || sign * (a.mean - b.mean))
  return {
    tried: defined.map(({ isBest: _, ...combination }) => combination),
    // Where no fold could be judged the settings of the configuration stand.
    best: best === null ? {} : tried[best]!.settings,
  }
}
