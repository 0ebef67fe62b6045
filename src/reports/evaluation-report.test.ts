import { describe, expect, it } from 'vitest'
import type { EvaluationReport } from '../pipelines/training/evaluation-report.ts'
import { bankReport, reportWithoutFrauds } from './evaluation/evaluation-report.test-kit.ts'
import { renderEvaluationReport } from './evaluation-report.ts'

const ATTACK = `<script>alert("1")</script><img src=x onerror='alert(1)'>`

/** Drawn once for all tests that only read it. */
const drawn = renderEvaluationReport(bankReport())

describe('the evaluation page', () => {
  it('says what was chosen and why, the threshold and the calibration', async () => {
    const text = textOf(await drawn)
    expect(text).toContain('Gradient boosting, by ROC-AUC on validation, out of 4 candidates (1 unavailable)')
    expect(text).toContain('0.118: a transaction is flagged when its probability is at least this')
    expect(text).toContain('isotonic, the lowest log loss on validation')
  })

  it('shows a figure with its 95 % interval', async () => {
    const text = textOf(await drawn)
    expect(text).toContain('average precision 0.728 95 %: 0.694 to 0.762')
  })

  it('tells failed gates first, in words as well as in colour', async () => {
    const text = textOf(await drawn)
    expect(text).toContain('Quality gates: 2 of 3 passed')
    expect(text).toContain('✗ failed ROC-AUC on test at least 0.98 0.961 ✓ passed average precision on test')
  })

  it('sets all candidates side by side, with the production model and why one is unavailable', async () => {
    const text = textOf(await drawn)
    expect(text).toContain('Gradient boosting ✓ chosen 0.961 0.728')
    expect(text).toContain('Random forest in production models/production/2026-05-11 0.951 0.671')
    expect(text).toContain('unavailable XGBoost: libxgboost was found neither')
    expect(text).not.toMatch(/XGBoost\s+0\./)
  })

  it('folds what a search tried, the best first', async () => {
    const markup = await drawn
    expect(markup).toContain('<summary>Gradient boosting: settings and grid search, 12 tried</summary>')
    expect(textOf(markup)).toContain('deviation over folds 4 0.1 200 0.9612 0.0031')
  })

  it('draws every curve, the decisions and the importances', async () => {
    const markup = await drawn
    for (const title of [
      'Precision and recall: average precision 0.728 on test',
      'ROC curve: area 0.961 on test',
      'Gain: frauds found by reviewing the riskiest transactions',
      'Calibration: error 0.002 on test',
      'Scores on test: genuine above, fraud below',
      'Expected cost by threshold: 0.347 on test',
      'Decisions on test at the threshold 0.118',
      'Shuffled features: what the model would miss, the 20 first of 60',
      'Gain: what the trees split on, the 20 first of 60',
    ])
      expect(markup).toContain(`<figcaption>${title}`)
    expect(markup.match(/<svg /g)).toHaveLength(9)
  })

  it('writes the names of features whole, however long', async () => {
    const markup = await drawn
    expect(markup).toContain('>device_distinct_users_in_the_last_ninety_days_ratio<')
    expect(markup).not.toContain('…')
  })

  it('shows a slice without frauds with dashes, and of many slices those with the most rows', async () => {
    const text = textOf(await drawn)
    expect(text).toContain('charity 4,330 0 0 % 55 – – 0.440 –')
    const [slice] = bankReport().slices[0]!.slices
    const many = Array.from({ length: 40 }, (_, index) => ({
      ...slice!,
      name: `category ${index}`,
      rows: index,
    }))
    const cut = textOf(
      await renderEvaluationReport({ ...bankReport(), slices: [{ by: 'category', slices: many }] }),
    )
    expect(cut).toContain('The 30 groups with the most rows of 40')
    expect(cut).toContain('category 10 ')
    expect(cut).not.toContain('category 9 ')
  })

  it('tells figures that are not defined as such, and leaves out curves without points', async () => {
    const markup = await renderEvaluationReport(reportWithoutFrauds())
    expect(textOf(markup)).toContain('average precision not defined')
    expect(markup).not.toMatch(/NaN|null|undefined|Infinity/)
    expect(markup).not.toContain('ROC curve: area')
    expect(markup).toContain('No quality gates are configured.')
  })

  it('draws weights of a linear model', async () => {
    const { importance, ...report } = bankReport()
    const coefficients = [
      { feature: 'amount', weight: 1.5 },
      { feature: 'is_night', weight: -0.25 },
    ]
    const markup = await renderEvaluationReport({
      ...report,
      importance: { gain: [], permutation: [], coefficients },
    })
    expect(markup).toContain('Weights of the standardised features')
    expect(markup).toMatch(/>\+1\.500<[\s\S]*>−0\.250</)
  })

  it('needs nothing from elsewhere: no script, no address but names of namespaces', async () => {
    const markup = await drawn
    expect(markup.replaceAll(/xmlns(:xlink)?="[^"]+"/g, '')).not.toMatch(
      /https?:|<script|<link|url\((?!#)|@import/,
    )
  })

  it('no text of the report becomes markup', async () => {
    const markup = await renderEvaluationReport(withEveryText(bankReport(), ATTACK))
    expect(markup).not.toMatch(/<script|<img/)
    expect(markup).toContain('&lt;script&gt;alert(&quot;1&quot;)')
  })

  it('the same report is the same page, byte for byte, whatever was drawn before', async () => {
    const first = await drawn
    await renderEvaluationReport(reportWithoutFrauds())
    expect(await renderEvaluationReport(bankReport())).toBe(first)
  })

  it('gives every element that is referred to one name only', async () => {
    const ids = [...(await drawn).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

/** What a reader reads: the page without its head and tags. */
const textOf = (markup: string): string =>
  markup
    .slice(markup.indexOf('<main>'))
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')

/** The same report with `text` in place of every text, names of settings included. */
const withEveryText = (report: EvaluationReport, text: string): EvaluationReport => {
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return text
    if (Array.isArray(value)) return value.map(replaced)
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]))
    return value
  }
  const attacked = replaced(report) as EvaluationReport
  return {
    ...attacked,
    candidates: attacked.candidates.map((candidate) => ({ ...candidate, settings: { [text]: text } })),
  }
}
