import { nearest } from '../../config/nearest.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { FeatureSources } from '../feature.ts'
import { type BinaryOperator, type Expression, ExpressionProblem } from './expression.ts'
import { FUNCTIONS, type NumberFunction } from './functions.ts'
import type { ValueType, Variable, Variables } from './variables.ts'
import { assertWrittenAlike } from './written-alike.ts'

/** What an expression may use. */
export interface Scope {
  readonly variables: Variables
  /** Other names are attributes of a source that is not read yet. Default: they are refused. */
  readonly hasUnread?: boolean
  /** Whether cleaning writes categories in one form; constants must then be written so. */
  readonly foldsCategories: boolean
}

/** An expression whose types fit, ready to be bound to the transaction at hand. */
export interface CompiledExpression {
  readonly type: ValueType
  /** The function reads the transaction and nothing else. NaN is a missing value. */
  readonly bind: (sources: FeatureSources) => () => number
}

type Bind = CompiledExpression['bind']

/**
 * Checks the types of an expression and makes a function of it.
 *
 * All numbers are doubles. Arithmetic and comparisons with a missing value are missing, and so is a result
 * that is no finite number: a division by zero. `&&` and `||` know their result from one side alone where it
 * decides, whatever the other is: `false && missing` is false. A condition that is missing gives a missing
 * value.
 *
 * @throws ExpressionProblem naming what does not fit, and where
 */
export const compileExpression = (expression: Expression, scope: Scope): CompiledExpression => {
  const compile = (inner: Expression): CompiledExpression => compileExpression(inner, scope)
  switch (expression.op) {
    case 'number':
      return constant('number', expression.value)
    case 'boolean':
      return constant('boolean', Number(expression.value))
    case 'text':
      return constant('text', tokenOf(expression.value))
    case 'variable':
      return variableOf(expression.name, expression.at, scope)
    case 'has': {
      const { bind } = variableOf(expression.name, expression.at, scope)
      return unary('boolean', bind, (value) => (Number.isNaN(value) ? 0 : 1))
    }
    case '!':
      return unary('boolean', boundAs('boolean', compile(expression.of), expression.of, '!'), (x) => 1 - x)
    case 'negate':
      return unary('number', boundAs('number', compile(expression.of), expression.of, '-'), (x) => -x)
    case 'in':
      return within(expression, compile, scope)
    case '?:':
      return choice(expression, compile)
    case 'call': {
      const { name, given } = expression
      return applied(
        FUNCTIONS[name]!.of,
        given.map((argument) => boundAs('number', compile(argument), argument, `${name}()`)),
      )
    }
    default:
      return binary(expression, compile, scope)
  }
}

const constant = (type: ValueType, value: number): CompiledExpression => ({ type, bind: () => () => value })

const variableOf = (name: string, at: number, { variables, hasUnread }: Scope): Variable => {
  const variable = variables.get(name)
  if (variable?.problem !== undefined) throw new ExpressionProblem(variable.problem, at)
  if (variable !== undefined) return variable
  if (hasUnread) return { type: 'unknown', bind: () => () => Number.NaN }
  throw new ExpressionProblem(
    `no field and no attribute is called "${name}"`,
    at,
    nearest(name, [...variables.keys()]),
  )
}

const unary = (type: ValueType, bind: Bind, of: (value: number) => number): CompiledExpression => ({
  type,
  bind: (sources) => {
    const value = bind(sources)
    return () => of(value())
  },
})

const paired = (
  type: ValueType,
  left: Bind,
  right: Bind,
  of: (left: number, right: number) => number,
): CompiledExpression => ({
  type,
  bind: (sources) => {
    const a = left(sources)
    const b = right(sources)
    return () => of(a(), b())
  },
})

/** Missing instead of an infinity. */
const finite = (value: number): number => (Number.isFinite(value) ? value : Number.NaN)

const applied = (of: NumberFunction['of'], given: readonly Bind[]): CompiledExpression => {
  const [first, second, ...others] = given as readonly [Bind, ...Bind[]]
  if (second === undefined) return unary('number', first, (x) => finite(of(x)))
  if (others.length === 0)
    // JavaScript's pow(NaN, 0) is 1.
    return paired('number', first, second, (x, y) => (isMissing(x, y) ? Number.NaN : finite(of(x, y))))
  return {
    type: 'number',
    bind: (sources) => {
      const values = given.map((bind) => bind(sources))
      return () => finite(of(...values.map((value) => value())))
    },
  }
}

const NAMES: Readonly<Record<ValueType, string>> = {
  number: 'a number',
  boolean: 'true or false',
  text: 'text',
  time: 'a time',
  unknown: 'unknown',
}

