import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { eventually } from '../eventually.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, type RedisServer, startRedisServer } from './redis-server.ts'
import { decide, expectLost, expectReplayed, payment, startFleet } from './shared-fleet.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, runVigia, startVigiaServer } from './vigia-server.ts'

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

  test('by a start without persistence: vigia serve answers 503 and is not ready, vigia state restore brings it back', async () => {
    const { server } = await start(NO_FILE)
    const home = mkdtempSync(join(tmpdir(), 'vigia-redis-served-'))
    ends.push(() => rmSync(home, { recursive: true, force: true }))
    const settings = [
      `model.source=${await trainSmallModel()}`,
      'state_store.kind=redis',
      `state_store.url=${server.url}`,
    ]
    const { port, output } = await startVigiaServer(home, settings)
    ends.push(() => killVigiaServers())
    const request = async (path: string, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...(body && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
      return {
        status: answer.status,
        retryAfter: answer.headers.get('retry-after'),
        text: await answer.text(),
      }
    }
    const predict = (n: number) => request('/predict', smallTransaction(n))
    const { prediction_id, probability } = JSON.parse((await predict(1)).text) as Answer
    await predict(2)
    expect(output()).toContain('SERVING_STORE_FORGETS')
    await eventually(async () => expect(await send(server, ['XLEN', '{vigia}:outbox'])).toBe(0))
    await server.kill()
    await server.start()
    await eventually(async () =>
      expect((await request('/health/ready')).text).toContain('has lost decisions'),
    )
    expect((await request('/health/ready')).status).toBe(503)
    for (const answer of [await predict(3), await predict(1), await request(`/predictions/${prediction_id}`)])
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: '1',
        text: expect.stringContaining('"code":"SERVING_HISTORY_LOST"'),
      })
    expect((await request('/metrics')).text).toMatch(/vigia_ready 0\n[\s\S]*vigia_store_history_lost 1\n/)

    const words = settings.flatMap((setting) => ['--set', setting])
    const restored = await runVigia(home, ['state', 'restore', ...words])
    expect(restored).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^replayed +2 decisions and \d{3} labels[\s\S]*numbers +go on after \d{3};/,
      ),
    })
    await eventually(async () => expect((await request('/health/ready')).status).toBe(200))
    expect(JSON.parse((await predict(1)).text)).toMatchObject({
      prediction_id,
      probability,
      repeated: true,
    })
    const third = await eventually(async () => {
      const answer = await predict(3)
      expect(answer.status).toBe(200)
      return JSON.parse(answer.text) as Answer
    })
    expect(third.prediction_id).toBe(prediction_id.replace(/\d+$/, (first) => String(Number(first) + 2)))
    expect(await runVigia(home, ['parity', ...words.slice(0, 2)])).toMatchObject({ status: 0 })
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

interface Answer {
  readonly prediction_id: string
  readonly probability: number
}
