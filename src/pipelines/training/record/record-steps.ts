import { basename, join } from 'node:path'
import type { ReadResult } from '../../../dataset/read-source.ts'
import type { SplitReport } from '../../../dataset/split/split-report.ts'
import type { ValidationReport } from '../../../dataset/validation-report.ts'
import { readJson } from '../../../disk/json-file.ts'
import { type PartEvaluation, withoutCurves } from '../../../evaluation/evaluate.ts'
import type { FigureValues } from '../../../evaluation/figures.ts'
import { sha256 } from '../../../foundation/hash.ts'
import type { DatasetInput, Metric } from '../../../ports/experiment-tracker.ts'
import { readManifest } from '../../../steps/step-manifest.ts'
import { ROOT_RUN } from '../../../tracking/journal-entry.ts'
import type { RunWriter } from '../../../tracking/run-writer.ts'
import { snakeCase } from '../../../tracking/snake-case.ts'
import { preparedColumns } from '../../../transaction/attributes.ts'
import type { EvaluationReport } from '../evaluation-report.ts'
import {
  type ChoiceOutcome,
  isTrained,
  type SearchOutcome,
  type SelectionOutcome,
  type TrainedModel,
  type TrainingOutcome,
} from '../training-outcome.ts'
import { recordModel } from './record-model.ts'

/** A finished step to be recorded. */
export interface FinishedStep {
  /** The run folder. */
  readonly folder: string
  readonly writer: RunWriter
  /**
   * When its outputs were made, epoch milliseconds: the same however often it is recorded, so that no figure
   * appears twice.
   */
  readonly atMs: number
}

type RecordStep = (step: FinishedStep) => Promise<void>

/** What each step of training adds to the tracked run; the others add nothing but their duration. */
export const STEP_RECORDERS: Readonly<Record<string, RecordStep>> = {
  // its verdict and the figures of the data
  validate: async (step) => {
    const report = await read<ValidationReport>(step, 'validate', 'validation.json')
    await attach(step, 'validate/validation.json')
    await step.writer.log(ROOT_RUN, { tags: { 'vigia.validation': report.verdict } })
  },
  // what the run was trained and judged on
  split: async (step) => {
    await attach(step, 'split/split.json')
    await step.writer.logInputs(ROOT_RUN, await datasetInputs(step.folder))
    const tags = { 'vigia.training_data_sha256': await trainingDataHash(step.folder) }
    await step.writer.log(ROOT_RUN, { tags })
  },
  select: async (step) => {
    const { kept, dropped } = await read<SelectionOutcome>(step, 'select', 'selection.json')
    await attach(step, 'select/selection.json')
    await step.writer.log(ROOT_RUN, {
      params: { selected_features: JSON.stringify(kept) },
      metrics: metricsOf(step, { 'selection.kept': kept.length, 'selection.dropped': dropped.length }),
    })
  },
  // a run for each tried setting
  search: async (step) => {
    const { models } = await read<SearchOutcome>(step, 'search', 'search.json')
    if (models.length > 0) await attach(step, 'search/search.json')
    for (const search of models) await recordSearch(step, search)
  },
  // a run for each candidate
  train: async (step) => {
    const { models } = await read<TrainingOutcome>(step, 'train', 'training.json')
    await attach(step, 'train/training.json')
    for (const model of models) {
      if (isTrained(model)) await recordTrained(step, model)
      else {
        const tags = { [`vigia.unavailable.${model.name}`]: model.unavailable }
        await step.writer.log(ROOT_RUN, { tags })
      }
    }
  },
  choose: async (step) => {
    const choice = await read<ChoiceOutcome>(step, 'choose', 'choice.json')
    const { models } = await read<TrainingOutcome>(step, 'train', 'training.json')
    await attach(step, 'choose/choice.json')
    for (const { name, threshold, thresholdChoice, calibrationChoice } of choice.candidates) {
      const run = await candidateRun(step, name)
      await step.writer.log(run, {
        tags: { 'vigia.threshold_choice': thresholdChoice, 'vigia.calibration': calibrationChoice },
        metrics: metricsOf(step, { threshold }),
      })
    }
    const best = choice.candidates.find(({ name }) => name === choice.best)
    await step.writer.log(ROOT_RUN, {
      tags: { 'vigia.model': choice.best, 'vigia.chosen_by': choice.chosenBy },
      metrics: [
        ...metricsOf(step, { threshold: best?.threshold ?? null }),
        ...models
          .filter(isTrained)
          .filter(({ name }) => name === choice.best)
          .flatMap((model) => curveMetrics(step, model)),
      ],
    })
  },
  evaluate: async (step) => {
    const report = await read<EvaluationReport>(step, 'evaluate', 'evaluation.json')
    await attach(step, 'evaluate/evaluation.json')
    await step.writer.log(ROOT_RUN, { metrics: finalMetrics(step, report) })
    for (const { name, unavailable, isChosen, validation, test } of report.candidates) {
      if (unavailable !== undefined) continue
      const run = await candidateRun(step, name)
      await step.writer.log(run, {
        tags: { 'vigia.is_chosen': String(isChosen) },
        metrics: [
          ...candidateMetrics(step, 'validation', validation),
          ...candidateMetrics(step, 'test', test),
        ],
      })
      await step.writer.endRun(run, 'FINISHED', step.atMs)
    }
  },
  package: (step) => recordModel(step.writer, join(step.folder, 'package')),
}

