import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

describe('canonical JSON', () => {
  test('sorts keys at every depth and writes no white space', () => {
    expect(canonicalJson({ b: 1, a: { d: [1, 'x'], c: null } })).toBe('{"a":{"c":null,"d":[1,"x"]},"b":1}')
  })

  test('orders keys by code unit, not by locale', () => {
    expect(canonicalJson({ ä: 1, z: 2, Z: 3, a10: 4, a9: 5 })).toBe('{"Z":3,"a10":4,"a9":5,"z":2,"ä":1}')
  })

  test('writes the shortest number that reads back the same, and -0 as 0', () => {
    expect(canonicalJson([0.1, 1e21, 1e-7, 5e-324, 100, -0])).toBe('[0.1,1e+21,1e-7,5e-324,100,0]')
  })

  test.each([
    ['$.split.share', { split: { share: Number.NaN } }, 'NaN'],
    ['$.a', { a: Number.POSITIVE_INFINITY }, 'Infinity'],
    ['$.a', { a: undefined }, 'undefined'],
    ['$.steps[1]', { steps: ['read', function train() {}] }, 'the function train'],
    ['$.at', { at: new Date(0) }, 'an object of Date'],
    ['$', 1n, '1'],
    ['$[0]', new Array(1), 'undefined'],
  ])('refuses what JSON would lose, and names %s', (path, value, got) => {
    expect(() => canonicalJson(value)).toThrow(
      expect.objectContaining({ code: 'CANONICAL_JSON_UNSUPPORTED', details: { path, got } }),
    )
  })

  test('refuses a value that contains itself', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(() => canonicalJson(loop)).toThrow('$.self')
  })

  test('law: equal values have equal text, whatever the order of their keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
      }),
    )
  })

  test('law: reading the text back gives the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        // JSON has no negative zero; the text says 0.
        const text = canonicalJson(value)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })
})
