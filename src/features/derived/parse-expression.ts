import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import { type BinaryOperator, type Expression, ExpressionProblem } from './expression.ts'
import { FUNCTIONS, functionNames } from './functions.ts'

/** Longest expression, in UTF-16 units. */
export const LONGEST_EXPRESSION = 1000
/** Most parts that stand in each other: `a + (b * c)` has three levels. */
export const DEEPEST_EXPRESSION = 40
/** Most values of a list. */
export const LONGEST_LIST = 100

const BINARY: ReadonlySet<string> = new Set<BinaryOperator>([
  ...(['+', '-', '*', '/', '%', '<', '<=', '>', '>='] as const),
  ...(['==', '!=', '&&', '||'] as const),
])

/**
 * Reads an expression of CEL, the Common Expression Language, in the part of it that features have: numbers,
 * text, true and false, variables, arithmetic, comparisons, `&&`, `||`, `!`, `?:`, `in` a list of constants,
 * `has(variable)`, and the functions of `FUNCTIONS`. It knows no types yet.
 *
 * @throws ExpressionProblem when it is no CEL, uses more of CEL than that, or is too long or too deep
 */
export const parseExpression = (text: string): Expression => {
  if (text.length > LONGEST_EXPRESSION) {
    const sizes = `${text.length} characters long; at most ${LONGEST_EXPRESSION} are allowed`
    throw new ExpressionProblem(`it is ${sizes}`, LONGEST_EXPRESSION)
  }
  return treeOf(parsed(text), 1)
}

const environment = new Environment({ limits: { maxListElements: LONGEST_LIST } })

const parsed = (text: string): ASTNode => {
  try {
    return environment.parse(text).ast
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const at = Math.min(error.range?.start ?? error.node?.pos ?? 0, text.length)
    throw new ExpressionProblem(`it is no CEL: ${error.summary}`, at)
  }
}

const treeOf = (node: ASTNode, depth: number): Expression => {
  const at = node.start
  if (depth > DEEPEST_EXPRESSION)
    throw new ExpressionProblem(`it is nested deeper than ${DEEPEST_EXPRESSION} levels`, at)
  const part = (inner: ASTNode): Expression => treeOf(inner, depth + 1)
  switch (node.op) {
    case 'value':
      return constantOf(node.args, at)
    case 'id':
      return { op: 'variable', name: node.args, at }
    case '!_':
      return { op: '!', of: part(node.args), at }
    case '-_':
      return negated(part(node.args), at)
    case '?:': {
      const [condition, yes, no] = node.args.map(part) as [Expression, Expression, Expression]
      return { op: '?:', condition, yes, no, at }
    }
    case 'in':
      return { op: 'in', of: part(node.args[0]), list: listOf(node.args[1], part), at }
    case 'call':
      return callOf(node.args[0], node.args[1], part, at)
    case 'rcall':
      return methodOf(node.args, part, at)
  }
  if (!BINARY.has(node.op)) throw new ExpressionProblem(unsupported(node), at)
  const [left, right] = (node.args as [ASTNode, ASTNode]).map(part) as [Expression, Expression]
  return { op: node.op as BinaryOperator, left, right, at }
}

const unsupported = (node: ASTNode): string => {
  switch (node.op) {
    case '.':
      return `a variable has no parts: "${node.input.slice(node.start, node.end)}" stands for nothing`
    case 'list':
      return 'a list stands only behind `in`'
    default:
      return 'features have numbers, text, true and false: no maps and no parts of lists'
  }
}

const constantOf = (value: unknown, at: number): Expression => {
  if (typeof value === 'string') return { op: 'text', value, at }
  if (typeof value === 'boolean') return { op: 'boolean', value, at }
  if (typeof value === 'number') return { op: 'number', value, at }
  if (typeof value === 'bigint') {
    const number = Number(value)
    if (!Number.isSafeInteger(number))
      throw new ExpressionProblem(`${value} is beyond 2^53, where a double is not exact`, at)
    return { op: 'number', value: number, at }
  }
  if (value === null)
    throw new ExpressionProblem('there is no null: has(x) says whether a transaction has x', at)
  throw new ExpressionProblem('constants are numbers, text, true and false', at)
}

const negated = (of: Expression, at: number): Expression =>
  of.op === 'number' ? { op: 'number', value: -of.value, at } : { op: 'negate', of, at }

type Part = (node: ASTNode) => Expression

const listOf = (node: ASTNode, part: Part): readonly Expression[] => {
  if (node.op !== 'list')
    throw new ExpressionProblem('behind `in` stands a list of constants: ["a", "b"]', node.start)
  return node.args.map((element) => {
    const constant = part(element)
    if (!['number', 'text', 'boolean'].includes(constant.op))
      throw new ExpressionProblem('a list holds constants: numbers, text, true and false', constant.at)
    return constant
  })
}

const callOf = (name: string, given: readonly ASTNode[], part: Part, at: number): Expression => {
  if (name !== 'has') return knownCall(name, given, part, at)
  const [only] = given
  if (given.length !== 1 || only?.op !== 'id')
    throw new ExpressionProblem('has() takes the name of one variable', at)
  return { op: 'has', name: only.args, at }
}

/** `math.abs(x)` is read as the method abs of something called math. */
const methodOf = (
  [name, receiver, given]: [string, ASTNode, ASTNode[]],
  part: Part,
  at: number,
): Expression => {
  const isMath = receiver.op === 'id' && receiver.args === 'math'
  return knownCall(isMath ? `math.${name}` : `.${name}`, given, part, at)
}

const knownCall = (name: string, given: readonly ASTNode[], part: Part, at: number): Expression => {
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (known === undefined)
    throw new ExpressionProblem(`there is no function ${name}(); there are ${functionNames()}`, at)
  const { least, most } = known
  if (given.length < least || given.length > most) {
    const allowed = least === most ? `${least}` : `${least} to ${most}`
    const takes = `${name}() takes ${allowed} number${most === 1 ? '' : 's'}`
    throw new ExpressionProblem(`${takes}, got ${given.length}`, at)
  }
  return { op: 'call', name, given: given.map(part), at }
}
