import { sha256 } from '../foundation/hash.ts'

/** What an alert is about. */
export interface AlertSubject {
  readonly model: string
  readonly kind: string
  /** Empty: all transactions. */
  readonly segment: string
}

/** PagerDuty takes 255 characters; in bytes, so that it holds whatever a receiver counts. */
const LONGEST_BYTES = 255
const HASH_DIGITS = 32

/**
 * The stable key of an alert: `vigia/<model>/<kind>/<segment>`, where `all` stands for no segment.
 *
 * Different subjects have different keys: `/`, `%` and white space within a part are written as in an address
 * (`%2F`), and a segment that is called `all` is `%61ll`. A key of more than 255 bytes is cut, and ends with
 * `~` and 128 bits of its SHA-256.
 */
export const dedupKeyOf = ({ model, kind, segment }: AlertSubject): string => {
  const last = segment === '' ? 'all' : escaped(segment).replace(/^all$/, '%61ll')
  const key = `vigia/${escaped(model)}/${escaped(kind)}/${last}`
  if (Buffer.byteLength(key) <= LONGEST_BYTES) return key
  const kept = cutToBytes(key, LONGEST_BYTES - HASH_DIGITS - 1)
  return `${kept}~${sha256(key).slice(0, HASH_DIGITS)}`
}

// `~` too, so that no key looks like one that was cut; halves of surrogate pairs have no bytes of their own.
const escaped = (part: string): string =>
  part
    .replace(/[%/~\s\p{Cc}]/gu, (character) => encodeURIComponent(character).replace('~', '%7E'))
    .replace(/\p{Cs}/gu, (half) => `%u${half.charCodeAt(0).toString(16)}`)

/** The longest beginning of `text`, in whole characters, that takes at most `bytes` as UTF-8. */
const cutToBytes = (text: string, bytes: number): string => {
  let taken = 0
  let end = 0
  for (const character of text) {
    taken += Buffer.byteLength(character)
    if (taken > bytes) break
    end += character.length
  }
  return text.slice(0, end)
}
