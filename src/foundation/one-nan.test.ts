import fc from 'fast-check'
import { expect, it } from 'vitest'
import { withOneFloatNaN, withOneNaN } from './one-nan.ts'

const ONE = 0x7ff8000000000000n

const patterns = fc.array(
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    // Of NaN: quiet and signalling, of either sign, with anything in the other 51 bits.
    fc
      .tuple(fc.boolean(), fc.bigInt({ min: 1n, max: 2n ** 52n - 1n }))
      .map(([isNegative, rest]) => ((isNegative ? 0xfffn : 0x7ffn) << 52n) | rest),
  ),
)

it('every NaN becomes the one with the bits 7ff8000000000000, every other number stays as it is', () => {
  fc.assert(
    fc.property(patterns, fc.integer({ min: 0, max: 2 }), (bits, before) => {
      const memory = new BigUint64Array([...Array<bigint>(before).fill(0xffffffffffffffffn), ...bits])
      const values = new Float64Array(memory.buffer, 8 * before)
      const expected = bits.map((one) =>
        ((one >> 52n) & 0x7ffn) === 0x7ffn && (one & 0xfffffffffffffn) !== 0n ? ONE : one,
      )
      expect(withOneNaN(values)).toBe(values)
      expect([...memory.subarray(before)]).toEqual(expected)
      // What lies before the view is not touched.
      expect([...memory.subarray(0, before)]).toEqual(Array(before).fill(0xffffffffffffffffn))
    }),
  )
})

it('every NaN of floats becomes the one with the bits 7fc00000', () => {
  const memory = Uint32Array.of(0xffffffff, 0x7f800001, 0x3f800000, 0xffc12345, 0x7f800000)
  withOneFloatNaN(new Float32Array(memory.buffer, 4))
  expect([...memory]).toEqual([0xffffffff, 0x7fc00000, 0x3f800000, 0x7fc00000, 0x7f800000])
})
