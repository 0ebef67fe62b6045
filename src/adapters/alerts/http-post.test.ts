import type { lookup as systemLookup } from 'node:dns'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { httpPost, withoutSecrets } from './http-post.ts'
import { openHttpReceiver } from './http-receiver.test-kit.ts'
import { isInternalAddress } from './internal-addresses.ts'

describe('addresses', () => {
  test.each([
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '0.0.0.0'],
    ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.1', '203.0.113.9'],
    ...['::1', '::', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fdff::1', 'ff02::1', 'fec0::1', '[::1]'],
    ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:7f00:1', '::127.0.0.1'],
    ...['64:ff9b::10.0.0.1', '2002:7f00:1::', '2001:db8::1', '2001::1', '3fff::1', '100::1', 'localhost', ''],
  ])('%s is internal', (address) => {
    expect(isInternalAddress(address)).toBe(true)
  })

  test.each([
    ...[
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.255.255',
      '100.128.0.0',
      '198.17.0.1',
      '223.255.255.255',
    ],
    ...[
      '2606:4700::1111',
      '2a00:1450:4003::200e',
      '::ffff:1.1.1.1',
      '64:ff9b::101:101',
      '2001:4860:4860::8888',
    ],
  ])('%s is public', (address) => {
    expect(isInternalAddress(address)).toBe(false)
  })
})

describe('the guard', () => {
  const post = (url: string, lookup: typeof systemLookup, allowedHosts: readonly string[] = []) =>
    httpPost({ url, body: '{}', timeoutMs: 20_000, secrets: [], guard: { allowedHosts, lookup } })

  test.each([
    'http://127.0.0.1:1/',
    'http://2130706433:1/',
    'http://0x7f.1:1/',
    'http://[::1]:1/',
    'http://[::ffff:127.0.0.1]:1/',
    'http://169.254.169.254/latest/meta-data',
  ])('lets nothing go to %s', async (url) => {
    expect(await post(url, never)).toMatchObject({ kind: 'forbidden' })
  })

  test('looks at every address of a name: one internal one is enough', async () => {
    const answer = await post('http://hooks.example.org:1/', resolvesTo('93.184.215.14', '::ffff:10.0.0.7'))
    expect(answer).toMatchObject({
      kind: 'forbidden',
      reason:
        'hooks.example.org is ::ffff:10.0.0.7, which is an internal address; allowed_hosts of the channel names hosts that may be',
    })
  })

  test('connects to what it has looked at: the name is looked up once', async () => {
    const receiver = await openHttpReceiver()
    let asked = 0
    const lookup = ((_: string, options: { all?: boolean }, callback: (...values: unknown[]) => void) => {
      asked++
      callback(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1')
    }) as unknown as typeof systemLookup
    const url = receiver.url.replace('127.0.0.1', 'rebinding.example.org')
    expect(await post(url, lookup)).toMatchObject({ kind: 'forbidden' })
    expect([asked, receiver.received.length]).toEqual([1, 0])
    await receiver.close()
  })

  test('lets hosts through that were named', async () => {
    const receiver = await openHttpReceiver()
    expect(await post(receiver.url, never, ['127.0.0.1'])).toMatchObject({ kind: 'answered', status: 200 })
    await receiver.close()
  })

  test('a name that leads nowhere may lead somewhere later', async () => {
    const nowhere = ((_: string, __: unknown, callback: (error: Error) => void) =>
      callback(new Error('getaddrinfo ENOTFOUND'))) as unknown as typeof systemLookup
    expect(await post('http://x.example.org/', nowhere)).toEqual({
      kind: 'failed',
      reason: 'getaddrinfo ENOTFOUND',
    })
  })
})

describe('a receiver', () => {
  const post = (url: string, timeoutMs = 20_000) => httpPost({ url, body: '{}', timeoutMs, secrets: [] })

  test('that is silent is left after its time', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    expect(await post(`http://127.0.0.1:${port}`, 50)).toEqual({
      kind: 'failed',
      reason: 'no answer within 50 ms',
    })
    silent.close()
  })

  test('that is not there has failed', async () => {
    const receiver = await openHttpReceiver()
    await receiver.close()
    expect(await post(receiver.url)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('that sends us on is not followed', async () => {
    const receiver = await openHttpReceiver()
    receiver.reply = () => ({ status: 307, headers: { location: `${receiver.url}/other` } })
    expect(await post(receiver.url)).toMatchObject({ kind: 'answered', status: 307 })
    await receiver.close()
  })

  test.each(['ftp://example.org/', 'file:///etc/passwd', 'no address'])('%s is none', async (url) => {
    expect(await post(url)).toMatchObject({ kind: 'forbidden' })
  })

  test('of a long answer is cut off', async () => {
    const receiver = await openHttpReceiver()
    receiver.reply = () => ({ status: 500, body: 'x'.repeat(5_000_000) })
    const answer = await post(receiver.url)
    expect(answer.kind === 'answered' && answer.text.length).toBeLessThan(300_000)
    await receiver.close()
  })
})

test('secrets are taken out as they are, and as addresses and JSON write them', () => {
  const secret = 'a b/"c"'
  const text = `${secret}, ${encodeURIComponent(secret)}, ${JSON.stringify(secret)}`
  expect(withoutSecrets(text, [secret])).toBe('…, …, "…"')
  expect(withoutSecrets('nothing', [''])).toBe('nothing')
})

const never = (() => {
  throw new Error('nothing is to be looked up')
}) as unknown as typeof systemLookup

const resolvesTo = (...addresses: readonly string[]): typeof systemLookup =>
  ((_: string, __: unknown, callback: (error: null, found: object[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof systemLookup
