import { BlockList, isIP } from 'node:net'

/** Networks of IPv4 that are no addresses of the public internet (RFC 6890 and the registry of IANA). */
const INTERNAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

const internalV4 = new BlockList()
for (const [network, prefix] of INTERNAL_V4) internalV4.addSubnet(network, prefix, 'ipv4')

/** What IANA gives out as global unicast; everything else (loopback, link-local, unique local) is none. */
const globalV6 = new BlockList()
globalV6.addSubnet('2000::', 3, 'ipv6')

/** Within it: special purposes (Teredo, ORCHID), documentation, and 6to4, which leads to an IPv4 address. */
const specialV6 = new BlockList()
specialV6.addSubnet('2001::', 23, 'ipv6')
specialV6.addSubnet('2001:db8::', 32, 'ipv6')
specialV6.addSubnet('2002::', 16, 'ipv6')
specialV6.addSubnet('3fff::', 20, 'ipv6')

/**
 * Whether an address leads to this machine or its network instead of the public internet. IPv6 that stands
 * for an IPv4 address (mapped `::ffff:10.0.0.1`, NAT64 `64:ff9b::10.0.0.1`) is judged by that one. What is no
 * address is internal.
 */
export const isInternalAddress = (address: string): boolean => {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const version = isIP(bare)
  if (version === 4) return internalV4.check(bare, 'ipv4')
  if (version !== 6) return true
  const words = wordsOf(bare)
  const embedded = embeddedV4(words)
  if (embedded !== undefined) return internalV4.check(embedded, 'ipv4')
  return !globalV6.check(bare, 'ipv6') || specialV6.check(bare, 'ipv6')
}

/** The eight words of an address of IPv6. */
const wordsOf = (address: string): readonly number[] => {
  // URL writes every form in the same way: `::ffff:10.0.0.1` becomes `::ffff:a00:1`.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  const [before, after] = [read(head), tail === undefined ? [] : read(tail)]
  return [...before, ...Array(8 - before.length - after.length).fill(0), ...after]
}

const embeddedV4 = (words: readonly number[]): string | undefined => {
  const startsWith = (...expected: readonly number[]): boolean =>
    expected.every((word, i) => words[i] === word)
  const isMapped = startsWith(0, 0, 0, 0, 0, 0xffff)
  const isNat64 = startsWith(0x64, 0xff9b, 0, 0, 0, 0)
  if (!isMapped && !isNat64) return undefined
  const [high = 0, low = 0] = words.slice(6)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}
