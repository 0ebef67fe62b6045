import { type ASTNode, Environment, parse } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveExpression } from '../../../test/oracle/naive-expression.ts'
import { randomExpression } from '../../../test/oracle/random-expressions.ts'
import { pow } from '../../foundation/elementary/power.ts'
import { createTimeZone } from '../../foundation/time-zone.ts'
import type { Attribute } from '../../transaction/attributes.ts'
import { TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { FeatureSources } from '../feature.ts'
import { Moment } from '../moment.ts'
import { readTransaction, TransactionEvent } from '../transaction-event.ts'
import { compileExpression } from './compile-expression.ts'
import { ExpressionProblem } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import { variablesOf } from './variables.ts'

const ATTRIBUTES: readonly Attribute[] = [
  { name: 'balance', kind: 'number' },
  { name: 'browser', kind: 'category' },
  { name: 'is_vip', kind: 'boolean' },
  { name: 'signed_up', kind: 'time' },
  { name: 'note', kind: 'text' },
]

/** Wednesday 14 January 2026, 09:30 UTC. */
const NOW_MS = Date.UTC(2026, 0, 14, 9, 30)

const PAYMENT: Transaction = {
  transactionId: 't',
  userId: 'ada',
  eventTimeMs: NOW_MS,
  amountMinor: 1250,
  transactionType: 'transfer',
  currency: 'EUR',
  latitude: -33.5,
  attributes: { balance: 50, is_vip: true, signed_up: NOW_MS - 90_000, note: 'gift' },
}

const MISSING = Number.NaN

describe('an expression', () => {
  it.each<[expression: string, value: number]>([
    ['amount', 12.5],
    ['amount / balance', 0.25],
    ['-latitude + 2 * 3', 39.5],
    ['2 - 3 - 4', -5],
    // Of doubles, where CEL divides two ints: 3.
    ['7 / 2', 3.5],
    ['7 % 4 + -7 % 4', 0],
    ['7.5 % 2', 1.5],
    ['amount > 10 && balance >= 50', 1],
    ['amount == 12.5', 1],
    ['amount != 12.5', 0],
    ['transaction_type == "transfer"', 1],
    ["transaction_type in ['purchase', r'transfer']", 1],
    ['"USD" == currency', 0],
    ['user_id == note', 0],
    ['is_vip', 1],
    ['!is_vip ? 1 : 2', 2],
    ['amount in [12.5, -3]', 1],
    ['amount in []', 0],
    ['is_vip in [false]', 0],
    ['timestamp - signed_up', 90],
    ['signed_up < timestamp', 1],
    ['hour * 100 + weekday', 902],
    ['minute_of_day + day_of_month / 100', 570.14],
    ['math.abs(latitude)', 33.5],
    ['math.round(latitude)', -34],
    ['math.round(0.49999999999999994)', 0],
    ['math.floor(latitude) + math.ceil(latitude) + math.trunc(latitude)', -100],
    ['math.sign(latitude)', -1],
    ['math.sqrt(balance * 2)', 10],
    ['math.least(amount, balance, 3)', 3],
    ['math.greatest(amount, balance)', 50],
    ['log(1)', 0],
    ['pow(2, 10)', 1024],
  ])('%s is %d', (expression, value) => expect(computed(expression)).toBe(value))

  it.each<[expression: string, value: number]>([
    ['longitude + 1', MISSING],
    ['longitude > 1', MISSING],
    ['longitude == longitude', MISSING],
    ['browser == "lynx"', MISSING],
    ['browser != "lynx"', MISSING],
    ['browser in ["lynx"]', MISSING],
    ['!(longitude > 1)', MISSING],
    ['longitude > 1 ? 1 : 2', MISSING],
    ['pow(longitude, 0)', MISSING],
    ['math.least(longitude, 0)', MISSING],
    ['math.greatest(0, longitude, 1)', MISSING],
    ['longitude in []', MISSING],
    // One side decides, whatever the other is.
    ['false && longitude > 1', 0],
    ['longitude > 1 && false', 0],
    ['true && longitude > 1', MISSING],
    ['longitude > 1 && true', MISSING],
    ['true || longitude > 1', 1],
    ['longitude > 1 || true', 1],
    ['false || longitude > 1', MISSING],
    // What is not chosen does not matter.
    ['has(longitude) ? longitude : 0', 0],
    ['has(balance) ? balance : longitude', 50],
    ['has(browser)', 0],
    ['has(note) && has(timestamp)', 1],
  ])('with a missing value, %s is %d', (expression, value) => expect(computed(expression)).toBe(value))

  it.each([
    '1 / 0',
    '0 / 0',
    '-1 / (amount - 12.5)',
    '5 % 0',
    '1e308 * 10',
    'log(0)',
    'log(-1)',
    'math.sqrt(-1)',
    'pow(10, 400)',
    '1 / (1 / 0)',
  ])('%s has no finite value, so it is missing', (expression) => expect(computed(expression)).toBeNaN())

  it.each<[expression: string, reason: string, at: number, suggestion?: string]>([
    ['amount / balanc', 'no field and no attribute is called "balanc"', 9, 'balance'],
    ['has(zebra_crossing)', 'no field and no attribute is called "zebra_crossing"', 0],
    ['currency + 1', '+ takes a number, got text; text is only compared, by ==, != and in', 0],
    ['1 + is_vip', '+ takes a number, got true or false', 4],
    ['amount && is_vip', '&& takes true or false, got a number', 0],
    ['!amount', '! takes true or false, got a number', 1],
    ['-note', '- takes a number, got text; text is only compared, by ==, != and in', 1],
    ['amount == "12"', '== compares a number with text', 0],
    ['note < "b"', '< needs an order, which text has not', 0],
    ['is_vip > false', '> needs an order, which true or false has not', 0],
    ['amount ? 1 : 2', '? takes true or false, got a number', 0],
    ['is_vip ? 1 : false', '? chooses between a number and true or false', 0],
    ['(is_vip ? note : currency) == "a"', '? chooses between numbers, not between texts', 1],
    ['note in ["a", 1]', 'a list for text has a number in it', 14],
    ['timestamp + signed_up', '+ takes a number, got a time', 0],
    ['timestamp - 5', 'a difference of times takes a time, got a number', 12],
    ['math.abs(note)', 'math.abs() takes a number, got text; text is only compared, by ==, != and in', 9],
  ])('%s is refused: %s', (expression, reason, at, suggestion) => {
    const problem = problemOf(expression)
    expect([problem.message, problem.at, problem.suggestion]).toEqual([reason, at, suggestion])
  })

  it('reads amounts in units of the currency, with their sign', () => {
    const amounts = [2, 0, 3].map((decimals) => {
      const scope = { variables: variablesOf([], decimals), foldsCategories: false }
      const { bind } = compileExpression(parseExpression('amount'), scope)
      return bind(sourcesOf({ ...PAYMENT, amountMinor: -1250 }))()
    })
    expect(amounts).toEqual([-12.5, -1250, -1.25])
  })

  it('that names an attribute as the calendar does is refused: nobody knows which is meant', () => {
    const variables = variablesOf([{ name: 'hour', kind: 'number' }], 2)
    expect(() =>
      compileExpression(parseExpression('hour > 3'), { variables, foldsCategories: false }),
    ).toThrow('"hour" is an attribute and the local calendar')
  })
})

describe('where cleaning writes categories in one form', () => {
  it.each<[expression: string, suggestion: string]>([
    ['transaction_type == "Transfer"', 'transfer'],
    ['"eur" != currency', 'EUR'],
    ['browser in ["lynx", " Opera"]', 'opera'],
  ])('%s is refused, because it would be false in silence', (expression, suggestion) => {
    expect(problemOf(expression, true).suggestion).toBe(suggestion)
    expect(() => computed(expression)).not.toThrow()
  })

  it('texts of different forms are not compared with each other', () => {
    for (const expression of ['currency == browser', 'note != browser'])
      expect(problemOf(expression, true).message).toContain('in different forms')
  })

  it('ids, text, and constants in that form are as they are', () => {
    const variables = variablesOf(ATTRIBUTES, 2)
    for (const text of ['note == "Gift"', 'user_id == note', 'location == browser', 'currency in ["EUR"]'])
      expect(compileExpression(parseExpression(text), { variables, foldsCategories: true }).type).toBe(
        'boolean',
      )
  })
})

const transactions: fc.Arbitrary<Transaction> = fc.record(
  {
    transactionId: fc.constant('t'),
    userId: fc.constantFrom('user1', 'a'),
    // Whole seconds, of which differences are exact in seconds.
    eventTimeMs: fc.integer({ min: 0, max: 2e9 }).map((seconds) => seconds * 1000),
    amountMinor: fc.integer({ min: -99_999_999_999, max: 99_999_999_999 }),
    merchantId: fc.constantFrom('merchant1', 'a'),
    merchantCategory: fc.constantFrom('food', 'games'),
    transactionType: fc.constantFrom('purchase', 'transfer'),
    location: fc.constantFrom('place1', 'Málaga "centro"'),
    latitude: fc.integer({ min: -90, max: 90 }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((degrees) => degrees + 0),
    currency: fc.constantFrom('EUR', 'USD'),
    attributes: fc.record(
      {
        balance: fc
          .oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())
          .map((x) => x + 0),
        browser: fc.constantFrom('firefox', 'lynx'),
        is_vip: fc.boolean(),
        signed_up: fc.integer({ min: -1e9, max: 2e9 }).map((seconds) => seconds * 1000),
        note: fc.constantFrom('a', 'b\\'),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['transactionId', 'eventTimeMs', 'amountMinor'] },
)

describe('law: on any expression and any transaction the function has the value', () => {
  const cases = fc.tuple(randomExpression(ATTRIBUTES), transactions)
  const samples = fc.sample(cases, { numRuns: 4000, seed: 11 })

  it('that rules written one by one give', () => {
    const kinds = new Map(ATTRIBUTES.map(({ name, kind }) => [name, kind]))
    const differing = samples.filter(
      ([text, one]) => !Object.is(computed(text, one), naiveExpression(text, one, { kinds, decimals: 2 })),
    )
    expect(differing).toEqual([])
  })

  it("that the library's interpreter of CEL gives, where every number is written as a double", () => {
    const differing = samples.filter(([text, one]) => !Object.is(computed(text, one), interpreted(text, one)))
    expect(differing.map(([text]) => text)).toEqual([])
  })

  it('and the cases are not all alike', () => {
    const values = samples.map(([text, one]) => computed(text, one))
    expect(new Set(values).size).toBeGreaterThan(500)
    expect(values.filter(Number.isNaN).length).toBeGreaterThan(300)
    expect(values.filter((value) => value === 1).length).toBeGreaterThan(300)
  })
})

it('law: any text at all is a function, or a problem with a place in the text', () => {
  const parts = [
    'amount',
    'is_vip',
    'note',
    'timestamp',
    'math.',
    'abs(',
    'has(',
    'log(',
    '1',
    '2.5',
    '"a"',
    'in',
    '[',
  ]
  parts.push(
    ']',
    '(',
    ')',
    ',',
    '.',
    '?',
    ':',
    '+',
    '-',
    '*',
    '/',
    '%',
    '<',
    '==',
    '&&',
    '||',
    '!',
    '{',
    '}',
    'null',
  )
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...parts, ' ', '\n'), { maxLength: 12 }).map((all) => all.join('')),
    fc.string({ maxLength: 30, unit: 'binary' }),
  )
  const outcomes = fc.sample(texts, { numRuns: 20_000, seed: 11 }).map((text) => {
    try {
      return typeof computed(text)
    } catch (error) {
      if (!(error instanceof ExpressionProblem)) throw error
      expect([text, error.at >= 0 && error.at <= text.length]).toEqual([text, true])
      return 'refused'
    }
  })
  expect(new Set(outcomes)).toEqual(new Set(['number', 'refused']))
})

