import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DATATYPES, type Datatype, decodeTensor, encodeTensor, shortestOfSingle } from './tensor-data.ts'

const bytes = (...values: readonly number[]) => Buffer.from(values)

describe('the bytes of a tensor', () => {
  it.each([
    ['BOOL', bytes(0, 1), [false, true]],
    ['INT8', bytes(0xff, 2), [-1, 2]],
    ['UINT8', bytes(0xff, 2), [255, 2]],
    ['UINT16', bytes(1, 2), [513]],
    ['INT32', bytes(0xfe, 0xff, 0xff, 0xff), [-2]],
    ['INT64', bytes(0, 0, 0, 0, 0, 0, 0x20, 0), ['9007199254740992']],
    ['INT64', bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), [-1]],
    ['UINT64', bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ['18446744073709551615']],
    ['FP16', bytes(0, 0x3c, 0xff, 0x7b, 1, 0, 0, 0xfc, 0, 0x7e), [1, 65504, 2 ** -24, -Infinity, Number.NaN]],
    ['FP32', bytes(0xa4, 0x70, 0x45, 0x41), [12.34000015258789]],
    ['FP64', bytes(0, 0, 0, 0, 0, 0, 0xf8, 0x7f), [Number.NaN]],
    ['BYTES', bytes(2, 0, 0, 0, 0xc3, 0xad, 0, 0, 0, 0), ['í', '']],
  ] as const)('of %s are its elements, little-endian', (datatype, buffer, elements) =>
    expect(decodeTensor(datatype, buffer, elements.length)).toEqual(elements),
  )

  it.each([
    ['FP64', bytes(0, 0, 0, 0), 1, 'has 4 bytes where 1 of FP64 have 8'],
    ['FP64', Buffer.alloc(16), 1, 'has 16 bytes where 1 of FP64 have 8'],
    ['BYTES', bytes(1, 0, 0), 1, 'ends within the length of its element 0'],
    [
      'BYTES',
      bytes(255, 255, 255, 255, 65),
      1,
      'has 1 bytes left where its element 0 says that it has 4294967295',
    ],
    ['BYTES', bytes(1, 0, 0, 0, 0xff), 1, 'has an element 0 that is not UTF-8'],
    ['BYTES', bytes(0, 0, 0, 0), 2, 'has 1 elements where its shape says 2'],
    ['BYTES', Buffer.alloc(8), 1, 'has more elements than the 1 of its shape'],
    ['FP64', Buffer.alloc(0), Number.MAX_SAFE_INTEGER, 'has 0 bytes where'],
  ] as const)('of %s that do not fit are told: %j of %d', (datatype, buffer, count, problem) =>
    expect(decodeTensor(datatype, buffer, count)).toContain(problem),
  )

  it('are read back as what they were written from', () => {
    const law = (datatype: 'FP64' | 'BOOL' | 'BYTES', element: fc.Arbitrary<unknown>) =>
      fc.assert(
        fc.property(fc.array(element, { maxLength: 10 }), (data) => {
          expect(decodeTensor(datatype, encodeTensor(datatype, data), data.length)).toEqual(data)
        }),
      )
    law('FP64', fc.double())
    law('BOOL', fc.boolean())
    law('BYTES', fc.string({ unit: 'binary' }))
  })

  it('may be any: what does not fit is half a sentence, never an error', () =>
    fc.assert(
      fc.property(
        fc.constantFrom<Datatype>(...DATATYPES),
        fc.uint8Array({ maxLength: 64 }),
        fc.nat({ max: 70 }),
        (datatype, buffer, count) => {
          const decoded = decodeTensor(datatype, Buffer.from(buffer), count)
          if (typeof decoded !== 'string') expect(decoded).toHaveLength(count)
        },
      ),
    ))
})

it('a single-precision number is its shortest decimal, any other double itself', () => {
  expect([12.34, 0.1, 1e10, -7].map(Math.fround).map(shortestOfSingle)).toEqual([12.34, 0.1, 1e10, -7])
  expect([12.34, 1234567.891, Infinity].map(shortestOfSingle)).toEqual([12.34, 1234567.891, Infinity])
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (single) => {
      expect(Math.fround(shortestOfSingle(single)) + 0).toBe(single + 0)
    }),
  )
})
