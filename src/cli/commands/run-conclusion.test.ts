import { describe, expect, test } from 'vitest'
import type { EvaluationReport } from '../../pipelines/training/evaluation-report.ts'
import { bankReport, reportWithoutFrauds } from '../../reports/evaluation/evaluation-report.test-kit.ts'
import { runConclusion, runJson } from './run-conclusion.ts'

describe('the conclusion of a run', () => {
  test('sets the candidates side by side and marks the chosen one', () => {
    const lines = plain(bankReport()).split('\n')
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {2}Logistic regression +0\.902 +0\.894 +0\.534 +0\.521$/),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^\* Gradient boosting +0\.968 +0\.961 +0\.751 +0\.728$/),
    )
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}in production: Random forest +0\.951 +0\.671$/))
    expect(lines).toContainEqual(expect.stringMatching(/^unavailable XGBoost: libxgboost was found neither/))
  })

  test('gives figures of the chosen with their intervals, and how it decides', () => {
    const text = plain(bankReport())
    expect(text).toContain('chosen       Gradient boosting, by ROC-AUC on validation')
    expect(text).toContain('threshold    0.118 (lowest cost on validation')
    expect(text).toMatch(/average precision +0\.728 +0\.728 \(0\.694 to 0\.762\)/)
    expect(text).toMatch(/expected cost +0\.347 +0\.347/)
  })

  test('says how far the file in floats is from the model', () => {
    expect(plain(bankReport())).toContain(
      'floats       model-float32.onnx: of 9000 validation rows 3 score otherwise, by 0.021 at most, 1 are decided otherwise',
    )
  })

  test('names every gate with what came and what is allowed, and every warning', () => {
    const text = plain(bankReport())
    expect(text).toContain('gates        2 of 3 passed')
    expect(text).toContain('failed     ROC-AUC on test: 0.961, allowed at least 0.98')
    expect(text).toContain('warning The slice merchant category = charity holds no frauds')
  })

  test('says where everything is, from where one stands, and what to do next', () => {
    const text = plain(bankReport())
    expect(text).toContain('report       runs/bank/reports/evaluation.html')
    expect(text).toContain('npx vigia predict FILE --model runs/bank --config bank.yaml --out scores.csv')
  })

  test('is plain text where nobody looks: no colours, no lines, no spaces at the end', () => {
    expect(plain(bankReport())).not.toMatch(/[│┌─└]| $/m)
    expect(plain(bankReport())).not.toContain('\u001b')
  })

  test('fits into 80 columns of a terminal, but for sentences', () => {
    const boxes = [bankReport(), reportWithoutFrauds()]
      .flatMap((report) => conclude(report, true).split('\n'))
      .filter((line) => /^[│┌├└]/.test(line))
    expect(boxes.length).toBeGreaterThan(20)
    expect(Math.max(...boxes.map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('figures that are not defined are told as such; there is no talk of gates without gates', () => {
    const text = plain(reportWithoutFrauds())
    expect(text).toMatch(/ROC-AUC +not defined +not defined/)
    expect(text).not.toMatch(/null|NaN|undefined|gates/)
  })
})

describe('the conclusion as JSON', () => {
  test('holds all figures, and no curves', () => {
    const json = runJson({ folder: '/bank/runs/bank', outcomes: [], evaluation: bankReport() }, IN_FLOATS)
    expect(json).toMatchObject({
      model: { name: 'gradient_boosting' },
      threshold: 0.118,
      metrics: { train: { rows: 66_804 }, test: { averagePrecision: 0.728, expectedCost: 0.347 } },
      intervals: { test: { rocAuc: [0.944, 0.978] } },
      gates: [{ passed: true }, { passed: false }, { passed: true }],
      inFloats: IN_FLOATS,
      paths: { report: '/bank/runs/bank/reports/evaluation.html' },
    })
    expect(json.candidates?.map(({ name, isChosen }) => [name, isChosen])).toEqual([
      ['logistic_regression', false],
      ['random_forest', false],
      ['gradient_boosting', true],
      ['xgboost', false],
    ])
    expect(Object.values(json.metrics?.test ?? {}).some(Array.isArray)).toBe(false)
  })

  test('of a dry run holds the folder and the steps', () => {
    expect(runJson({ folder: 'runs/bank', outcomes: [] }, undefined)).toEqual({
      folder: 'runs/bank',
      steps: [],
    })
  })
})

const conclude = (report: EvaluationReport, isTerminal: boolean): string =>
  runConclusion(
    { folder: '/bank/runs/bank', inFloats: IN_FLOATS },
    report,
    {
      stdout: { isTerminal, columns: 80, write: () => undefined },
      useColor: false,
      workingDirectory: '/bank',
    },
    { arguments: [], options: { config: 'bank.yaml' } },
  )

const IN_FLOATS = { rows: 9000, differing: 3, flaggedOtherwise: 1, largestDifference: 0.0213 }

const plain = (report: EvaluationReport): string => conclude(report, false)
