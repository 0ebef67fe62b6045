import { type ASTNode, parse } from '@marcbachmann/cel-js'
import { log } from '../../src/foundation/elementary/logarithm.ts'
import { pow } from '../../src/foundation/elementary/power.ts'
import { TRANSACTION_FIELDS } from '../../src/transaction/fields.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'

/** A value as a person would write it; undefined is a missing one. */
type Value = number | boolean | string | Date | undefined

interface Bank {
  /** Of attributes, by name. */
  readonly kinds: ReadonlyMap<string, string>
  /** Of its currency. */
  readonly decimals: number
}

/**
 * The value of an expression of `features.derived`: text as text, times as dates, one rule after the other.
 */
export const naiveExpression = (expression: string, transaction: Transaction, bank: Bank): number => {
  const value = evaluated(parse(expression).ast, variablesOf(transaction, bank))
  return value === undefined ? Number.NaN : Number(value) + 0
}

const variablesOf = (
  transaction: Transaction,
  { kinds, decimals }: Bank,
): Readonly<Record<string, Value>> => {
  const date = new Date(transaction.eventTimeMs)
  const attributes = Object.entries(transaction.attributes ?? {}).map(([name, value]) => [
    name,
    kinds.get(name) === 'time' ? new Date(Number(value)) : value,
  ])
  return {
    ...Object.fromEntries(TRANSACTION_FIELDS.map(({ wire, name }) => [wire, transaction[name]])),
    amount: transaction.amountMinor / Number(`1e${decimals}`),
    timestamp: date,
    hour: date.getUTCHours(),
    minute_of_day: date.getUTCHours() * 60 + date.getUTCMinutes(),
    weekday: (date.getUTCDay() + 6) % 7,
    day_of_month: date.getUTCDate(),
    ...Object.fromEntries(attributes),
  }
}

const evaluated = (node: ASTNode, variables: Readonly<Record<string, Value>>): Value => {
  const of = (part: ASTNode): Value => evaluated(part, variables)
  switch (node.op) {
    case 'value':
      return typeof node.args === 'bigint' ? Number(node.args) : (node.args as Value)
    case 'id':
      return variables[node.args]
    case '!_': {
      const value = of(node.args)
      return value === undefined ? undefined : !value
    }
    case '-_': {
      const value = of(node.args)
      return value === undefined ? undefined : -Number(value)
    }
    case '?:': {
      const condition = of(node.args[0])
      return condition === undefined ? undefined : of(node.args[condition ? 1 : 2])
    }
    case '&&': {
      const sides = node.args.map(of)
      return sides.includes(false) ? false : sides.includes(undefined) ? undefined : true
    }
    case '||': {
      const sides = node.args.map(of)
      return sides.includes(true) ? true : sides.includes(undefined) ? undefined : false
    }
    case 'in': {
      const value = of(node.args[0])
      const list = (node.args[1] as Extract<ASTNode, { op: 'list' }>).args.map(of)
      return value === undefined ? undefined : list.includes(value)
    }
    case 'call':
    case 'rcall':
      return called(node.args[0], (node.op === 'call' ? node.args[1] : node.args[2]).map(of))
    default: {
      const [left, right] = (node.args as [ASTNode, ASTNode]).map(of)
      return left === undefined || right === undefined ? undefined : combined(node.op, left, right)
    }
  }
}

/** By the last part of the name: `math.` is a receiver to the parser. */
const called = (name: string, values: readonly Value[]): Value => {
  if (name === 'has') return values[0] !== undefined
  if (values.includes(undefined)) return undefined
  const numbers = values.map(Number)
  const x = numbers[0]!
  const results: Readonly<Record<string, number>> = {
    abs: x < 0 ? -x : x,
    ceil: -Math.floor(-x),
    floor: Math.floor(x),
    // Half away from zero.
    round: Math.abs(x % 1) >= 0.5 ? x - (x % 1) + (x > 0 ? 1 : -1) : x - (x % 1),
    trunc: x - (x % 1),
    sign: x > 0 ? 1 : x < 0 ? -1 : 0,
    sqrt: Math.sqrt(x),
    least: [...numbers].sort((a, b) => a - b)[0]!,
    greatest: [...numbers].sort((a, b) => b - a)[0]!,
    log: log(x),
    pow: pow(x, numbers[1] ?? 1),
  }
  return finite(results[name]!)
}

const combined = (op: string, left: NonNullable<Value>, right: NonNullable<Value>): Value => {
  if (op === '==') return left.valueOf() === right.valueOf()
  if (op === '!=') return left.valueOf() !== right.valueOf()
  const [a, b] = [Number(left), Number(right)]
  switch (op) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '+':
      return finite(a + b)
    case '-':
      return finite(left instanceof Date ? (a - b) / 1000 : a - b)
    case '*':
      return finite(a * b)
    case '/':
      return finite(a / b)
    case '%':
      return finite(a % b)
    default:
      throw new Error(`the oracle has no operator ${op}`)
  }
}

/** A division by zero has no value. */
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)
