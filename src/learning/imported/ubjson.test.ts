import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VigiaError } from '../../errors.ts'
import { decodeUbjson } from './ubjson.ts'

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part)])))

describe('UBJSON', () => {
  test.each([
    [
      'numbers of every size',
      bytes('[i', 255, 'U', 255, 'I', 255, 0, 'l', 0, 1, 0, 0, ']'),
      [-1, 255, -256, 65536],
    ],
    ['long numbers', bytes('L', 0, 0, 0, 1, 0, 0, 0, 0), 2 ** 32],
    ['floats', bytes('[d', 0x3f, 0xc0, 0, 0, 'D', 0xbf, 0xf8, 0, 0, 0, 0, 0, 0, ']'), [1.5, -1.5]],
    ['true, false, nothing', bytes('[TFZ]'), [true, false, null]],
    ['texts and letters', bytes('[Si', 3, 'añC', 'x]'), ['añ', 'x']],
    ['fillers', bytes('N[NTN]'), [true]],
    ['a typed list', bytes('[$U#i', 3, 1, 2, 3), [1, 2, 3]],
    ['a counted list', bytes('[#i', 2, 'TF'), [true, false]],
    ['an object', bytes('{i', 1, 'aTi', 1, 'b{}}'), { a: true, b: {} }],
    ['a typed object', bytes('{$U#i', 2, 'i', 1, 'a', 7, 'i', 1, 'b', 8), { a: 7, b: 8 }],
    ['names that mean something to JavaScript', bytes('{i', 9, '__proto__T}'), { ['__proto__']: true }],
  ])('%s', (_, source, value) => {
    expect(JSON.stringify(decodeUbjson(source))).toBe(JSON.stringify(value))
  })

  test.each([
    ['nothing', bytes(), /at byte 0 it ends too early/],
    ['a list without an end', bytes('[T'), /at byte 2 it ends too early/],
    ['an unknown letter', bytes('[?'), /has "\?" where a value begins/],
    ['a text longer than the file', bytes('Sl', 127, 255, 255, 255, 'a'), /ends too early/],
    ['a text of less than nothing', bytes('Si', 255), /no whole number of at least 0 for a length/],
    ['a text that is no UTF-8', bytes('Si', 1, 255), /a text that is no UTF-8/],
    ['a count beyond the file', bytes('[$D#U', 200), /counts 200 elements/],
    ['a count of what takes no room', bytes('[$Z#U', 200), /has a container of "Z"/],
    ['a type without a count', bytes('[$U', 1, ']'), /a typed container without a count/],
    ['a name twice', bytes('{i', 1, 'aTi', 1, 'aT}'), /the name "a" twice/],
    ['what follows the end', bytes('TT'), /has bytes after its end/],
    ['depth', bytes('['.repeat(101)), /is nested deeper than 100/],
  ])('is refused: %s', (_, source, reason) => {
    expect(() => decodeUbjson(source)).toThrow(reason)
  })

  test('law: whatever is changed in a file, it is read or refused, and nothing else happens', () => {
    const file = fileOf('UBJSON with categories')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const changed = Uint8Array.from(file)
        for (const [at, byte] of changes) changed[at] = byte
        try {
          decodeUbjson(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(VigiaError)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('law: a file that ends anywhere before its end is refused', () => {
    const file = fileOf('UBJSON')
    for (let end = 0; end < file.length; end += 7)
      expect(() => decodeUbjson(file.subarray(0, end))).toThrow(/is no valid UBJSON/)
  })
})

const fileOf = (name: string): Uint8Array => {
  const { cases } = JSON.parse(gunzipSync(readFileSync('test/golden/xgboost-3.4.1.json.gz')).toString())
  return Buffer.from(cases.find((one: { name: string }) => one.name === name).base64, 'base64')
}
