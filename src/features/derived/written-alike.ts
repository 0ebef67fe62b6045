import { type CategoryColumn, foldCategory } from '../../transaction/fold-category.ts'
import { type Expression, ExpressionProblem } from './expression.ts'
import type { Variables } from './variables.ts'

/**
 * Refuses to compare texts that cleaning writes in forms which are never equal: a category is lower case, a
 * currency upper case, an id as it came. The comparison would be false in silence.
 *
 * @throws ExpressionProblem with the form in which a constant is to be written
 */
export const assertWrittenAlike = (left: Expression, right: Expression, variables: Variables): void => {
  const formOf = (name: string, text: string): string =>
    variables.get(name)?.isCategory ? (foldCategory(name as CategoryColumn, text) ?? '') : text
  const [one, other] = left.op === 'text' ? [right, left] : [left, right]
  if (one.op !== 'variable') return
  if (other.op === 'text') {
    const written = formOf(one.name, other.value)
    if (written === other.value) return
    const reason = `cleaning.fold_categories writes ${one.name} in one form, which "${other.value}" is not`
    throw new ExpressionProblem(reason, other.at, written)
  }
  if (other.op !== 'variable') return
  const areTexts = [one, other].every(({ name }) => variables.get(name)?.type === 'text')
  if (!areTexts || formOf(one.name, 'aA') === formOf(other.name, 'aA')) return
  const reason = `cleaning.fold_categories writes ${one.name} and ${other.name} in different forms: make both attributes of kind category, or both text`
  throw new ExpressionProblem(reason, one.at)
}
