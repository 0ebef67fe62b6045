import { boundWord, reaches, worseBy, worseWord } from './figure.ts'
import { FIGURES, type FigureName, type FigureValues, keyOf } from './figures.ts'

/** What a model must reach on test, by figure; null asks for nothing. */
export interface QualityGates extends Readonly<Record<FigureName, number | null>> {
  /** How much worse than the model in production is allowed; null for any. */
  readonly worse_than_production: Readonly<Record<FigureName, number | null>>
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
 * Every gate that is asked for, in the order of the figures. A figure that is not defined does not pass.
 * Gates that compare with production are left out where there is none, or where its figure is not defined.
 */
export const checkGates = (
  gates: QualityGates,
  test: FigureValues,
  production: Partial<FigureValues> | null,
): QualityGateResult[] => {
  const results: QualityGateResult[] = []
  for (const figure of FIGURES) {
    const bound = gates[figure.name]
    if (bound === null) continue
    const got = test[keyOf(figure)]
    results.push({
      name: `${figure.title} on test`,
      allowed: `at ${boundWord(figure)} ${bound}`,
      got,
      passed: got !== null && reaches(figure, got, bound),
    })
  }
  for (const figure of FIGURES) {
    const margin = gates.worse_than_production[figure.name]
    const theirs = production?.[keyOf(figure)] ?? null
    if (margin === null || theirs === null) continue
    const bound = worseBy(figure, theirs, margin)
    const got = test[keyOf(figure)]
    results.push({
      name: `${figure.title} on test, beside production`,
      allowed: `at ${boundWord(figure)} ${bound} (production ${theirs}, ${margin} ${worseWord(figure)} at most)`,
      got,
      passed: got !== null && reaches(figure, got, bound),
    })
  }
  return results
}
