import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { eventually } from '../eventually.ts'
import { sendTo, startCluster, startSentinels } from './redis-replicas.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING } from './redis-server.ts'
import { decide, expectLost, expectReplayed, payment, type SharedFleet, startFleet } from './shared-fleet.ts'

const title =
  REDIS_SERVER === undefined
    ? `A Redis of several servers (skipped: ${REDIS_SERVER_MISSING})`
    : 'A Redis of several servers'

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const fleetOn = (url: string): SharedFleet => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-redis-failover-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const fleet = startFleet(folder, url)
    ends.push(() => fleet.end())
    return fleet
  }

  test('with Sentinels: a replica that has all takes over, and processes go on there', async () => {
    const group = await startSentinels()
    ends.push(() => group.stop())
    const open = (url: string) => openRedisStateStore({ url, prefix: 'p', consumer: 'c' })
    await expect(open(group.url.replace('mymaster', 'other'))).rejects.toThrow(
      'it knows no master of the name other',
    )
    await expect(open(`redis+cluster://user:secret@127.0.0.1:${group.master.port}`)).rejects.toThrow(
      /The state store redis Cluster of 127\.0\.0\.1:\d+ cannot be used: 127\.0\.0\.1:\d+: /,
    )
    const fleet = fleetOn(group.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await decide([a, b], 1, 20)
    await fleet.moved(20)
    await group.inStep()
    await group.master.kill()
    await expect(a.decisions.predict(payment(21), 0)).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
    await group.tookOver()
    await eventually(() => a.decisions.predict(payment(21), 0))
    await eventually(() => b.decisions.predict(payment(22), 0))
    await decide([a, b], 23, 40)
    expect(await b.decisions.predict(payment(1), 0)).toMatchObject({ isRepeated: true, sequence: 1 })
    expectReplayed(await fleet.end())
  })

  test('with Sentinels: a replica that lacks the last commits takes over, and nobody decides until it is restored', async () => {
    const group = await startSentinels()
    ends.push(() => group.stop())
    const fleet = fleetOn(group.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await decide([a, b], 1, 20)
    await fleet.moved(20)
    await group.inStep()
    await group.part()
    await decide([a], 21, 25)
    await fleet.moved(25)
    await group.master.kill()
    await group.tookOver()
    for (const { decisions } of [a, b])
      await eventually(() => expect(decisions.status().isHistoryLost).toBe(true))
    await expectLost(a, /it ends with h\d+-\d+, and decisions h\d+-1 to h\d+-25 were made on it/)
    await expectLost(b, /it ends with/)
    expect(await fleet.restore()).toMatchObject({ decisions: 25, missing: [], doubled: [], lastSequence: 25 })
    await eventually(() => b.decisions.predict(payment(26), 0))
    expectReplayed(await fleet.end())
  })

  test('of a Cluster: all keys are on one node; its replica takes over, and processes go on there', async () => {
    const group = await startCluster('fleet')
    ends.push(() => group.stop())
    const fleet = fleetOn(group.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await decide([a, b], 1, 20)
    await fleet.moved(20)
    expect(Number(await sendTo(group.owner.url, ['DBSIZE']))).toBeGreaterThan(20)
    await sendTo(group.replica.url, ['CLUSTER', 'FAILOVER'])
    await eventually(async () =>
      expect(String(await sendTo(group.replica.url, ['INFO', 'replication']))).toContain('role:master'),
    )
    await eventually(() => a.decisions.predict(payment(21), 0))
    await eventually(() => b.decisions.predict(payment(22), 0))
    await group.owner.kill()
    await decide([a, b], 23, 30)
    expectReplayed(await fleet.end())
  })
})
