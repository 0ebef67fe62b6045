import { join } from 'node:path'
import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { bootstrapIntervals } from '../../evaluation/bootstrap.ts'
import { dailyPrecision } from '../../evaluation/daily-precision.ts'
import type { EvaluationChoices, ScoredRows } from '../../evaluation/evaluate.ts'
import { checkGates } from '../../evaluation/gates.ts'
import { createRandom } from '../../foundation/random.ts'
import type { CandidateFigures, EvaluationReport, GateResult, Intervals } from './evaluation-report.ts'

const DAY_MS = 86_400_000

/** How sure the figures of a part are: 95 % bootstrap intervals. */
export const intervalsOfRows = (
  { labels, scores, eventTimesMs, entities }: ScoredRows,
  { threshold, k, firstDayMs }: EvaluationChoices,
  { evaluation, project }: TrainingSettings,
): Intervals => {
  const numbers = new Map<string, number>()
  const ranked = {
    days: Int32Array.from(eventTimesMs, (timeMs) => Math.floor((timeMs - firstDayMs) / DAY_MS)),
    entities: Uint32Array.from(entities, (entity) => {
      const number = numbers.get(entity) ?? numbers.size
      numbers.set(entity, number)
      return number
    }),
    labels,
    scores,
  }
  const dailyPrecisions = dailyPrecision(ranked, k).days.map(({ precision }) => precision)
  return bootstrapIntervals(
    { labels, scores, dailyPrecisions },
    threshold,
    evaluation.bootstrap_resamples,
    createRandom(project.seed).fork('bootstrap'),
  )
}

/**
 * What the quality gates of the configuration say of the chosen model's figures on test; see `checkGates`.
 */
export const judgeGates = (
  test: CandidateFigures,
  production: EvaluationReport['production'],
  { evaluation: { gates } }: Pick<TrainingSettings, 'evaluation'>,
): readonly GateResult[] =>
  checkGates(
    {
      rocAuc: gates.roc_auc,
      averagePrecision: gates.average_precision,
      dailyPrecision: gates.daily_precision,
      worseThanProduction: {
        rocAuc: gates.worse_than_production.roc_auc,
        averagePrecision: gates.worse_than_production.average_precision,
      },
    },
    test,
    production?.test ?? null,
  )

/**
 * `hasEarlier`: whether an earlier run in `folder` has left a package, which stays and must not be taken for
 * this model.
 *
 * @throws PIPELINE_GATES_FAILED naming every gate that was not passed
 */
export const requireGates = (
  { gates }: Pick<EvaluationReport, 'gates'>,
  folder: string,
  hasEarlier: boolean,
): void => {
  const failed = gates.filter(({ passed }) => !passed)
  if (failed.length === 0) return
  throw new VigiaError('PIPELINE_GATES_FAILED', {
    count: failed.length === 1 ? '1 quality gate' : `${failed.length} quality gates`,
    gates: failed
      .map(({ name, allowed, got }) => `${name} (allowed: ${allowed}, got: ${got ?? 'not defined'})`)
      .join('; '),
    kept: hasEarlier ? ' (package/ and states/ still hold an earlier model)' : '',
    report: join(folder, 'reports', 'evaluation.html'),
  })
}
