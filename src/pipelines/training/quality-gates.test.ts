import { describe, expect, test } from 'vitest'
import type { EvaluationReport } from './evaluation-report.ts'
import { requireGates } from './quality-gates.ts'

describe('quality gates', () => {
  test('that are not passed stop the run with their names', () => {
    const gates: EvaluationReport['gates'] = [
      { name: 'a', allowed: 'at least 1', got: 0.5, passed: false },
      { name: 'b', allowed: 'at least 0', got: 0.5, passed: true },
    ]
    expect(() => requireGates({ gates }, 'run', false)).toThrow(
      'does not pass 1 quality gate: a (allowed: at least 1, got: 0.5). Nothing was packaged; the report',
    )
    expect(() => requireGates({ gates }, 'run', true)).toThrow(
      'Nothing was packaged (package/ and states/ still hold an earlier model); the report',
    )
    expect(() => requireGates({ gates: gates.slice(1) }, 'run', false)).not.toThrow()
  })
})
