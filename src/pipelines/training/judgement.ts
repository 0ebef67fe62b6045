import { join } from 'node:path'
import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import { bootstrapIntervals } from '../../evaluation/bootstrap.ts'
import { dailyPrecision } from '../../evaluation/daily-precision.ts'
import type { EvaluationChoices, ScoredRows } from '../../evaluation/evaluate.ts'
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
 * What the quality gates of the configuration say of the chosen model's figures on test. A figure that is not defined passes no gate
 * that asks for it; a comparison with production is made only where production could be compared.
 */
export const judgeGates = (
  test: CandidateFigures,
  production: EvaluationReport['production'],
  { evaluation }: Pick<TrainingSettings, 'evaluation'>,
): readonly GateResult[] => {
  const { gates } = evaluation
  return GATED.flatMap(({ setting, figure, title }): GateResult[] => {
    const got = test[figure]
    const least = gates[setting]
    const worse = setting === 'daily_precision' ? null : gates.worse_than_production[setting]
    const before = production?.test[figure] ?? null
    return [
      ...(least === null
        ? []
        : [
            {
              name: `${title} on test`,
              allowed: `at least ${least}`,
              got,
              passed: got !== null && got >= least,
            },
          ]),
      ...(worse === null || before === null
        ? []
        : [
            {
              name: `${title} on test against production`,
              allowed: `at least ${before - worse}`,
              got,
              passed: got !== null && got >= before - worse,
            },
          ]),
    ]
  })
}

const GATED = [
  { setting: 'roc_auc', figure: 'rocAuc', title: 'ROC-AUC' },
  { setting: 'average_precision', figure: 'averagePrecision', title: 'average precision' },
  { setting: 'daily_precision', figure: 'dailyPrecision', title: 'daily precision' },
] as const

/** @throws PIPELINE_GATES_FAILED naming every gate that was not passed */
export const requireGates = ({ gates }: Pick<EvaluationReport, 'gates'>, folder: string): void => {
  const failed = gates.filter(({ passed }) => !passed)
  if (failed.length === 0) return
  throw new VigiaError('PIPELINE_GATES_FAILED', {
    count: failed.length === 1 ? '1 quality gate' : `${failed.length} quality gates`,
    gates: failed
      .map(({ name, allowed, got }) => `${name} (allowed: ${allowed}, got: ${got ?? 'not defined'})`)
      .join('; '),
    report: join(folder, 'reports', 'evaluation.html'),
  })
}
