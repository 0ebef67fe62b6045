import { isIP } from 'node:net'

/**
 * IP addresses as values that sort as the addresses do: IPv4 as its number, below 2^32, and IPv6 as a text of
 * 32 hexadecimal digits. An IPv6 address that stands for one of IPv4 (RFC 4291, 2.5.5.2: ::ffff:192.0.2.1) is
 * that one.
 */
export type IpAddress = number | string

const HEX_DIGITS = 32
const IPV4 = 'ffff'.padStart(24, '0')
const IPV4_ADDRESSES = 2n ** 32n
const ADDRESSES = 2n ** 128n
const WHOLE = /^(\d{1,39})(\.\d*)?$/

/**
 * The address that a text writes: 192.0.2.1, 2001:db8::1, or its whole number as tables of ranges have it,
 * below 2^32 that of an IPv4 address. Digits behind a point are cut off. Undefined for other text.
 */
export const addressOf = (text: string): IpAddress | undefined => {
  const number = WHOLE.exec(text)?.[1]
  if (number !== undefined) return ofNumber(number)
  const version = isIP(text)
  if (version === 4) return ofIpv4(text)
  return version === 6 ? ofHex(ofIpv6(text.split('%')[0]!)) : undefined
}

/**
 * The first and the last address of a network such as 192.0.2.0/24; undefined for other text, and for a
 * network that has addresses of both kinds.
 */
export const networkOf = (text: string): readonly [first: IpAddress, last: IpAddress] | undefined => {
  const [, address = '', length = ''] = /^([\d.a-fA-F:]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const bits = Number(length) + (version === 4 ? 96 : 0)
  if (bits > 128) return undefined
  const within = 2n ** BigInt(128 - bits)
  const hex = version === 4 ? hexOf(MAPPED + BigInt(ofIpv4(address))) : ofIpv6(address)
  const first = (BigInt(`0x${hex}`) / within) * within
  return [ofHex(hexOf(first)), ofHex(hexOf(first + within - 1n))]
}

/** The first IPv6 address that stands for one of IPv4. */
const MAPPED = 0xffffn * IPV4_ADDRESSES

const ofNumber = (digits: string): IpAddress | undefined => {
  if (digits.length < 10) return Number(digits)
  const number = BigInt(digits)
  if (number >= ADDRESSES) return undefined
  return number < IPV4_ADDRESSES ? Number(number) : ofHex(hexOf(number))
}

const ofHex = (hex: string): IpAddress =>
  hex.startsWith(IPV4) ? Number.parseInt(hex.slice(IPV4.length), 16) : hex

const hexOf = (number: bigint): string => number.toString(16).padStart(HEX_DIGITS, '0')

const ofIpv4 = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

/** Of text that is one. */
const ofIpv6 = (text: string): string => {
  const words = text.replace(/(\d+\.){3}\d+$/, (ipv4) => {
    const hex = ofIpv4(ipv4).toString(16).padStart(8, '0')
    return `${hex.slice(0, 4)}:${hex.slice(4)}`
  })
  const [before = '', after] = words.split('::')
  const head = groupsOf(before)
  const tail = after === undefined ? [] : groupsOf(after)
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].map((group) => group.padStart(4, '0').toLowerCase()).join('')
}

const groupsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
