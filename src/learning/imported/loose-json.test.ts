import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLooseJson } from './loose-json.ts'

const parse = (text: string): unknown => parseLooseJson(text, 'the model')

describe('JSON with the words of C++ and Python', () => {
  test.each([
    ['{"a": [NaN, -Infinity, Infinity]}', { a: ['NaN', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }],
    ['[NaN,NaN,1]', ['NaN', 'NaN', 1]],
    ['NaN', 'NaN'],
    ['{"NaN": NaN, "x": "NaN, Infinity"}', { NaN: 'NaN', x: 'NaN, Infinity' }],
    [
      String.raw`{"attr": "{\"missing\": NaN, \"x\": [NaN]}", "c": NaN}`,
      { attr: '{"missing": NaN, "x": [NaN]}', c: 'NaN' },
    ],
    [String.raw`["a\\", NaN, "\"NaN"]`, ['a\\', 'NaN', '"NaN']],
  ])('%s', (text, value) => {
    expect(parse(text)).toEqual(value)
  })

  test.each(['[NaNs]', '[xNaN]', '[NaN', '["NaN]', '[+NaN]', '[Infinity1]', '{"a": NaN "b"}'])(
    'is refused where it is none: %s',
    (text) => {
      expect(() => parse(text)).toThrow(/the model is no valid JSON/)
    },
  )

  test('law: JSON is read as JSON, and a NaN added to it changes no text of it', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parse(json)).toEqual(JSON.parse(json))
        expect(parse(`[${json}, NaN]`)).toEqual([JSON.parse(json), 'NaN'])
      }),
    )
  })
})
