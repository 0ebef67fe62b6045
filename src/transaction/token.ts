import { murmurHash52 } from '../foundation/murmur-hash.ts'

/** The token of a missing value. No text has it. */
export const NO_TOKEN = 0

/**
 * The number that stands for a text (an id, a category) inside the feature engine: 52 bits of its UTF-8
 * bytes' hash, at least 1. Equal texts have equal tokens on every machine, so states need no shared
 * dictionary.
 *
 * `undefined` has `NO_TOKEN`.
 */
export const tokenOf = (text: string | undefined): number => {
  if (text === undefined) return NO_TOKEN
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 3)
  const { written } = encoder.encodeInto(text, scratch)
  return tokenOfBytes(scratch, 0, written)
}

/** `tokenOf` for text that is already UTF-8: the bytes `[from, to)`. */
export const tokenOfBytes = (bytes: Uint8Array, from: number, to: number): number =>
  murmurHash52(bytes, from, to) || 1

const encoder = new TextEncoder()
let scratch = new Uint8Array(1024)
