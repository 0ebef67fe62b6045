import { VigiaError } from '../errors.ts'
import type { DayProfile } from './profile-book.ts'
import { decodeProfile, encodeProfile } from './profile-encoding.ts'
import type { ProfileLayout } from './profile-layout.ts'

/** "VDD": days of profiles of Vigía's drift. */
const MAGIC = [0x56, 0x44, 0x44] as const
const VERSION = 1
const HEAD_BYTES = 8
const MOST_DAY = 100_000_000

/**
 * Days as bytes, in the order given: the letters VDD, a version and the number of days; of each day its
 * number, its profile (`encodeProfile`) and those of its segments by name, each after its length. All numbers
 * have 32 bits, little-endian.
 */
export const encodeDays = (days: readonly DayProfile[]): Uint8Array => {
  const parts: Uint8Array[] = [Uint8Array.of(...MAGIC, VERSION), numbers(days.length)]
  for (const { day, profile, segments = new Map() } of days) {
    parts.push(numbers(day), ...withLength(encodeProfile(profile)), numbers(segments.size))
    for (const [name, scores] of segments)
      parts.push(...withLength(new TextEncoder().encode(name)), ...withLength(encodeProfile(scores)))
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * The days that `encodeDays` made bytes of.
 *
 * @param layout of all features; `scoreLayout`: of the score alone, for segments
 * @throws DRIFT_PROFILE_REFUSED when they are damaged, of another version, or in the bins of another
 * reference
 */
export const decodeDays = (
  bytes: Uint8Array,
  layout: ProfileLayout,
  scoreLayout: ProfileLayout,
): DayProfile[] => {
  if (bytes.length < HEAD_BYTES || MAGIC.some((letter, at) => bytes[at] !== letter))
    throw refusal('they do not begin as days of profiles do')
  if (bytes[MAGIC.length] !== VERSION)
    throw refusal(`they have version ${bytes[MAGIC.length]}, and ${VERSION} is read`)
  const reader = new PartReader(bytes)
  const days = Array.from({ length: reader.count() }, (): DayProfile => {
    const day = reader.number()
    if (Math.abs(day) > MOST_DAY) throw refusal(`${day} is no day`)
    const profile = decodeProfile(reader.part(), layout)
    const segments = new Map(
      Array.from({ length: reader.count() }, () => {
        const name = new TextDecoder().decode(reader.part())
        return [name, decodeProfile(reader.part(), scoreLayout)] as const
      }),
    )
    return { day, profile, segments }
  })
  reader.end()
  return days
}

const numbers = (value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4))
  view.setInt32(0, value, true)
  return new Uint8Array(view.buffer)
}

const withLength = (bytes: Uint8Array): readonly [Uint8Array, Uint8Array] => [numbers(bytes.length), bytes]

/** Takes one part after the other, and never beyond the end. */
class PartReader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = MAGIC.length + 1

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  number(): number {
    if (this.at + 4 > this.bytes.length) throw refusal('they end in the middle of a day')
    const value = this.view.getInt32(this.at, true)
    this.at += 4
    return value
  }

  /** How many parts follow, each of at least four bytes. */
  count(): number {
    const count = this.number()
    if (count < 0 || count > (this.bytes.length - this.at) / 4)
      throw refusal(`they say that ${count} parts follow`)
    return count
  }

  part(): Uint8Array {
    const length = this.number()
    if (length < 0 || this.at + length > this.bytes.length)
      throw refusal('they end in the middle of a profile')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  end(): void {
    if (this.at !== this.bytes.length) throw refusal('they hold more than their days')
  }
}

const refusal = (reason: string): VigiaError => new VigiaError('DRIFT_PROFILE_REFUSED', { reason })
