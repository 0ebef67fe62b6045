import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { EvaluationReport } from './evaluation-report.ts'

/**
 * Stops a run whose model does not pass every quality gate.
 *
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
