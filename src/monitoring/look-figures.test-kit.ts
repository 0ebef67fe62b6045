import type { LookFigures } from './look-figures.ts'

/** What a look measured, with what a test wants otherwise. */
export const testFigures = (changes: Partial<LookFigures> = {}): LookFigures => ({
  model: 'fraud',
  version: '3',
  date: '2026-11-30',
  severity: 'moderate',
  statistic: 6.5,
  limit: 4.2,
  changedFeatures: 2,
  rows: 10_000,
  historyDays: 60,
  alertRate: 0.03,
  usualAlertRate: 0.01,
  ...changes,
})
