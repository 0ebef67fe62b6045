import { VigiaError } from '../errors.ts'

/** What is wrong with one field of a request. */
export interface FieldProblem {
  /** Name of the field; empty for the whole. */
  readonly field: string
  /** Half a sentence that goes on from the field's name: `is missing`. */
  readonly what: string
  readonly allowed: string
  /** What came, as JSON, cut to 60 characters. */
  readonly got: string
}

/** A request that cannot be used, with every problem that was found in it. */
export class RequestProblemsError extends VigiaError<'REQUEST_INVALID' | 'REQUEST_TRANSACTION_INVALID'> {
  readonly problems: readonly FieldProblem[]

  constructor(code: 'REQUEST_INVALID' | 'REQUEST_TRANSACTION_INVALID', problems: readonly FieldProblem[]) {
    super(code, { count: counted(problems.length), problems: problems.map(sentenceOf).join('') })
    this.problems = problems
  }
}

/** A value as a problem shows it. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  const text =
    typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : (JSON.stringify(value) ?? typeof value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const counted = (count: number): string => (count === 1 ? '1 problem' : `${count} problems`)

const sentenceOf = ({ field, what, allowed, got }: FieldProblem): string =>
  `\n  ${field === '' ? 'it' : field} ${what}. Allowed: ${allowed}; got ${got}.`
