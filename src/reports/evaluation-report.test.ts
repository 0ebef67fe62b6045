import { expect, test } from 'vitest'
import type { PartEvaluation } from '../evaluation/evaluate.ts'
import type { EvaluationReport } from '../pipelines/training/evaluation-report.ts'
import { renderEvaluationReport } from './evaluation-report.ts'

test('the page shows the metrics of the test rows and needs nothing from elsewhere', async () => {
  const html = await renderEvaluationReport(report())
  expect(html).toContain('<b>0.750</b>')
  expect(html).toContain('precision at 100 users a day')
  expect(html).not.toMatch(/<script|<link|https?:\/\/(?!www\.w3\.org)/)
})

test('names from the data cannot become markup', async () => {
  const html = await renderEvaluationReport({ ...report(), project: '<img src=x onerror=alert(1)>' })
  expect(html).not.toContain('<img')
})

test('a part without frauds is told as such, and drawn without failing', async () => {
  const empty: PartEvaluation = {
    ...part(),
    frauds: 0,
    rocAuc: null,
    averagePrecision: null,
    roc: [],
    precisionRecall: [],
  }
  const html = await renderEvaluationReport({ ...report(), parts: { validation: empty, test: empty } })
  expect(html).toContain('not defined')
})

test('the same report is the same page', async () => {
  expect(await renderEvaluationReport(report())).toBe(await renderEvaluationReport(report()))
})

const part = (): PartEvaluation => ({
  rows: 4,
  frauds: 2,
  rocAuc: 0.75,
  averagePrecision: 0.75,
  precision: 0.5,
  recall: 0.5,
  f1: 0.5,
  confusion: { truePositive: 1, falsePositive: 1, trueNegative: 1, falseNegative: 1 },
  dailyPrecision: 0.25,
  perfectDailyPrecision: 0.5,
  fraudShare: 0.1,
  logLoss: 0.2,
  brierScore: 0.05,
  roc: [
    { falsePositiveRate: 0, truePositiveRate: 0 },
    { falsePositiveRate: 0, truePositiveRate: 0.5 },
    { falsePositiveRate: 1, truePositiveRate: 1 },
  ],
  precisionRecall: [
    { recall: 0.5, precision: 1 },
    { recall: 1, precision: 0.5 },
  ],
  histogram: [
    { from: 0, to: 0.5, genuine: 1, fraud: 1 },
    { from: 0.5, to: 1, genuine: 1, fraud: 1 },
  ],
})

const report = (): EvaluationReport => ({
  schema: 1,
  project: 'bank',
  model: 'logistic regression',
  threshold: 0.5,
  thresholdChoice: 'best F1 on validation',
  daily: { entity: 'user', k: 100 },
  split: {
    method: 'temporal',
    parts: [{ part: 'train', rows: 10, frauds: 1, fromMs: 0, toMs: 1000 }],
  },
  parts: { validation: part(), test: part() },
  coefficients: [
    { feature: 'amount', weight: 1.5 },
    { feature: 'is_night', weight: -0.2 },
  ],
  warnings: [],
})
