import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nullForNaN } from './bare-nan.ts'

describe('JSON with bare NaN and NaT', () => {
  it.each([
    ['[NaN]', [null]],
    ['{"a":NaN,"b": NaT ,"c":[NaN,NaN]}', { a: null, b: null, c: [null, null] }],
    ['NaN', null],
    ['{"NaN": "a NaN, \\"NaN\\" and NaT", "b": NaN}', { NaN: 'a NaN, "NaN" and NaT', b: null }],
    ['{"a\\\\": NaN}', { 'a\\': null }],
  ])('%s has null there, and its texts as they were', (json, value) =>
    expect(JSON.parse(nullForNaN(json))).toEqual(value),
  )

  it.each([
    '[-NaN]',
    '{NaN: 1}',
    '[NaNa]',
    '[aNaN]',
    '[Nan]',
    '[NaN NaN]',
    '"NaN',
    '["\\"NaN]',
    '[Infinity]',
  ])('%s stays none', (json) => expect(() => JSON.parse(nullForNaN(json))).toThrow(SyntaxError))

  it('is any JSON as it was', () => {
    const word = fc.constantFrom('NaN', 'NaT', '"', '\\', 'a', ' ', ':')
    const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(''))
    fc.assert(
      fc.property(
        fc.jsonValue({ stringUnit: fc.constantFrom('N', 'a', 'T', '"', '\\') }),
        text,
        (value, key) => {
          const json = JSON.stringify({ [key]: value, 'NaN"': [value] })
          expect(nullForNaN(json)).toBe(json)
        },
      ),
    )
  })
})
