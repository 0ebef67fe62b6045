import { describe, expect, test } from 'vitest'
import { redisAddress } from './redis-address.ts'

describe('the address of a store', () => {
  test('of one server is used as it stands, and named without user and password', async () => {
    const address = redisAddress('rediss://user:secret@host:7000/2', '{p}')
    expect(address.name).toBe('redis at host:7000')
    expect(await address.locate()).toBe('rediss://user:secret@host:7000/2')
  })

  test('of Sentinels and Clusters names all hosts, with the usual ports, without user and password', () => {
    expect(redisAddress('redis+sentinel://:secret@a,b:1,[::1]:2/mymaster/3', '').name).toBe(
      'redis master mymaster of the Sentinels a:26379, b:1, [::1]:2',
    )
    expect(redisAddress('rediss+cluster://user:s%2Fe@a,b:1', '').name).toBe('redis Cluster of a:6379, b:1')
  })

  test('that is none says what is wrong with it', () => {
    for (const [url, reason] of [
      ['redis+sentinel://a:1,b:2', 'needs the name of the master'],
      ['redis+sentinel://a:1/mymaster/x', 'needs the name of the master'],
      ['redis+sentinel:///mymaster', 'it names no host'],
      ['redis+cluster://a:1/2', 'a Cluster has no databases but 0'],
      [
        'redis+ring://a',
        'it begins with redis+ring://; allowed: redis://, redis+sentinel://, redis+cluster://, and the same with rediss for TLS',
      ],
      ['https://user:secret@a', /^it begins with https:\/\/; allowed: redis/],
      ['user:secret@a:6379', /^it does not say what it is the address of; allowed: redis/],
    ] as const)
      expect(() => redisAddress(url, '')).toThrow(reason)
  })
})
