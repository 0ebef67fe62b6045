import type { Intervals } from '../../evaluation/bootstrap.ts'
import { precisionRecallCurve, rocCurve } from '../../evaluation/curves.ts'
import type { PartEvaluation } from '../../evaluation/evaluate.ts'
import { noFigures } from '../../evaluation/figures.test-kit.ts'
import type { FigureValues } from '../../evaluation/figures.ts'
import { scoreHistogram } from '../../evaluation/score-histogram.ts'
import { createRandom } from '../../foundation/random.ts'
import type { CandidateReport, EvaluationReport } from '../../pipelines/training/evaluation-report.ts'

/**
 * A report as a bank's run leaves it: 60 features with long names, 20 merchant categories, one candidate
 * unavailable, one gate failed, no frauds in one category.
 */
export const bankReport = (): EvaluationReport => ({
  schema: 2,
  project: 'second-bank',
  model: { name: 'gradient_boosting', title: 'Gradient boosting', chosenBy: 'ROC-AUC on validation' },
  threshold: 0.118,
  thresholdChoice: 'lowest cost on validation by the cost matrix: a missed fraud 100, a false alarm 5',
  calibrationChoice: 'isotonic, the lowest log loss on validation (0.0121 against platt 0.0127, none 0.0198)',
  daily: { entity: 'user', k: 100 },
  split: {
    method: 'temporal, 7 days between the parts so that labels have arrived',
    parts: [
      { part: 'train', rows: 1_204_311, frauds: 10_402, fromMs: 1_767_225_600_000, toMs: 1_773_273_599_000 },
      { part: 'validation', rows: 67_120, frauds: 601, fromMs: 1_773_878_400_000, toMs: 1_774_483_199_000 },
      { part: 'test', rows: 66_804, frauds: 577, fromMs: 1_775_088_000_000, toMs: 1_775_692_799_000 },
      { part: 'none', rows: 0, frauds: 0, fromMs: null, toMs: null },
    ],
  },
  parts: { train: part('train', 2.9), validation: part('validation', 2.5), test: part('test', 2.4) },
  intervals: { train: intervals(0.01), validation: intervals(0.03), test: intervals(0.034) },
  slices: [
    {
      by: 'merchant category',
      slices: CATEGORIES.map((name, index) => ({
        name,
        rows: 12_000 - index * 590,
        frauds: index === 13 ? 0 : 80 - index * 4,
        flagged: 120 - index * 5,
        rocAuc: index === 13 ? null : 0.97 - index * 0.008,
        averagePrecision: index === 13 ? null : 0.82 - index * 0.03,
        precision: index === 19 ? null : 0.7 - index * 0.02,
        recall: index === 13 ? null : 0.86 - index * 0.035,
      })),
    },
    {
      by: 'amount band',
      slices: ['up to 10', '10 to 100', '100 to 1,000', 'above 1,000'].map((name, index) => ({
        name,
        rows: 9000 + index * 4000,
        frauds: 20 + index * 130,
        flagged: 30 + index * 140,
        rocAuc: 0.88 + index * 0.03,
        averagePrecision: 0.41 + index * 0.15,
        precision: 0.5 + index * 0.1,
        recall: 0.4 + index * 0.15,
      })),
    },
  ],
  importance: {
    gain: FEATURES.map((feature, index) => ({ feature, share: 0.2 * 0.8 ** index })),
    permutation: FEATURES.map((feature, index) => ({
      feature,
      drop: 0.11 * 0.75 ** index - 0.002,
      deviation: 0.012 * 0.9 ** index,
    })),
    coefficients: [],
  },
  candidates: CANDIDATES,
  production: {
    where: 'models/production/2026-05-11',
    title: 'Random forest',
    test: figures(0.951, 0.671),
  },
  gates: [
    { name: 'average precision on test', allowed: 'at least 0.5', got: 0.728, passed: true },
    { name: 'ROC-AUC on test', allowed: 'at least 0.98', got: 0.961, passed: false },
    {
      name: 'average precision on test against production',
      allowed: 'at most 0.01 worse',
      got: -0.057,
      passed: true,
    },
  ],
  selection: {
    methods: ['constants', 'correlation groups above 0.98', 'mutual information'],
    kept: FEATURES.length,
    dropped: FEATURES.slice(0, 12).map((feature) => ({
      feature: `${feature}_copy`,
      reason: `says the same as ${feature} (correlation 0.993), which tells more about fraud`,
    })),
  },
  warnings: [
    'The slice merchant category = charity holds no frauds: its figures are not defined.',
    'XGBoost is not available: see its reason below.',
  ],
})

