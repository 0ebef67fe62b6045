import type { FeaturesSettings } from '../../config/sections/features.ts'
import { VigiaError } from '../../errors.ts'
import { isFieldName } from '../../transaction/attributes.ts'

/** A feature that the configuration computes by an expression over the transaction. */
export interface DerivedFeature {
  /** snake_case. */
  readonly name: string
  /** In CEL, as it was written: an artifact carries it as text. */
  readonly expression: string
  /** Of a number: its unit, in the plural. */
  readonly unit?: string
  /** What it says, for people: a few words. */
  readonly means?: string
}

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
const LONGEST_NAME = 63

/**
 * Reads `features.derived`; none where it is absent, as in artifacts of earlier versions. They stand in the
 * order of their names, which no way of writing a mapping changes. Expressions are not looked at.
 *
 * @throws FEATURES_DERIVED_INVALID when a name is none that a feature may have
 */
export const readDerived = (written: FeaturesSettings['derived'] = {}): readonly DerivedFeature[] =>
  Object.keys(written)
    .sort()
    .map((name) => {
      assertName(name)
      const entry = written[name]!
      return typeof entry === 'string' ? { name, expression: entry } : { name, ...entry }
    })

const assertName = (name: string): void => {
  const invalid = (allowed: string): VigiaError =>
    new VigiaError('FEATURES_DERIVED_INVALID', { name, setting: ', the name,', allowed, got: name })
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw invalid(`snake_case, beginning with a letter, of at most ${LONGEST_NAME} characters`)
  if (isFieldName(name)) throw invalid('no field of a transaction and no column of prepared data')
}
