import { VigiaError } from '../../errors.ts'
import { type CompiledExpression, compileExpression, type Scope } from './compile-expression.ts'
import type { DerivedFeature } from './derived-feature.ts'
import { ExpressionProblem, markedLine } from './expression.ts'
import { parseExpression } from './parse-expression.ts'

/**
 * The function of a derived feature, whose value is a number or true and false.
 *
 * @throws FEATURES_EXPRESSION_INVALID naming the feature, what is wrong, and where in the expression
 * @throws FEATURES_DERIVED_INVALID when true and false are given a unit
 */
export const compileDerived = (derived: DerivedFeature, scope: Scope): CompiledExpression => {
  const { name, unit } = derived
  const compiled = compiledIn(derived, scope)
  if (compiled.type === 'boolean' && unit !== undefined) {
    const allowed = 'left out, because the expression is true or false'
    throw new VigiaError('FEATURES_DERIVED_INVALID', { name, setting: '.unit', allowed, got: unit })
  }
  return compiled
}

const compiledIn = ({ name, expression }: DerivedFeature, scope: Scope): CompiledExpression => {
  try {
    const compiled = compileExpression(parseExpression(expression), scope)
    if (compiled.type === 'text' || compiled.type === 'time') {
      const reason = `its value is a ${compiled.type}; that of a feature is a number, or true or false`
      throw new ExpressionProblem(reason, 0)
    }
    return compiled
  } catch (error) {
    if (!(error instanceof ExpressionProblem)) throw error
    throw new VigiaError(
      'FEATURES_EXPRESSION_INVALID',
      {
        name,
        reason: error.message,
        at: error.at + 1,
        expression: markedLine(expression, error.at),
        suggestion: error.suggestion === undefined ? '' : `: did you mean "${error.suggestion}"?`,
      },
      { cause: error },
    )
  }
}
