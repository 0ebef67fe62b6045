import fc from 'fast-check'
import { parseExpression } from '../../src/features/derived/parse-expression.ts'
import type { Attribute } from '../../src/transaction/attributes.ts'

/** Values that random histories have, and some that they have not. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  transaction_type: ['purchase', 'transfer', 'gift'],
  merchant_category: ['food', 'games'],
  currency: ['EUR', 'CHF'],
  location: ['place1', 'Málaga "centro"'],
  merchant_id: ['merchant1'],
  browser: ['firefox', 'lynx'],
  note: ['a', 'b\\'],
  payer: ['x'],
  payee: ['x', 'y'],
}
const NUMBERS = ['amount', 'latitude', 'longitude', 'hour', 'minute_of_day', 'weekday', 'day_of_month']
const ONE_NUMBER = ['abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'sqrt'].map((name) => `math.${name}`)

/**
 * The text of any expression that a feature may have, over the fields of random histories and `attributes`.
 */
export const randomExpression = (attributes: readonly Attribute[]): fc.Arbitrary<string> => {
  const named = (kind: Attribute['kind']): string[] =>
    attributes.filter((attribute) => attribute.kind === kind).map(({ name }) => name)
  const numbers = [...NUMBERS, ...named('number')]
  const texts = Object.keys(TEXTS).filter((name) => !/^(browser|note|payer|payee)$/.test(name))
  texts.push(...named('category'), ...named('text'))
  const times = ['timestamp', ...named('time')]
  const all = [...numbers, ...texts, ...times, ...named('boolean')]
  const { number, boolean } = fc.letrec<{ number: string; boolean: string }>((tie) => {
    const pair = <T>(part: fc.Arbitrary<T>) => fc.tuple(part, part)
    const constant = fc.oneof(
      fc.integer({ min: -3, max: 100 }).map(String),
      fc.constantFrom('0.5', '2.25', '1e9', '1e300', '0'),
    )
    const text = fc
      .constantFrom(...texts)
      .chain((name) =>
        fc.constantFrom(...TEXTS[name]!).map((value) => [name, JSON.stringify(value)] as const),
      )
    return {
      number: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.oneof(fc.constantFrom(...numbers), constant),
        fc
          .tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number'))
          .map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie('number').map((a) => `-(${a})`),
        pair(fc.constantFrom(...times)).map(([a, b]) => `(${a} - ${b})`),
        fc
          .tuple(tie('boolean'), tie('number'), tie('number'))
          .map(([condition, a, b]) => `(${condition} ? ${a} : ${b})`),
        fc.tuple(fc.constantFrom(...ONE_NUMBER, 'log'), tie('number')).map(([name, a]) => `${name}(${a})`),
        pair(tie('number')).map(([a, b]) => `pow(${a}, ${b})`),
        fc
          .tuple(
            fc.constantFrom('math.least', 'math.greatest'),
            fc.array(tie('number'), { minLength: 1, maxLength: 4 }),
          )
          .map(([name, given]) => `${name}(${given.join(', ')})`),
      ),
      boolean: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.oneof(
          fc.constantFrom(...all).map((name) => `has(${name})`),
          fc.constantFrom('true', 'false', ...named('boolean')),
          text.map(([name, value]) => `${name} == ${value}`),
          text.map(([name, value]) => `${value} != ${name}`),
          text.map(([name, value]) => `${name} in [${value}, "x"]`),
          pair(fc.constantFrom(...times)).map(([a, b]) => `${a} <= ${b}`),
        ),
        fc
          .tuple(tie('number'), fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('number'))
          .map(([a, op, b]) => `${a} ${op} ${b}`),
        fc
          .tuple(tie('boolean'), fc.constantFrom('&&', '||', '==', '!='), tie('boolean'))
          .map(([a, op, b]) => `((${a}) ${op} (${b}))`),
        tie('boolean').map((a) => `!(${a})`),
        tie('number').map((a) => `${a} in [1, -2, 0.5]`),
      ),
    }
  })
  return fc.oneof(number, boolean).filter(isInBounds)
}

/** Deeper ones are refused. */
const isInBounds = (text: string): boolean => {
  try {
    parseExpression(text)
    return true
  } catch {
    return false
  }
}