const read = <T>({ folder }: FinishedStep, step: string, file: string): Promise<T> =>
  readJson<T>(join(folder, step, file))

/** `split/split.json` of the run folder is the artifact `split.json`. */
const attach = ({ folder, writer }: FinishedStep, file: string): Promise<void> =>
  writer.logArtifact(ROOT_RUN, join(folder, file), basename(file))

/** Figures that are defined. */
const metricsOf = (
  { atMs }: FinishedStep,
  figures: Readonly<Record<string, number | null | undefined>>,
  step = 0,
): Metric[] =>
  Object.entries(figures).flatMap(([key, value]) =>
    typeof value === 'number' ? [{ key, value, timestampMs: atMs, step }] : [],
  )

/** Run of a candidate model, begun when it is first needed: by its search or its training. */
const candidateRun = async ({ writer, atMs }: FinishedStep, name: string): Promise<string> => {
  const run = `model/${name}`
  const tags = { 'vigia.kind': 'candidate', 'vigia.model': name }
  await writer.startRun(run, ROOT_RUN, name, tags, atMs)
  return run
}

const recordSearch = async (
  step: FinishedStep,
  { name, method, scoring, tried }: SearchOutcome['models'][number],
): Promise<void> => {
  const { writer, atMs } = step
  const parent = await candidateRun(step, name)
  const [best] = tried
  for (const run of [ROOT_RUN, parent]) {
    const prefix = run === ROOT_RUN ? `search.${name}` : 'search'
    await writer.log(run, {
      ...(run === parent && { tags: { 'vigia.search': method, 'vigia.search.scoring': scoring } }),
      metrics: [
        ...metricsOf(step, {
          [`${prefix}.${scoring}.mean`]: best?.mean,
          [`${prefix}.${scoring}.deviation`]: best?.deviation,
        }),
        ...foldMetrics(step, `${prefix}.${scoring}`, best?.folds ?? []),
      ],
    })
  }
  for (const [index, { settings, mean, deviation, folds }] of tried.entries()) {
    const number = String(index + 1).padStart(3, '0')
    const run = `${parent}/tried-${number}`
    const tags = { 'vigia.kind': 'tried-settings', 'vigia.model': name }
    await writer.startRun(run, parent, `${name} tried ${number}`, tags, atMs)
    await writer.log(run, {
      params: jsonTexts(settings),
      metrics: [
        ...metricsOf(step, { [`${scoring}.mean`]: mean, [`${scoring}.deviation`]: deviation }),
        ...foldMetrics(step, scoring, folds),
      ],
    })
    await writer.endRun(run, 'FINISHED', atMs)
  }
}

const foldMetrics = (step: FinishedStep, key: string, folds: readonly (number | null)[]): Metric[] =>
  folds.flatMap((figure, fold) => metricsOf(step, { [key]: figure }, fold))

const recordTrained = async (step: FinishedStep, model: TrainedModel): Promise<void> => {
  const run = await candidateRun(step, model.name)
  await step.writer.log(run, {
    params: jsonTexts(model.settings),
    tags: {
      'vigia.title': model.title,
      ...(model.library !== undefined && { 'vigia.library': model.library }),
      ...(model.warnings.length > 0 && { 'vigia.warnings': model.warnings.join('\n') }),
    },
    metrics: curveMetrics(step, model),
  })
}

