import { describe, expect, it } from 'vitest'
import { ExpressionProblem } from './expression.ts'
import { DEEPEST_EXPRESSION, LONGEST_EXPRESSION, LONGEST_LIST, parseExpression } from './parse-expression.ts'

describe('an expression is read as', () => {
  it('a tree in which each part knows where it stands', () => {
    expect(parseExpression('amount / 2 > -3.5')).toEqual({
      op: '>',
      left: {
        op: '/',
        left: { op: 'variable', name: 'amount', at: 0 },
        right: { op: 'number', value: 2, at: 9 },
        at: 0,
      },
      right: { op: 'number', value: -3.5, at: 13 },
      at: 0,
    })
  })

  it('CEL reads it: `&&` before `||`, `!` before both, a text with its escapes', () => {
    expect(parseExpression('a || !b && c == "\\u00e9\\""')).toMatchObject({
      op: '||',
      left: { name: 'a' },
      right: { op: '&&', left: { op: '!' }, right: { op: '==', right: { value: 'é"' } } },
    })
  })

  it('the functions of math by their whole name', () => {
    expect(parseExpression('math.least(a, 1)')).toMatchObject({
      op: 'call',
      name: 'math.least',
      given: [{ name: 'a' }, { value: 1 }],
    })
  })
})

describe('refused, with the place', () => {
  it.each<[expression: string, reason: string | RegExp, at: number]>([
    ['', /^it is no CEL: /, 0],
    ['amount /', /^it is no CEL: /, 8],
    ['amount ++ 1', /^it is no CEL: /, 8],
    ['amount = 1', /^it is no CEL: /, 7],
    ['note == "a', /^it is no CEL: /, 8],
    ['amount; 1', /^it is no CEL: /, 6],
    ['amount == null', 'there is no null: has(x) says whether a transaction has x', 10],
    ['amount + 9007199254740993', '9007199254740993 is beyond 2^53, where a double is not exact', 9],
    ['1u + 1', 'constants are numbers, text, true and false', 0],
    ['b"a" == note', 'constants are numbers, text, true and false', 0],
    ['1 + user.age', 'a variable has no parts: "user.age" stands for nothing', 4],
    ['items[0] > 1', 'features have numbers, text, true and false: no maps and no parts of lists', 0],
    ['{"a": 1}', 'features have numbers, text, true and false: no maps and no parts of lists', 0],
    ['[1, 2] == [1]', 'a list stands only behind `in`', 0],
    ['amount in balance', 'behind `in` stands a list of constants: ["a", "b"]', 10],
    ['amount in [1, balance]', 'a list holds constants: numbers, text, true and false', 14],
    ['has(1)', 'has() takes the name of one variable', 0],
    ['has(user.age)', 'has() takes the name of one variable', 0],
    ['[1, 2].exists(x, x > 1)', /^there is no function \.exists\(\); there are has\(\), math\.abs\(\),/, 0],
    ['note.startsWith("a")', /^there is no function \.startsWith\(\)/, 0],
    ['1 + abs(amount)', /^there is no function abs\(\)/, 4],
    ['constructor(1)', /^there is no function constructor\(\)/, 0],
    ['math.abs(1, 2)', 'math.abs() takes 1 number, got 2', 0],
    ['pow(1)', 'pow() takes 2 numbers, got 1', 0],
    ['math.least()', 'math.least() takes 1 to 16 numbers, got 0', 0],
  ])('%s', (expression, reason, at) => {
    const problem = problemOf(expression)
    if (typeof reason === 'string') expect(problem.message).toBe(reason)
    else expect(problem.message).toMatch(reason)
    expect(problem.at).toBe(at)
  })

  it('what is too long, too deep or too many: at the bound it is read', () => {
    const sum = (terms: number) => Array(terms).fill('a').join('+')
    expect(parseExpression(sum(DEEPEST_EXPRESSION))).toMatchObject({ op: '+' })
    expect(problemOf(sum(DEEPEST_EXPRESSION + 1)).message).toBe('it is nested deeper than 40 levels')

    const long = (length: number) => '1'.padEnd(length)
    expect(parseExpression(long(LONGEST_EXPRESSION))).toMatchObject({ value: 1 })
    expect(problemOf(long(LONGEST_EXPRESSION + 1)).message).toBe(
      'it is 1001 characters long; at most 1000 are allowed',
    )

    const list = (length: number) => `a in [${Array(length).fill('1').join(',')}]`
    expect(parseExpression(list(LONGEST_LIST))).toMatchObject({ op: 'in' })
    expect(problemOf(list(LONGEST_LIST + 1)).message).toMatch(/^it is no CEL: Exceeded maxListElements/)
  })

  it.each(['(', '!', '-', 'a ? ', 'has(', '[', 'math.abs('])(
    'a thousand times "%s" is an answer, not an overflow',
    (part) => {
      const text = part.repeat(LONGEST_EXPRESSION).slice(0, LONGEST_EXPRESSION - 1)
      expect(problemOf(`${text}a`)).toBeInstanceOf(ExpressionProblem)
    },
  )
})

const problemOf = (expression: string): ExpressionProblem => {
  try {
    parseExpression(expression)
  } catch (error) {
    if (error instanceof ExpressionProblem) return error
    throw error
  }
  throw new Error(`${expression} was read`)
}
