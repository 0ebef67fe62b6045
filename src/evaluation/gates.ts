/** What a model must reach on test; null asks for nothing. */
export interface QualityGates {
  readonly rocAuc: number | null
  readonly averagePrecision: number | null
  readonly dailyPrecision: number | null
  /** How much less than the model in production is allowed; null for any. */
  readonly worseThanProduction: {
    readonly rocAuc: number | null
    readonly averagePrecision: number | null
  }
}

/** Figures on test that gates look at; null where one is not defined. */
export interface GatedFigures {
  readonly rocAuc: number | null
  readonly averagePrecision: number | null
  readonly dailyPrecision: number | null
}

/** A gate and what came. */
export interface QualityGateResult {
  /** `average precision on test`. */
  readonly name: string
  /** `at least 0.5`. */
  readonly allowed: string
  readonly got: number | null
  readonly passed: boolean
}

/**
 * Every gate that is asked for, in the order of the settings. A figure that is not defined does not pass.
 * Gates that compare with production are left out where there is none, or where its figure is not defined.
 */
export const checkGates = (
  gates: QualityGates,
  test: GatedFigures,
  production: GatedFigures | null,
): QualityGateResult[] => {
  const results: QualityGateResult[] = []
  for (const [figure, title] of TITLES) {
    const floor = gates[figure]
    if (floor === null) continue
    const got = test[figure]
    results.push({
      name: `${title} on test`,
      allowed: `at least ${floor}`,
      got,
      passed: got !== null && got >= floor,
    })
  }
  for (const [figure, title] of TITLES) {
    if (figure === 'dailyPrecision') continue
    const loss = gates.worseThanProduction[figure]
    const theirs = production?.[figure] ?? null
    if (loss === null || theirs === null) continue
    const got = test[figure]
    results.push({
      name: `${title} on test, beside production`,
      allowed: `at least ${theirs - loss} (production ${theirs}, ${loss} less at most)`,
      got,
      passed: got !== null && got >= theirs - loss,
    })
  }
  return results
}

const TITLES = [
  ['rocAuc', 'ROC-AUC'],
  ['averagePrecision', 'average precision'],
  ['dailyPrecision', 'daily precision'],
] as const
