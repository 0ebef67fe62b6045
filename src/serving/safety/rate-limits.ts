import { isIPv6 } from 'node:net'
import type { ApiKey } from './api-keys.ts'

/** Requests in a minute that a caller may make; 0: any number. */
export const limitOf = (caller: ApiKey | null, byDefault: number): number =>
  caller?.requestsPerMinute ?? byDefault

/** Whose requests are counted together: those of a key, or without keys those of an address. */
export const sourceOf = (caller: ApiKey | null, address: string): string =>
  caller === null ? `address ${isIPv6(address) ? networkOf(address) : address}` : `key ${caller.name}`

/** The first four groups of an IPv6 address: whoever has one has all of that network. */
const networkOf = (address: string): string => {
  const [head = '', tail] = address.toLowerCase().split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  if (last.at(-1)?.includes('.') === true) return last.at(-1)!
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length
  return [...first, ...Array<string>(Math.max(0, zeros)).fill('0'), ...last].slice(0, 4).join(':')
}