/**
 * The same report of rows without a single fraud on validation, and no rows in test: figures are null, curves
 * empty.
 */
export const reportWithoutFrauds = (): EvaluationReport => {
  const report = bankReport()
  const none: Intervals = Object.fromEntries(Object.keys(report.intervals.test).map((key) => [key, null]))
  const nobody = noFigures()
  const withoutFrauds: PartEvaluation = {
    ...report.parts.validation,
    frauds: 0,
    fraudShare: 0,
    rocAuc: null,
    averagePrecision: null,
    recall: null,
    f1: null,
    roc: [],
    precisionRecall: [],
    gain: [],
    cost: [],
    expectedCost: null,
  }
  const withoutRows: PartEvaluation = {
    ...withoutFrauds,
    ...noFigures(),
    rows: 0,
    fraudShare: null,
    perfectDailyPrecision: null,
    calibration: [],
    confusion: { truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0 },
    histogram: report.parts.test.histogram.map((bin) => ({ ...bin, genuine: 0, fraud: 0 })),
  }
  return {
    ...report,
    parts: { ...report.parts, validation: withoutFrauds, test: withoutRows },
    intervals: { ...report.intervals, validation: none, test: none },
    candidates: report.candidates.map((candidate) =>
      candidate.unavailable === undefined ? { ...candidate, validation: nobody, test: nobody } : candidate,
    ),
    slices: [],
    importance: { gain: [], permutation: [], coefficients: report.importance.coefficients },
    production: null,
    gates: [],
  }
}

const CATEGORIES = [
  'grocery stores and supermarkets',
  'restaurants',
  'fuel',
  'electronics and household appliances online',
  'clothing',
  'travel agencies and tour operators',
  'airlines',
  'hotels',
  'gambling',
  'jewellery',
  'cash withdrawal',
  'money transfer and remittance services',
  'pharmacies',
  'charity',
  'streaming',
  'games',
  'books',
  'parking',
  'public transport',
  'cryptocurrency exchanges',
]

const FEATURES: readonly string[] = Array.from(
  { length: 60 },
  (_, index) =>
    [
      'amount_to_user_mean',
      'merchant_fraud_share_30d_after_label_delay',
      'user_seconds_since_last',
      'device_distinct_users_in_the_last_ninety_days_ratio',
      'user_speed_from_last',
      'hour_of_day',
    ]
      .map((name) => (index < 6 ? name : `${name}_${Math.floor(index / 6)}`))
      .at(index % 6)!,
)

const figures = (rocAuc: number, averagePrecision: number): FigureValues => ({
  ...noFigures(),
  rocAuc,
  averagePrecision,
  precision: averagePrecision - 0.02,
  recall: averagePrecision + 0.03,
  dailyPrecision: 0.412,
  logLoss: 0.0121,
  expectedCost: 0.347,
})

