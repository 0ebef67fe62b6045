import { describe, expect, it } from 'vitest'
import { addressOf, networkOf } from './ip-address.ts'

describe('IP addresses as texts that sort as they do', () => {
  it('every way to write one gives the same', () => {
    const same = (...texts: string[]): void => {
      const [first] = texts.map(addressOf)
      expect(String(first)).toMatch(/^(\d+|[0-9a-f]{32})$/)
      expect(texts.map(addressOf)).toEqual(texts.map(() => first))
    }
    same('192.0.2.1', '::ffff:192.0.2.1', '::FFFF:c000:0201', '3221225985', '3221225985.79972')
    // As tables of IPv6 ranges write an IPv4 address.
    same('0.0.0.0', '281470681743360', '0')
    same('2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '42540766411282592856903984951653826561', '2001:db8::1%eth0')
    same('::', '0:0:0:0:0:0:0:0')
    expect(addressOf('::1')).toBe('1'.padStart(32, '0'))
    expect(addressOf('1::')).toBe(`0001${'0'.repeat(28)}`)
  })

  it('they stand in their order', () => {
    const addresses = [
      '9.255.255.255',
      '10.0.0.0',
      '10.0.0.10',
      '10.0.1.0',
      '255.255.255.255',
      '2001:db8::',
      'ff02::1',
    ]
    const keys = addresses.map((text) => addressOf(text)!)
    for (const kind of ['number', 'string']) {
      const own = keys.filter((key) => typeof key === kind)
      expect(own.length).toBeGreaterThan(1)
      for (const [at, key] of own.slice(1).entries()) expect(key > own[at]!).toBe(true)
    }
  })

  it('a network is its first and its last address', () => {
    const network = (text: string) => networkOf(text)
    expect(network('192.0.2.77/24')).toEqual(['192.0.2.0', '192.0.2.255'].map(addressOf))
    expect(network('10.0.0.0/8')).toEqual(['10.0.0.0', '10.255.255.255'].map(addressOf))
    expect(network('192.0.2.1/32')).toEqual(['192.0.2.1', '192.0.2.1'].map(addressOf))
    expect(network('2001:db8::/32')).toEqual(
      ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'].map(addressOf),
    )
    expect(network('::/0')).toEqual(['0'.repeat(32), 'f'.repeat(32)])
  })

  it('other text is none', () => {
    for (const text of ['', 'a', '1.2.3', '256.1.1.1', '-1', '1e3', '2001:db8', String(2n ** 128n)])
      expect(addressOf(text)).toBeUndefined()
    for (const text of ['192.0.2.0', '192.0.2.0/33', '2001:db8::/129', '192.0.2.0/', '/24', 'x/8'])
      expect(networkOf(text)).toBeUndefined()
  })
})
