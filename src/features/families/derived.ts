import { compileDerived } from '../derived/compile-derived.ts'
import type { CompiledExpression } from '../derived/compile-expression.ts'
import type { DerivedFeature } from '../derived/derived-feature.ts'
import { variablesOf } from '../derived/variables.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { yesOrNo } from '../phrase.ts'

/** What the bank computes of the transaction by expressions of its own. */
export const derived: FeatureFamily = {
  name: 'derived',
  title: 'Derived',
  meaning:
    'What the expressions of `features.derived` compute of the transaction ([derived features](derived-features.md)): one feature each, a number, or true and false.',
  features: ({ derived: declared, attributes, amounts, foldsCategories = false }) => {
    if (declared.length === 0) return []
    const scope = { variables: variablesOf(attributes, amounts.decimals), foldsCategories }
    return declared.map((one) => featureOf(one, compileDerived(one, scope)))
  },
}

const ANYTHING = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

const featureOf = (
  { name, unit, means, expression }: DerivedFeature,
  { type, bind }: CompiledExpression,
): Feature => {
  const words = means ?? name.replaceAll('_', ' ')
  const isBoolean = type === 'boolean'
  return {
    name,
    meaning: `Derived by an expression: ${words}${isBoolean ? '; 1 for true, 0 for false' : ''}.`,
    unit: isBoolean ? 'boolean' : (unit ?? 'number'),
    range: isBoolean ? [0, 1] : ANYTHING,
    missing: `missing when what it needs is missing, or no finite number: \`${expression}\``,
    phrase: isBoolean
      ? yesOrNo(`${words}: yes`, `${words}: no`, `${words} is not known`)
      : { text: `${words} is {}`, missing: `${words} is not known` },
    bind: (sources) => {
      const value = bind(sources)
      // Minus zero is zero.
      return () => value() + 0
    },
  }
}
