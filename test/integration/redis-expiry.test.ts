import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createDecider } from '../../src/decisions/decider.ts'
import { testModel } from '../../src/decisions/inference.test-kit.ts'
import { expectReplayed } from '../../src/decisions/replayed.test-kit.ts'
import { SharedExpiry } from '../../src/decisions/shared/shared-expiry.ts'
import { tokenOf } from '../../src/transaction/token.ts'
import { eventually } from '../eventually.ts'
import { sendTo, startCluster, startSentinels } from './redis-replicas.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, startRedisServer } from './redis-server.ts'
import { type FleetProcess, payment, type SharedFleet, startFleet } from './shared-fleet.ts'

const title =
  REDIS_SERVER === undefined
    ? `States on a Redis that have ended (skipped: ${REDIS_SERVER_MISSING})`
    : 'States on a Redis that have ended'

/** Whoever was away for 200 s is begun anew. */
const MODEL = testModel('forgetful', 1, '200s')
/** Of a user that pays first and comes back. */
const STATE = `{fleet}:state:user:${tokenOf('u1')}`

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const fleetOn = (url: string): SharedFleet => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-redis-expiry-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const fleet = startFleet(folder, url, MODEL)
    ends.push(() => fleet.end())
    return fleet
  }

  test('end once by whichever process comes first, survive the Redis, and are gone from it by themselves', async () => {
    const server = await startRedisServer()
    ends.push(() => server.stop())
    const fleet = fleetOn(server.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await payLongApart([a, b])
    const looks = [expiryOf(a), expiryOf(b)]
    await Promise.all(looks.map((one) => one.sweep()))
    // Four users and two devices.
    expect(looks[0]!.count + looks[1]!.count).toBe(6)
    expect(Number(await sendTo(server.url, ['PTTL', STATE]))).toBeGreaterThan(80_000_000)
    await fleet.moved(15)
    await server.kill()
    await server.start()
    expect(Number(await sendTo(server.url, ['PTTL', STATE]))).toBeGreaterThan(80_000_000)
    // One comes back before its state is gone, one after it, and of one nobody hears again.
    await eventually(() => pay(b, 1002, 'u1'))
    expect(Number(await sendTo(server.url, ['PTTL', STATE]))).toBe(-1)
    const other = STATE.replace(String(tokenOf('u1')), String(tokenOf('u2')))
    await sendTo(server.url, ['PEXPIRE', other, '1'])
    await eventually(async () => expect(Number(await sendTo(server.url, ['EXISTS', other]))).toBe(0))
    await eventually(() => pay(a, 1003, 'u2'))
    const entries = await fleet.end()
    expect(entries.filter(({ kind }) => kind === 'repair')).toHaveLength(6)
    expectReplayed(entries, MODEL)
  })

  test('end with Sentinels and after a failover', async () => {
    const group = await startSentinels()
    ends.push(() => group.stop())
    const fleet = fleetOn(group.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await payLongApart([a, b])
    await fleet.moved(9)
    await group.inStep()
    await group.master.kill()
    await group.tookOver()
    const look = expiryOf(b)
    await eventually(() => look.sweep())
    expect(look.count).toBe(6)
    await eventually(() => pay(a, 1002, 'u1'))
    expectReplayed(await fleet.end(), MODEL)
  })

  test('end on a Cluster, whose look goes on over a failover', async () => {
    const group = await startCluster('fleet')
    ends.push(() => group.stop())
    const fleet = fleetOn(group.url)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await payLongApart([a, b])
    // A part was seen on the node that is owner no more.
    const { next } = await a.store.lookThrough(undefined, 1, 100)
    await sendTo(group.replica.url, ['CLUSTER', 'FAILOVER'])
    await eventually(async () =>
      expect(String(await sendTo(group.replica.url, ['INFO', 'replication']))).toContain('role:master'),
    )
    await eventually(() => a.store.lookThrough(next, 1000, 100))
    const look = expiryOf(a)
    await eventually(() => look.sweep())
    expect(look.count).toBe(6)
    await eventually(() => pay(b, 1002, 'u1'))
    expectReplayed(await fleet.end(), MODEL)
  })
})

/** Four users pay, and long after them another one. */
const payLongApart = async (processes: readonly FleetProcess[]): Promise<void> => {
  for (let n = 1; n <= 8; n++) await processes[n % 2]!.decisions.predict(payment(n), 0)
  await pay(processes[0]!, 1000, 'later')
}

const pay = ({ decisions }: FleetProcess, n: number, userId: string) =>
  decisions.predict({ ...payment(n), userId }, 0)

const expiryOf = ({ store }: FleetProcess): SharedExpiry =>
  new SharedExpiry({
    store,
    decider: () => createDecider({ champion: MODEL }),
    world: { now: () => 2e12 },
    failed: (error) => {
      throw error
    },
  })
