/**
 * 52 bits of MurmurHash3_x86_128 (seed 0) over `bytes[from, to)`, as a non-negative safe integer.
 *
 * All 32 bits of the first lane and the low 20 of the second: enough that a million names collide with
 * probability 1e-4. Not cryptographic. Works in place on any byte range, so text that another library holds
 * needs no JavaScript string. Source: Austin Appleby's public-domain MurmurHash3; checked against its
 * published vectors.
 */
export const murmurHash52 = (bytes: Uint8Array, from: number, to: number): number => {
  const length = to - from
  let h1 = 0
  let h2 = 0
  let h3 = 0
  let h4 = 0
  let at = from
  const blocksEnd = from + (length & ~15)
  while (at < blocksEnd) {
    h1 ^= Math.imul(rotate(Math.imul(word(bytes, at), C1), 15), C2)
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0
    h2 ^= Math.imul(rotate(Math.imul(word(bytes, at + 4), C2), 16), C3)
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0
    h3 ^= Math.imul(rotate(Math.imul(word(bytes, at + 8), C3), 17), C4)
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0
    h4 ^= Math.imul(rotate(Math.imul(word(bytes, at + 12), C4), 18), C1)
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0
    at += 16
  }
  const tail = to - at
  if (tail > 12) h4 ^= Math.imul(rotate(Math.imul(partialWord(bytes, at + 12, to), C4), 18), C1)
  if (tail > 8) h3 ^= Math.imul(rotate(Math.imul(partialWord(bytes, at + 8, to), C3), 17), C4)
  if (tail > 4) h2 ^= Math.imul(rotate(Math.imul(partialWord(bytes, at + 4, to), C2), 16), C3)
  if (tail > 0) h1 ^= Math.imul(rotate(Math.imul(partialWord(bytes, at, to), C1), 15), C2)

  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = avalanche(h1)
  h2 = avalanche(h2)
  h1 = (h1 + h2 + avalanche(h3) + avalanche(h4)) | 0
  h2 = (h2 + h1) | 0
  return (h2 & 0xfffff) * 4294967296 + (h1 >>> 0)
}

const C1 = 0x239b961b
const C2 = 0xab0e9789 | 0
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93 | 0

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

/** Up to four bytes from `at`, as the low bytes of a little-endian word; bytes from `to` on count as zero. */
const partialWord = (bytes: Uint8Array, at: number, to: number): number => {
  let result = bytes[at]!
  if (at + 1 < to) result |= bytes[at + 1]! << 8
  if (at + 2 < to) result |= bytes[at + 2]! << 16
  if (at + 3 < to) result |= bytes[at + 3]! << 24
  return result
}

const avalanche = (x: number): number => {
  let h = x
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