const sourcesOf = (transaction: Transaction): FeatureSources => {
  const event = new TransactionEvent(ATTRIBUTES)
  readTransaction(event, transaction)
  const moment = new Moment(createTimeZone('UTC'))
  moment.moveTo(transaction.eventTimeMs)
  return { transaction: event, moment } as unknown as FeatureSources
}

const compiled = (text: string, foldsCategories = false) =>
  compileExpression(parseExpression(text), { variables: variablesOf(ATTRIBUTES, 2), foldsCategories })

const computed = (text: string, transaction = PAYMENT): number =>
  compiled(text).bind(sourcesOf(transaction))() + 0

const problemOf = (text: string, foldsCategories = false): ExpressionProblem => {
  try {
    compiled(text, foldsCategories)
  } catch (error) {
    if (error instanceof ExpressionProblem) return error
    throw error
  }
  throw new Error(`${text} was compiled`)
}

const finite = (value: number): number => {
  if (!Number.isFinite(value)) throw new Error('no finite number')
  return value
}

/** CEL has no remainder of doubles and no logarithm; its division by zero is an infinity. */
const interpreter = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false })
  .registerFunction('finite(double): double', finite)
  .registerFunction('remainder(double, double): double', (a: number, b: number) => finite(a % b))
  .registerFunction('pow(double, double): double', (a: number, b: number) => finite(pow(a, b)))
