import { join } from 'node:path'
import type { TrainingSettings } from '../../config/training-config.ts'
import { VigiaError } from '../../errors.ts'
import type { EvaluationChoices, PartEvaluation, ScoredRows } from '../../evaluation/evaluate.ts'
import type { CandidateFigures, EvaluationReport, GateResult, Intervals } from './evaluation-report.ts'

/** How sure the figures of a part are. All null: nothing measures it yet. */
export const intervalsOfRows = (
  _rows: ScoredRows,
  _choices: EvaluationChoices,
  _settings: TrainingSettings,
): Intervals => ({
  rocAuc: null,
  averagePrecision: null,
  precision: null,
  recall: null,
  f1: null,
  dailyPrecision: null,
  brierScore: null,
})

/** What the quality gates of the configuration say of the chosen model. None: the configuration has none yet. */
export const judgeGates = (
  _parts: Readonly<Record<'train' | 'validation' | 'test', PartEvaluation>>,
  _test: CandidateFigures | undefined,
  _production: EvaluationReport['production'],
  _settings: TrainingSettings,
): readonly GateResult[] => []

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