const CANDIDATES: readonly CandidateReport[] = [
  {
    name: 'logistic_regression',
    title: 'Logistic regression',
    isChosen: false,
    settings: { c: 1, class_weight: 'balanced', max_iterations: 1000, tolerance: 0.0001 },
    validation: figures(0.902, 0.534),
    test: figures(0.894, 0.521),
  },
  {
    name: 'random_forest',
    title: 'Random forest',
    isChosen: false,
    settings: { trees: 100, max_depth: 0, features_per_split: 'sqrt' },
    validation: figures(0.949, 0.701),
    test: figures(0.943, 0.688),
  },
  {
    name: 'gradient_boosting',
    title: 'Gradient boosting',
    isChosen: true,
    settings: { trees: 200, learning_rate: 0.1, max_depth: 4, monotone: { amount: 'increasing' } },
    search: {
      method: 'grid',
      scoring: 'ROC-AUC',
      tried: [4, 3, 6, 8].flatMap((depth, index) =>
        [0.1, 0.05, 0.3].map((rate, place) => ({
          settings: { max_depth: depth, learning_rate: rate, trees: 200 },
          mean: 0.9612 - index * 0.004 - place * 0.001,
          deviation: 0.0031 + place * 0.0004,
        })),
      ),
    },
    validation: figures(0.968, 0.751),
    test: figures(0.961, 0.728),
  },
  {
    name: 'xgboost',
    title: 'XGBoost',
    isChosen: false,
    unavailable:
      'libxgboost was found neither in the library paths of the system nor in a Python environment. Install it (pip install xgboost) or name it (models.xgboost.library).',
    settings: {},
  },
]

const intervals = (width: number): Intervals => ({
  rocAuc: [0.961 - width / 2, 0.961 + width / 2],
  averagePrecision: [0.728 - width, 0.728 + width],
  precision: [0.71 - width, 0.71 + width],
  recall: [0.76 - width, 0.76 + width],
  f1: [0.734 - width, 0.734 + width],
  dailyPrecision: [0.412 - width, 0.412 + width],
  brierScore: null,
})

/**
 * Rows of two overlapping classes, so that the curves look like curves; the figures beside them are set by
 * hand.
 */
const part = (name: string, distance: number): PartEvaluation => {
  const random = createRandom(name)
  const rows = 20_000
  const labels = Uint8Array.from({ length: rows }, (_, row) => (row % 100 === 0 ? 1 : 0))
  const scores = Float64Array.from(labels, (label) => {
    const margin = -6.6 + (label === 1 ? distance * 2.1 : 0) + random.normal() * (label === 1 ? 2.3 : 1.2)
    return 1 / (1 + Math.exp(-margin))
  })
  const shares = Array.from({ length: 51 }, (_, index) => (index / 50) ** 3)
  return {
    rows: 66_804,
    frauds: 577,
    fraudShare: 577 / 66_804,
    ...noFigures(),
    rocAuc: 0.961,
    averagePrecision: 0.728,
    precision: 0.71,
    recall: 0.76,
    f1: 0.734,
    confusion: { truePositive: 438, falsePositive: 179, trueNegative: 66_048, falseNegative: 139 },
    dailyPrecision: 0.412,
    perfectDailyPrecision: 0.55,
    logLoss: 0.0121,
    brierScore: 0.00312,
    roc: rocCurve(labels, scores, 200),
    precisionRecall: precisionRecallCurve(labels, scores, 200),
    histogram: scoreHistogram(labels, scores, 50),
    calibration: [0.0004, 0.0011, 0.002, 0.0035, 0.006, 0.012, 0.03, 0.11, 0.42, 0.86].map((told, index) => ({
      rows: 40_000 * 0.45 ** index,
      meanProbability: told,
      fraudShare: told * (1 + 0.18 * Math.sin(index * distance)),
    })),
    calibrationError: 0.0021,
    gain: shares.map((reviewedShare) => ({
      reviewedShare,
      foundShare: 1 - (1 - reviewedShare) ** (1 + 60 * distance * (1 - reviewedShare)),
    })),
    cost: shares.map((threshold) => ({
      threshold,
      cost:
        0.3 +
        0.6 * (Math.sqrt(threshold) - 0.34) ** 2 +
        4 * Math.exp(-threshold * 260) +
        0.02 * (3 - distance),
    })),
    expectedCost: 0.347,
  }
}
