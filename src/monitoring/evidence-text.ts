/** Evidence in figures that people compare with its limit. */
export const evidenceText = (evidence: number): string =>
  evidence < 1e6 ? evidence.toFixed(evidence < 10 ? 1 : 0) : 'over a million'