const boundAs = (
  wanted: ValueType,
  { type, bind }: CompiledExpression,
  expression: Expression,
  operator: string,
): Bind => {
  if (type === wanted || type === 'unknown') return bind
  const hint = type === 'text' ? '; text is only compared, by ==, != and in' : ''
  throw new ExpressionProblem(`${operator} takes ${NAMES[wanted]}, got ${NAMES[type]}${hint}`, expression.at)
}

/** Whether the two may stand together, and as what. */
const commonType = (a: ValueType, b: ValueType): ValueType | undefined =>
  a === 'unknown' ? b : b === 'unknown' || a === b ? a : undefined

type Compile = (expression: Expression) => CompiledExpression

const choice = (
  { condition, yes, no, at }: Extract<Expression, { op: '?:' }>,
  compile: Compile,
): CompiledExpression => {
  const test = boundAs('boolean', compile(condition), condition, '?')
  const [left, right] = [compile(yes), compile(no)]
  const type = commonType(left.type, right.type)
  if (type === undefined)
    throw new ExpressionProblem(`? chooses between ${NAMES[left.type]} and ${NAMES[right.type]}`, at)
  if (type === 'text') throw new ExpressionProblem('? chooses between numbers, not between texts', at)
  return {
    type,
    bind: (sources) => {
      const chosen = test(sources)
      const a = left.bind(sources)
      const b = right.bind(sources)
      return () => {
        const is = chosen()
        return is === 1 ? a() : is === 0 ? b() : Number.NaN
      }
    },
  }
}

const within = (
  { of, list, at }: Extract<Expression, { op: 'in' }>,
  compile: Compile,
  scope: Scope,
): CompiledExpression => {
  const value = compile(of)
  const values = list.map((element) => {
    const { type, bind } = compile(element)
    if (commonType(type, value.type) === undefined)
      throw new ExpressionProblem(`a list for ${NAMES[value.type]} has ${NAMES[type]} in it`, element.at)
    if (scope.foldsCategories) assertWrittenAlike(of, element, scope.variables)
    return bind
  })
  if (new Set(list.map(({ op }) => op)).size > 1)
    throw new ExpressionProblem('a list holds constants of one type', at)
  return {
    type: 'boolean',
    bind: (sources) => {
      const read = value.bind(sources)
      const known = new Set(values.map((bind) => bind(sources)()))
      return () => {
        const one = read()
        return Number.isNaN(one) ? Number.NaN : Number(known.has(one))
      }
    },
  }
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => finite(a + b),
  '-': (a, b) => finite(a - b),
  '*': (a, b) => finite(a * b),
  '/': (a, b) => finite(a / b),
  '%': (a, b) => finite(a % b),
}

const isMissing = (a: number, b: number): boolean => Number.isNaN(a) || Number.isNaN(b)

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '<': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a < b)),
  '<=': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a <= b)),
  '>': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a > b)),
  '>=': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a >= b)),
  '==': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a === b)),
  '!=': (a, b) => (isMissing(a, b) ? Number.NaN : Number(a !== b)),
}

const LOGIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '&&': (a, b) => (a === 0 || b === 0 ? 0 : isMissing(a, b) ? Number.NaN : 1),
  '||': (a, b) => (a === 1 || b === 1 ? 1 : isMissing(a, b) ? Number.NaN : 0),
}

type Binary = Extract<Expression, { op: BinaryOperator }>

const binary = (expression: Binary, compile: Compile, scope: Scope): CompiledExpression => {
  const { op, left, right } = expression
  const [a, b] = [compile(left), compile(right)]
  const logic = LOGIC[op]
  if (logic !== undefined)
    return paired('boolean', boundAs('boolean', a, left, op), boundAs('boolean', b, right, op), logic)
  const arithmetic = ARITHMETIC[op]
  if (arithmetic === undefined) return comparison(expression, a, b, scope)
  // CEL has a duration here.
  if (op === '-' && (a.type === 'time' || b.type === 'time'))
    return paired(
      'number',
      boundAs('time', a, left, 'a difference of times'),
      boundAs('time', b, right, 'a difference of times'),
      (later, earlier) => (later - earlier) / 1000,
    )
  return paired('number', boundAs('number', a, left, op), boundAs('number', b, right, op), arithmetic)
}

const comparison = (
  { op, left, right, at }: Binary,
  a: CompiledExpression,
  b: CompiledExpression,
  scope: Scope,
): CompiledExpression => {
  const type = commonType(a.type, b.type)
  if (type === undefined)
    throw new ExpressionProblem(`${op} compares ${NAMES[a.type]} with ${NAMES[b.type]}`, at)
  const isEquality = op === '==' || op === '!='
  if (!isEquality && (type === 'text' || type === 'boolean'))
    throw new ExpressionProblem(`${op} needs an order, which ${NAMES[type]} has not`, at)
  if (scope.foldsCategories) assertWrittenAlike(left, right, scope.variables)
  return paired('boolean', a.bind, b.bind, COMPARISONS[op]!)
}
