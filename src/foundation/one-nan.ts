/**
 * Gives every NaN in `values` one bit pattern, 7ff8000000000000, and returns `values`: who writes doubles
 * calls it last, so that equal numbers are equal bytes.
 *
 * ECMAScript lets an engine store a NaN with any of 2^53 patterns, and engines do: one for `0 / 0`, another
 * for a constant, and which of the two may depend on when a loop was compiled. So the pattern is written as
 * two whole numbers.
 */
export const withOneNaN = (values: Float64Array): Float64Array => {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    // biome-ignore lint/suspicious/noSelfCompare: as fast as a comparison gets.
    if (value !== value) return withOneNaNFrom(values, i)
  }
  return values
}

/** The same from the first NaN on: most arrays have none, and need no view of their bits. */
const withOneNaNFrom = (values: Float64Array, first: number): Float64Array => {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length)
  for (let i = first; i < values.length; i++) {
    const value = values[i]!
    // biome-ignore lint/suspicious/noSelfCompare: as above.
    if (value !== value) {
      words[2 * i] = FIRST_HALF
      words[2 * i + 1] = SECOND_HALF
    }
  }
  return values
}

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
const FIRST_HALF = isLittleEndian ? 0 : 0x7ff80000
const SECOND_HALF = isLittleEndian ? 0x7ff80000 : 0

/** The same of floats of 32 bits: one NaN, 7fc00000. */
export const withOneFloatNaN = (values: Float32Array): Float32Array => {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  values.forEach((value, i) => {
    if (Number.isNaN(value)) words[i] = FLOAT_NAN
  })
  return values
}

const FLOAT_NAN = 0x7fc00000
