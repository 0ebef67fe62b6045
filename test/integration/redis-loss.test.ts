import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { eventually } from '../eventually.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, type RedisServer, startRedisServer } from './redis-server.ts'
import { decide, expectLost, expectReplayed, payment, startFleet } from './shared-fleet.ts'

const title =
  REDIS_SERVER === undefined
    ? `A Redis that has lost decisions (skipped: ${REDIS_SERVER_MISSING})`
    : 'A Redis that has lost decisions'
const NO_FILE = ['--appendonly', 'no']

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const start = async (settings: readonly string[] = []) => {
    const server = await startRedisServer(settings)
    ends.push(() => server.stop())
    const folder = mkdtempSync(join(tmpdir(), 'vigia-redis-loss-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const fleet = startFleet(folder, server.url)
    ends.push(() => fleet.end())
    return { server, fleet }
  }
  const send = async ({ url }: RedisServer, words: readonly string[]) => {
    const connection = await openRedisConnection(url, 'the server of the test')
    try {
      return await connection.send(words)
    } finally {
      await connection.close()
    }
  }

  test('by FLUSHALL decides nothing; restored from the logs it goes on as if nothing had been', async () => {
    const { server, fleet } = await start()
    const [a, b, c] = [await fleet.start('a'), await fleet.start('b'), await fleet.start('c')]
    await decide([a, b, c], 1, 40)
    await c.end()
    for (let n = 1; n <= 10; n++)
      await b.decisions.applyFeedback({ transactionId: `t${n}`, isFraud: n % 3 === 0 })
    await fleet.moved(50)
    await send(server, ['FLUSHALL'])
    // Without a request, by looking.
    await eventually(() => expect(b.decisions.status().isHistoryLost).toBe(true))
    await expectLost(
      a,
      /it is empty, and decisions h\d+-1 to h\d+-\d+ were made on it.* 50\b|-50 were made on it/,
    )
    await expectLost(b, /it is empty/)
    // Neither a server with the old log nor one without begins anew.
    for (const name of ['c', 'fresh'])
      await expect(fleet.start(name)).rejects.toMatchObject({ code: 'SERVING_HISTORY_LOST' })

    expect(await fleet.restore()).toMatchObject({
      decisions: 40,
      labels: 10,
      receipts: 50,
      differing: 0,
      lastSequence: 50,
    })
    await eventually(() => expect(b.decisions.status()).toMatchObject({ isHistoryLost: false, failure: '' }))
    expect(await b.decisions.predict(payment(7), 0)).toMatchObject({ isRepeated: true, sequence: 7 })
    expect(await b.decisions.applyFeedback({ transactionId: 't3', isFraud: true })).toBe('unchanged')
    await b.decisions.applyFeedback({ transactionId: 't3', isFraud: false })
    await decide([a, b], 41, 60)
    expectReplayed(await fleet.end())
  })

  test('by a start without persistence decides nothing', async () => {
    const { server, fleet } = await start(NO_FILE)
    const [a, b] = [await fleet.start('a'), await fleet.start('b')]
    await decide([a, b], 1, 4)
    await server.kill()
    await server.start()
    await eventually(() => expect(a.decisions.status().isHistoryLost).toBe(true))
    await expectLost(a, /it is empty/)
    await expectLost(b, /it is empty/)
  })

  test('by an older snapshot decides nothing, for processes too that knew no more than it has', async () => {
    const { server, fleet } = await start(NO_FILE)
    const a = await fleet.start('a')
    await decide([a], 1, 20)
    await fleet.moved(20)
    await send(server, ['SAVE'])
    copyFileSync(join(server.folder, 'dump.rdb'), join(server.folder, 'older.rdb'))
    await decide([a], 21, 30)
    await fleet.moved(30)
    await server.kill()
    copyFileSync(join(server.folder, 'older.rdb'), join(server.folder, 'dump.rdb'))
    await server.start()
    await eventually(() => expect(a.decisions.status().isHistoryLost).toBe(true))
    await expectLost(a, /it ends with h\d+-20, and decisions h\d+-1 to h\d+-30 were made on it/)
    await expect(fleet.start('fresh')).rejects.toThrow(/it ends with h\d+-20/)

    expect(await fleet.restore()).toMatchObject({ decisions: 30, missing: [], doubled: [], lastSequence: 30 })
    await eventually(() => expect(a.decisions.status().isHistoryLost).toBe(false))
    await decide([a], 31, 40)
    expectReplayed(await fleet.end())
  })

  test('goes on by itself when it has its data again', async () => {
    const { server, fleet } = await start(NO_FILE)
    const a = await fleet.start('a')
    await decide([a], 1, 5)
    await fleet.moved(5)
    await send(server, ['SAVE'])
    await server.kill()
    copyFileSync(join(server.folder, 'dump.rdb'), join(server.folder, 'right.rdb'))
    rmSync(join(server.folder, 'dump.rdb'))
    await server.start()
    await eventually(() => expect(a.decisions.status().isHistoryLost).toBe(true))
    await server.kill()
    copyFileSync(join(server.folder, 'right.rdb'), join(server.folder, 'dump.rdb'))
    await server.start()
    await eventually(() => expect(a.decisions.status()).toMatchObject({ isHistoryLost: false, failure: '' }))
    await decide([a], 6, 10)
    expectReplayed(await fleet.end())
  })

  test('commits nothing for a while after it was started again, and at once after a broken connection', async () => {
    const { server } = await start()
    const store = await openRedisStateStore({
      url: server.url,
      prefix: 'p',
      consumer: 'c',
      compareMs: 3_600_000,
    })
    ends.push(() => store.close())
    await store.beginHistory({ name: 'first', lastSequence: 0 }, false)
    await store.expectHistory({ name: 'first', lastSequence: 0 })
    const commit = (id: string) =>
      store.commit([], { id, bytes: new Uint8Array(1) }, new Uint8Array(1), 60_000)
    await commit('t1')
    await send(server, ['CLIENT', 'KILL', 'TYPE', 'normal'])
    await eventually(() => commit('t2'))
    await server.kill()
    await server.start()
    await eventually(() => store.findReceipt('t1'))
    await expect(commit('t3')).rejects.toThrow('for 3600000 ms all servers compare what they know')
    expect(store.knownSequence()).toBe(2)
  })

  test('says at the start what it keeps, as far as it may be asked', async () => {
    const persistence = async (settings: readonly string[], login = '') => {
      const server = await startRedisServer(settings)
      try {
        if (login !== '')
          await send(server, [
            'ACL',
            'SETUSER',
            'vigia',
            'on',
            '>secret',
            '~*',
            '+@all',
            '-config',
            ...login.split(' '),
          ])
        const url = login === '' ? server.url : server.url.replace('//', '//vigia:secret@')
        const store = await openRedisStateStore({ url, prefix: 'p', consumer: 'c' })
        await store.close()
        return store.persistence
      } finally {
        await server.stop()
      }
    }
    expect(await persistence([])).toMatchObject({ kind: 'log' })
    expect(await persistence(NO_FILE)).toMatchObject({
      kind: 'none',
      says: 'its append-only file is off (appendonly no), and it writes no snapshots (save "")',
    })
    expect(await persistence([...NO_FILE, '--save', '60 1000'])).toMatchObject({
      kind: 'snapshots',
      says: expect.stringContaining('snapshots only (save "60 1000")'),
    })
    expect(await persistence(NO_FILE, '-config')).toMatchObject({
      kind: 'snapshots',
      says: expect.stringContaining('it does not say whether it writes snapshots'),
    })
    expect(await persistence([], '-info')).toMatchObject({ kind: 'unknown' })
  })
})
