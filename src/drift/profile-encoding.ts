import { VigiaError } from '../errors.ts'
import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { ProfileLayout } from './profile-layout.ts'
import { WindowProfile } from './window-profile.ts'

/** "VDP": a profile of Vigía's drift. */
const MAGIC = [0x56, 0x44, 0x50] as const
const VERSION = 1
const HASH_BYTES = 7
const HEAD_BYTES = MAGIC.length + 1 + HASH_BYTES

/**
 * A profile as bytes: the letters VDP, a version, the layout's fingerprint, rows, alerts and all counts as
 * variable-length numbers (seven bits a byte, LEB128; a 0 is followed by how many more zeros there are), and
 * a hash of all of it. A day of 60 features has some 16 to 20 kB.
 */
export const encodeProfile = (profile: WindowProfile): Uint8Array => {
  const { counts, layout } = profile
  // A count has 32 bits, so five bytes; a run of zeros no more than its zeros have.
  const bytes = new Uint8Array(HEAD_BYTES + 10 + 5 * counts.length + 5 + HASH_BYTES)
  bytes.set([...MAGIC, VERSION])
  writeHash(bytes, MAGIC.length + 1, layout.fingerprint)
  let at = writeNumber(bytes, HEAD_BYTES, profile.rows)
  at = writeNumber(bytes, at, profile.alerts)
  for (let i = 0; i < counts.length; i++) {
    at = writeNumber(bytes, at, counts[i]!)
    if (counts[i] !== 0) continue
    const first = i
    while (i + 1 < counts.length && counts[i + 1] === 0) i++
    at = writeNumber(bytes, at, i - first)
  }
  writeHash(bytes, at, murmurHash52(bytes, 0, at))
  return bytes.slice(0, at + HASH_BYTES)
}

/**
 * The profile that `encodeProfile` made bytes of.
 *
 * @throws DRIFT_PROFILE_REFUSED when they are damaged, of another version, or in the bins of another
 * reference
 */
export const decodeProfile = (bytes: Uint8Array, layout: ProfileLayout): WindowProfile => {
  if (bytes.length < HEAD_BYTES + HASH_BYTES || MAGIC.some((letter, at) => bytes[at] !== letter))
    throw refusal('it does not begin as a profile does')
  if (bytes[MAGIC.length] !== VERSION)
    throw refusal(`it has version ${bytes[MAGIC.length]}, and ${VERSION} is read`)
  const end = bytes.length - HASH_BYTES
  if (readHash(bytes, end) !== murmurHash52(bytes, 0, end)) throw refusal('its bytes are damaged')
  if (readHash(bytes, MAGIC.length + 1) !== layout.fingerprint)
    throw refusal('it is in the bins, or for the threshold, of another model')
  const place = { at: HEAD_BYTES }
  const rows = readNumber(bytes, place, end)
  const alerts = readNumber(bytes, place, end)
  const counts = readCounts(bytes, place, end, layout.size)
  if (place.at !== end) throw refusal('it holds more than its counts')
  const unequal = layout.columns.find(({ from, size }) => sumOf(counts.subarray(from, from + size)) !== rows)
  if (unequal !== undefined) throw refusal(`the counts of ${unequal.name} are not those of ${rows} rows`)
  if (alerts > rows) throw refusal(`it has ${alerts} alerts in ${rows} rows`)
  const profile = new WindowProfile(layout)
  profile.restore(counts, rows, alerts)
  return profile
}

const refusal = (reason: string): VigiaError => new VigiaError('DRIFT_PROFILE_REFUSED', { reason })

const readCounts = (bytes: Uint8Array, place: { at: number }, end: number, size: number): Uint32Array => {
  const counts = new Uint32Array(size)
  for (let i = 0; i < size; i++) {
    counts[i] = readNumber(bytes, place, end)
    if (counts[i] !== 0) continue
    i += readNumber(bytes, place, end)
    if (i >= size) throw refusal('it has more counts than there are bins')
  }
  return counts
}

const writeNumber = (bytes: Uint8Array, at: number, value: number): number => {
  let [place, rest] = [at, value]
  while (rest > 127) {
    bytes[place++] = (rest & 127) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[place++] = rest
  return place
}

/** A number of at most 32 bits. */
const readNumber = (bytes: Uint8Array, place: { at: number }, end: number): number => {
  let [value, unit] = [0, 1]
  while (place.at < end && unit <= 128 * 128 * 128 * 128) {
    const byte = bytes[place.at++]!
    value += (byte & 127) * unit
    if (byte < 128) {
      if (value > 0xffffffff) break
      return value
    }
    unit *= 128
  }
  throw refusal('a number in it has no end')
}

const writeHash = (bytes: Uint8Array, at: number, hash: number): void => {
  for (let i = 0, rest = hash; i < HASH_BYTES; i++, rest = Math.floor(rest / 256)) bytes[at + i] = rest % 256
}

const readHash = (bytes: Uint8Array, at: number): number => {
  let hash = 0
  for (let i = HASH_BYTES - 1; i >= 0; i--) hash = hash * 256 + bytes[at + i]!
  return hash
}

const sumOf = (counts: Uint32Array): number => {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