for (const name of ['abs', 'ceil', 'floor', 'trunc', 'sign', 'sqrt', 'log'] as const)
  interpreter.registerFunction(`${name}(double): double`, (x: number) => finite(Math[name](x)))
interpreter.registerFunction(
  'round(double): double',
  (x: number) => Math.sign(x) * Math.trunc(Math.abs(x) + (Math.abs(x) % 1 >= 0.5 ? 1 : 0)),
)
interpreter.registerFunction('least(list<dyn>): double', (all: number[]) => Math.min(...all))
interpreter.registerFunction('greatest(list<dyn>): double', (all: number[]) => Math.max(...all))

const interpreted = (text: string, transaction: Transaction): number => {
  const date = new Date(transaction.eventTimeMs)
  const t = {
    ...Object.fromEntries(
      TRANSACTION_FIELDS.flatMap(({ wire, name }) =>
        transaction[name] === undefined ? [] : [[wire, transaction[name]]],
      ),
    ),
    ...transaction.attributes,
    amount: transaction.amountMinor / 100,
    timestamp: transaction.eventTimeMs / 1000,
    ...(transaction.attributes?.['signed_up'] !== undefined && {
      signed_up: Number(transaction.attributes['signed_up']) / 1000,
    }),
    hour: date.getUTCHours(),
    minute_of_day: date.getUTCHours() * 60 + date.getUTCMinutes(),
    weekday: (date.getUTCDay() + 6) % 7,
    day_of_month: date.getUTCDate(),
  }
  try {
    return Number(interpreter.evaluate(rendered(parse(text).ast), { t })) + 0
  } catch {
    return Number.NaN
  }
}

