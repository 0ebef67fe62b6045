import { isUtf8 } from 'node:buffer'

/** How an element of a tensor stands in its bytes, little-endian. */
interface Encoding {
  /** Bytes of an element. */
  readonly size: number
  readonly read: (bytes: Buffer, at: number) => number | boolean | string
  /** @throws RangeError for what has no place in the type */
  readonly write?: (bytes: Buffer, value: never, at: number) => unknown
}

/** Whole numbers that a double cannot hold become their decimal text, which every field reads as well. */
export const whole = (value: bigint): number | string => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

const FIXED = {
  BOOL: {
    size: 1,
    read: (bytes, at) => bytes[at] !== 0,
    write: (bytes, value: boolean, at) => bytes.writeUInt8(value ? 1 : 0, at),
  },
  UINT8: {
    size: 1,
    read: (bytes, at) => bytes.readUInt8(at),
    write: (bytes, value: number, at) => bytes.writeUInt8(value, at),
  },
  UINT16: {
    size: 2,
    read: (bytes, at) => bytes.readUInt16LE(at),
    write: (bytes, value: number, at) => bytes.writeUInt16LE(value, at),
  },
  UINT32: {
    size: 4,
    read: (bytes, at) => bytes.readUInt32LE(at),
    write: (bytes, value: number, at) => bytes.writeUInt32LE(value, at),
  },
  UINT64: {
    size: 8,
    read: (bytes, at) => whole(bytes.readBigUInt64LE(at)),
    write: (bytes, value: bigint, at) => bytes.writeBigUInt64LE(value, at),
  },
  INT8: {
    size: 1,
    read: (bytes, at) => bytes.readInt8(at),
    write: (bytes, value: number, at) => bytes.writeInt8(value, at),
  },
  INT16: {
    size: 2,
    read: (bytes, at) => bytes.readInt16LE(at),
    write: (bytes, value: number, at) => bytes.writeInt16LE(value, at),
  },
  INT32: {
    size: 4,
    read: (bytes, at) => bytes.readInt32LE(at),
    write: (bytes, value: number, at) => bytes.writeInt32LE(value, at),
  },
  INT64: {
    size: 8,
    read: (bytes, at) => whole(bytes.readBigInt64LE(at)),
    write: (bytes, value: bigint, at) => bytes.writeBigInt64LE(value, at),
  },
  FP16: { size: 2, read: (bytes, at) => halfOf(bytes.readUInt16LE(at)) },
  FP32: {
    size: 4,
    read: (bytes, at) => bytes.readFloatLE(at),
    write: (bytes, value: number, at) => bytes.writeFloatLE(value, at),
  },
  FP64: {
    size: 8,
    read: (bytes, at) => bytes.readDoubleLE(at),
    write: (bytes, value: number, at) => bytes.writeDoubleLE(value, at),
  },
} as const satisfies Readonly<Record<string, Encoding>>

/** The types of the Open Inference Protocol. Text is BYTES. */
export type Datatype = keyof typeof FIXED | 'BYTES'

export const DATATYPES: readonly Datatype[] = [...(Object.keys(FIXED) as (keyof typeof FIXED)[]), 'BYTES']

export const isDatatype = (name: unknown): name is Datatype =>
  typeof name === 'string' && (name === 'BYTES' || Object.hasOwn(FIXED, name))

/** What an element is in JSON. */
export const jsonTypeOf = (datatype: Datatype): 'string' | 'boolean' | 'number' =>
  datatype === 'BYTES' ? 'string' : datatype === 'BOOL' ? 'boolean' : 'number'

/** Of a half-precision number: sign, five bits of exponent, ten of fraction. */
const halfOf = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  // Powers of two by division: 1024 * 2^14 and shifts are exact.
  if (exponent === 0) return (sign * fraction) / 16_777_216
  const significand = sign * (1024 + fraction)
  return exponent >= 25 ? significand * (1 << (exponent - 25)) : significand / (1 << (25 - exponent))
}

/**
 * The `count` elements that these bytes are, in their order; half a sentence that says why they are not.
 * Elements of BYTES have their length in front, four bytes, and are text. What is kept is as large as what
 * was sent, whatever lengths it says.
 */
export const decodeTensor = (
  datatype: Datatype,
  bytes: Buffer,
  count: number,
): readonly (number | boolean | string)[] | string => {
  if (datatype === 'BYTES') return decodeTexts(bytes, count)
  const { size, read } = FIXED[datatype]
  if (bytes.length !== size * count)
    return `has ${bytes.length} bytes where ${count} of ${datatype} have ${size * count}`
  return Array.from({ length: count }, (_, index) => read(bytes, index * size))
}

const LENGTH_BYTES = 4

const decodeTexts = (bytes: Buffer, count: number): readonly string[] | string => {
  const texts: string[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + LENGTH_BYTES > bytes.length) return `ends within the length of its element ${texts.length}`
    const from = at + LENGTH_BYTES
    const end = from + bytes.readUInt32LE(at)
    if (end > bytes.length)
      return `has ${bytes.length - from} bytes left where its element ${texts.length} says that it has ${end - from}`
    const element = bytes.subarray(from, end)
    if (!isUtf8(element)) return `has an element ${texts.length} that is not UTF-8`
    if (texts.length === count) return `has more elements than the ${count} of its shape`
    texts.push(element.toString())
    at = end
  }
  return texts.length === count ? texts : `has ${texts.length} elements where its shape says ${count}`
}

/** Types of answers. */
export type AnsweredDatatype = 'FP64' | 'BOOL' | 'BYTES'

/** Types whose elements are written as bytes. Whole numbers of 64 bits are bigint, text may be its UTF-8. */
export type WrittenDatatype = Exclude<Datatype, 'FP16'>

/**
 * The bytes of a tensor, as `decodeTensor` reads them.
 *
 * @throws RangeError for a number that the type cannot hold
 */
export const encodeTensor = (datatype: WrittenDatatype, data: readonly unknown[]): Buffer => {
  if (datatype === 'BYTES')
    return Buffer.concat(
      data.flatMap((text) => {
        const element = typeof text === 'string' ? Buffer.from(text) : (text as Uint8Array)
        const length = Buffer.alloc(LENGTH_BYTES)
        length.writeUInt32LE(element.length)
        return [length, element]
      }),
    )
  const { size, write } = FIXED[datatype]
  const bytes = Buffer.alloc(size * data.length)
  for (const [index, value] of data.entries()) write(bytes, value as never, index * size)
  return bytes
}

/**
 * The shortest decimal that names a single-precision number: 12.34 of FP32 is 12.34000015258789 as a double,
 * and no amount of two decimals. Any other double stays as it is.
 */
export const shortestOfSingle = (value: number): number => {
  if (!Number.isFinite(value) || Math.fround(value) !== value) return value
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits))
    if (Math.fround(shorter) === value) return shorter
  }
  return Number(value.toPrecision(9))
}