/**
 * `curve.validation.log_loss` by trees: apart from the final `validation.log_loss`, whose probabilities are
 * calibrated.
 */
const curveMetrics = ({ atMs }: FinishedStep, { curves }: TrainedModel): Metric[] =>
  // A step that was made by an earlier version of this code has none.
  (curves ?? []).flatMap(({ name, steps, values }) =>
    values.map((value, index) => ({
      key: `curve.${name}`,
      value,
      timestampMs: atMs,
      step: steps[index] ?? index,
    })),
  )

const jsonTexts = (settings: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, JSON.stringify(value ?? null)]))

const finalMetrics = (step: FinishedStep, { parts, intervals }: EvaluationReport): Metric[] =>
  Object.entries(parts).flatMap(([part, figures]) => [
    ...metricsOf(step, partFigures(part, figures)),
    ...Object.entries(intervals[part as keyof typeof parts]).flatMap(([name, ends]) =>
      ends === null
        ? []
        : metricsOf(step, {
            [`${part}.${snakeCase(name)}.low`]: ends[0],
            [`${part}.${snakeCase(name)}.high`]: ends[1],
          }),
    ),
  ])

/** `test.roc_auc`, `test.false_positive`. Curves are for the report. */
const partFigures = (part: string, evaluation: PartEvaluation): Record<string, number | null> => {
  const { confusion, ...figures } = withoutCurves(evaluation)
  return namedFigures(part, { ...figures, ...confusion })
}

const candidateMetrics = (step: FinishedStep, part: string, figures: FigureValues | undefined): Metric[] =>
  metricsOf(step, namedFigures(part, figures ?? {}))

/** The name of a figure in JSON files is its name in camel case, so that this gives it back. */
const namedFigures = (
  part: string,
  figures: Readonly<Record<string, number | null>> | Partial<FigureValues>,
): Record<string, number | null> =>
  Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${part}.${snakeCase(key)}`, value]))

/** Hash that says which rows, with which content, the models learnt from. */
export const trainingDataHash = (folder: string): Promise<string> => partHash(folder, 'train')

const partHash = async (folder: string, part: string): Promise<string> => {
  const prepared = await readManifest(join(folder, 'read'))
  const split = await readManifest(join(folder, 'split'))
  return sha256(
    [prepared?.files['prepared.parquet']?.sha256, split?.files['split.parquet']?.sha256, part].join(' '),
  )
}

const CONTEXTS = { train: 'training', validation: 'validation', test: 'test' } as const

const datasetInputs = async (folder: string): Promise<DatasetInput[]> => {
  const { files, attributes, amounts } = await readJson<ReadResult>(join(folder, 'read', 'read.json'))
  const split = await readJson<SplitReport>(join(folder, 'split', 'split.json'))
  const { sources = [] } = (await readManifest(join(folder, 'read'))) ?? {}
  const generated = await readManifest(join(folder, 'generate'))
  // Files of another bank have no step of their own.
  const isGenerated = sources.length === 0
  const schema = JSON.stringify({
    mlflow_colspec: Object.entries(preparedColumns(attributes, amounts)).map(([name, type]) => ({
      type: COLUMN_TYPES[type.split(' ')[0] ?? ''] ?? 'string',
      name,
      required: type.endsWith('NOT NULL'),
    })),
  })
  const inputs: DatasetInput[] = []
  for (const { part, rows, frauds, fromMs, toMs } of split.parts) {
    if (part === 'none' || rows === 0) continue
    const source = isGenerated
      ? { generated: generated?.content ?? null, part }
      : {
          files: files.map(({ path }, index) => ({ path, rows: files[index]?.rows, sha256: sources[index] })),
          part,
        }
    inputs.push({
      name: isGenerated ? 'generated' : basename(files[0]?.path ?? 'transactions'),
      digest: (await partHash(folder, part)).slice(0, 32),
      sourceType: isGenerated ? 'generated' : 'local',
      source: JSON.stringify(source),
      schema,
      profile: JSON.stringify({ num_rows: rows, num_frauds: frauds, from_ms: fromMs, to_ms: toMs }),
      context: CONTEXTS[part],
    })
  }
  return inputs
}

/** In the words of MLflow's signatures. */
const COLUMN_TYPES: Readonly<Record<string, string>> = {
  BIGINT: 'long',
  TINYINT: 'integer',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  VARCHAR: 'string',
}
