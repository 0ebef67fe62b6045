import { describe, expect, test } from 'vitest'
import type { CandidateFigures, EvaluationReport } from './evaluation-report.ts'
import { judgeGates, requireGates } from './judgement.ts'

const FIGURES: CandidateFigures = {
  rocAuc: 0.9,
  averagePrecision: 0.5,
  precision: 0.6,
  recall: 0.4,
  dailyPrecision: null,
  logLoss: 0.1,
  expectedCost: null,
}
const NO_GATES = {
  roc_auc: null,
  average_precision: null,
  daily_precision: null,
  worse_than_production: { roc_auc: null, average_precision: null },
}
const production = { where: 'prod', title: 'Random forest', test: { ...FIGURES, averagePrecision: 0.75 } }
const settings = (gates: object) =>
  ({ evaluation: { gates: { ...NO_GATES, ...gates } } }) as unknown as Parameters<typeof judgeGates>[2]

describe('quality gates', () => {
  test('are none where none is set', () => {
    expect(judgeGates(FIGURES, production, settings({}))).toEqual([])
  })

  test('are passed from their bound on', () => {
    const results = judgeGates(FIGURES, null, settings({ roc_auc: 0.9, average_precision: 0.51 }))
    expect(results).toEqual([
      { name: 'ROC-AUC on test', allowed: 'at least 0.9', got: 0.9, passed: true },
      { name: 'average precision on test', allowed: 'at least 0.51', got: 0.5, passed: false },
    ])
  })

  test('are not passed by a figure that is not defined', () => {
    expect(judgeGates(FIGURES, null, settings({ daily_precision: 0 }))).toMatchObject([
      { got: null, passed: false },
    ])
  })

  test('compare with production where there is one', () => {
    const gates = settings({ worse_than_production: { roc_auc: null, average_precision: 0.25 } })
    expect(judgeGates(FIGURES, null, gates)).toEqual([])
    expect(judgeGates(FIGURES, production, gates)).toEqual([
      {
        name: 'average precision on test, beside production',
        allowed: 'at least 0.5 (production 0.75, 0.25 less at most)',
        got: 0.5,
        passed: true,
      },
    ])
  })

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
