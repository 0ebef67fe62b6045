import { isIP } from 'node:net'

/**
 * IP addresses as texts of 32 hexadecimal digits, which sort as the addresses do. An IPv4 address is the
 * IPv6 address that stands for it (RFC 4291, 2.5.5.2: ::ffff:192.0.2.1).
 */

const HEX_DIGITS = 32
const IPV4 = 'ffff'.padStart(24, '0')
const IPV4_ADDRESSES = 2n ** 32n
const ADDRESSES = 2n ** 128n
const WHOLE = /^(\d{1,39})(\.\d*)?$/

/**
 * The address that a text writes: 192.0.2.1, 2001:db8::1, or its whole number as tables of ranges have it,
 * below 2^32 that of an IPv4 address. Digits behind a point are cut off. Undefined for other text.
 */
export const addressOf = (text: string): string | undefined => {
  const number = WHOLE.exec(text)?.[1]
  if (number !== undefined) return ofNumber(BigInt(number))
  const version = isIP(text)
  if (version === 4) return `${IPV4}${hexOfIpv4(text)}`
  return version === 6 ? ofIpv6(text.split('%')[0]!) : undefined
}

/** The first and the last address of a network such as 192.0.2.0/24; undefined for other text. */
export const networkOf = (text: string): readonly [first: string, last: string] | undefined => {
  const [, address = '', length = ''] = /^([\d.a-fA-F:]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const bits = Number(length) + (version === 4 ? 96 : 0)
  if (bits > 128) return undefined
  const within = 2n ** BigInt(128 - bits)
  const first = (BigInt(`0x${addressOf(address)}`) / within) * within
  return [hexOf(first), hexOf(first + within - 1n)]
}

const ofNumber = (number: bigint): string | undefined => {
  if (number >= ADDRESSES) return undefined
  return number < IPV4_ADDRESSES ? `${IPV4}${number.toString(16).padStart(8, '0')}` : hexOf(number)
}

const hexOf = (number: bigint): string => number.toString(16).padStart(HEX_DIGITS, '0')

const hexOfIpv4 = (text: string): string =>
  text
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')

/** Of text that is one. */
const ofIpv6 = (text: string): string => {
  const words = text.replace(/(\d+\.){3}\d+$/, (ipv4) => {
    const hex = hexOfIpv4(ipv4)
    return `${hex.slice(0, 4)}:${hex.slice(4)}`
  })
  const [before = '', after] = words.split('::')
  const head = groupsOf(before)
  const tail = after === undefined ? [] : groupsOf(after)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].map((group) => group.padStart(4, '0').toLowerCase()).join('')
}

const groupsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