/** The expression for the interpreter: variables are fields of `t`, and numbers are doubles. */
const rendered = (node: ASTNode): string => {
  switch (node.op) {
    case 'value':
      if (typeof node.args === 'bigint') return `${node.args}.0`
      return typeof node.args === 'number' ? node.args.toExponential() : JSON.stringify(node.args)
    case 'id':
      return `t.${node.args}`
    case '!_':
      return `!(${rendered(node.args)})`
    case '-_':
      return `-(${rendered(node.args)})`
    case '?:': {
      const [condition, yes, no] = node.args.map(rendered)
      return `(${condition} ? ${yes} : ${no})`
    }
    case 'list':
      return `[${node.args.map(rendered).join(', ')}]`
    case 'call':
    case 'rcall': {
      const given = (node.op === 'call' ? node.args[1] : node.args[2]).map(rendered).join(', ')
      const [name] = node.args
      return name === 'least' || name === 'greatest' ? `${name}([${given}])` : `${name}(${given})`
    }
    case '%':
      return `remainder(${node.args.map(rendered).join(', ')})`
    default: {
      const [left, right] = (node.args as [ASTNode, ASTNode]).map(rendered)
      const whole = `(${left} ${node.op} ${right})`
      return ['+', '-', '*', '/'].includes(node.op) ? `finite${whole}` : whole
    }
  }
}
