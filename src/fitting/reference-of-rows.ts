import { profileCodes, profileNumbers, type ReferenceProfile } from '../model/reference-profile.ts'
import type { ModelScorer } from '../model/scorer.ts'
import type { FeatureRows } from './feature-rows.ts'

/** The profile of training features, and of the scores of validation rows where there are any. */
export const referenceOfRows = (
  scorer: ModelScorer,
  training: Pick<FeatureRows, 'table'>,
  validation: Pick<FeatureRows, 'table'>,
): ReferenceProfile => {
  const { names, columns, categorical = [], rowCount } = training.table
  const part = validation.table.rowCount > 0 ? 'validation' : 'train'
  const { table } = part === 'validation' ? validation : training
  const scores = new Float64Array(table.rowCount)
  scorer.scoreMany(table, scores)
  return {
    schema: 1,
    rows: rowCount,
    features: Object.fromEntries(
      names.map((name, f) => [
        name,
        categorical.includes(name) ? profileCodes(columns[f]!) : profileNumbers(columns[f]!),
      ]),
    ),
    score: { part, profile: profileNumbers(scores) },
  }
}
