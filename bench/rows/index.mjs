import { allFeatures, allFeaturesLarge } from './all-features.mjs'
import { drift } from './drift.mjs'
import { explanation } from './explanation.mjs'
import { generate } from './generate.mjs'
import { gradientBoosting } from './gradient-boosting.mjs'
import { handbookFeatures } from './handbook-features.mjs'
import { keptDays } from './kept-days.mjs'
import { logisticRegression } from './logistic-regression.mjs'
import { predictBulk } from './predict-bulk.mjs'
import { predictHttp } from './predict-http.mjs'
import { randomForest } from './random-forest.mjs'
import { readCsv } from './read-csv.mjs'
import { scoring } from './scoring.mjs'
import { startToReady } from './start-to-ready.mjs'

/** Every row of the table, in its order. */
export const rows = [
  handbookFeatures,
  allFeatures,
  allFeaturesLarge,
  generate,
  readCsv,
  logisticRegression,
  randomForest,
  gradientBoosting,
  explanation,
  drift,
  keptDays,
  scoring,
  predictHttp,
  predictBulk,
  startToReady,
]
