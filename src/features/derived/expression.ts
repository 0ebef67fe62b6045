/**
 * An expression as a tree: what `parseExpression` makes of its text, and `compileExpression` a function of.
 * `at` is where it stands in the text, in UTF-16 units from 0.
 */
export type Expression =
  | { readonly op: 'number'; readonly value: number; readonly at: number }
  | { readonly op: 'boolean'; readonly value: boolean; readonly at: number }
  | { readonly op: 'text'; readonly value: string; readonly at: number }
  | { readonly op: 'variable'; readonly name: string; readonly at: number }
  | { readonly op: 'has'; readonly name: string; readonly at: number }
  | { readonly op: '!' | 'negate'; readonly of: Expression; readonly at: number }
  | {
      readonly op: BinaryOperator
      readonly left: Expression
      readonly right: Expression
      readonly at: number
    }
  | { readonly op: 'in'; readonly of: Expression; readonly list: readonly Expression[]; readonly at: number }
  | {
      readonly op: '?:'
      readonly condition: Expression
      readonly yes: Expression
      readonly no: Expression
      readonly at: number
    }
  | {
      readonly op: 'call'
      readonly name: string
      readonly given: readonly Expression[]
      readonly at: number
    }

/** Operators between two values. */
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | '==' | '!=' | '&&' | '||'
/** Of two numbers; a number. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'
/** Of two values that have an order. */
export type ComparisonOperator = '<' | '<=' | '>' | '>='

/** What is wrong with an expression, and where: caught by whoever knows what it is called. */
export class ExpressionProblem extends Error {
  /** UTF-16 units from the beginning of the text. */
  readonly at: number
  /** A name that may have been meant. */
  readonly suggestion: string | undefined

  constructor(reason: string, at: number, suggestion?: string) {
    super(reason)
    this.at = at
    this.suggestion = suggestion
  }
}

/** The line of `text` in which `at` stands, with a caret under it. */
export const markedLine = (text: string, at: number): string => {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  const line = text.slice(start, end < 0 ? text.length : end).replaceAll('\t', ' ')
  return `\n  ${line}\n  ${' '.repeat(at - start)}^`
}
