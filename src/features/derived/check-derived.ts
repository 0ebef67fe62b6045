import type { FeaturesSettings } from '../../config/sections/features.ts'
import { DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import { compileDerived } from './compile-derived.ts'
import { readDerived } from './derived-feature.ts'
import { variablesOf } from './variables.ts'

/**
 * Checks what can be known of `features.derived` before the source is read: that expressions are CEL, in
 * bounds, and that their types fit. A name that is no field may be an attribute, of any kind.
 *
 * @param foldsCategories whether cleaning writes categories in one form
 * @throws FEATURES_EXPRESSION_INVALID, FEATURES_DERIVED_INVALID
 */
export const checkDerived = (written: FeaturesSettings['derived'], foldsCategories: boolean): void => {
  const scope = { variables: variablesOf([], DEFAULT_AMOUNTS.decimals), hasUnread: true, foldsCategories }
  for (const derived of readDerived(written)) compileDerived(derived, scope)
}
