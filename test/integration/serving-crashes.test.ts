import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { createRandom } from '../../src/foundation/random.ts'
import { live } from './bank-life.ts'
import { expectOfflineParity, openLmdbOf, openRedisOf } from './offline-replay.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, startRedisServer } from './redis-server.ts'
import { daysOf, type TrainedBank, trainSecondBank } from './second-bank-service.ts'
import { expectLogged, expectParity, logOf } from './served-log.ts'
import { createClients } from './serving-clients.ts'
import {
  killVigiaServers,
  runVigia,
  spawnVigiaServer,
  startVigiaServer,
  type VigiaServer,
} from './vigia-server.ts'

/**
 * Servers are killed with kill -9 while 32 clients send the second bank, labels included, and send again what
 * got no answer. In the end everything was decided on exactly once, what was answered is what the log has,
 * and the states are those of an offline replay.
 */
const folder = mkdtempSync(join(tmpdir(), 'vigia-serving-crashes-'))
afterAll(async () => {
  await killVigiaServers()
  rmSync(folder, { recursive: true, force: true })
})

/** A hundred starts of a server take long on a machine that has much else to do. */
const PATIENT = { timeout: 1_200_000 }

let bank: TrainedBank
beforeAll(async () => {
  bank = await trainSecondBank(folder)
})

test('a hundred crashes: no answer is lost, nothing is decided or learnt twice', PATIENT, async () => {
  const random = createRandom('crashes')
  // Segments are short, so that crashes also meet them becoming Parquet.
  const site = await openSite('lmdb', [
    `model.source=${bank.run}`,
    'prediction_log.segment_size=1',
    // And them being saved.
    'state_store.save_interval=200ms',
  ])
  const clients = createClients({ ports: () => [site.server?.port], random: random.fork('clients') })
  const crashing = (async () => {
    while (site.crashes < 100) {
      await wait(50 + 400 * random.next())
      if (site.crashes % 5 === 0)
        await Promise.race([clients.post('/save-logs', ''), wait(100 * random.next())])
      // Every other time once more while it starts: while it reads its states and its log.
      await site.crash(random.next() < 0.5 ? 1500 * random.next() : undefined)
    }
  })()
  const labels = await live(clients, bank, daysOf(bank, bank.after.length), () => site.crashes >= 100)
  await crashing
  clients.close()
  expect(clients.seen.unanswered).toBeGreaterThan(100)
  await site.saveLogs()
  await site.stop()
  const { home } = site
  await expectLogged(folder, [logOf(home)], clients.seen, labels)
  await expectParity(home, [logOf(home)])
  await expectOfflineParity({ folder: home, bank, logs: [logOf(home)], openStore: () => openLmdbOf(home) })
  const verified = await runVigia(home, ['state', 'verify', '--set', `model.source=${bank.run}`])
  expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('every state can be used') })
})

describe.skipIf(REDIS_SERVER === undefined)(`on Redis (${REDIS_SERVER ?? REDIS_SERVER_MISSING})`, () => {
  test('ten crashes of two servers, and one of the Redis that they share: the same', PATIENT, async () => {
    const random = createRandom('crashes of a fleet')
    const redis = await startRedisServer()
    const settings = [
      ...[`model.source=${bank.run}`, 'state_store.kind=redis', `state_store.url=${redis.url}`],
    ]
    const sites = [await openSite('redis-a', settings), await openSite('redis-b', settings)]
    const clients = createClients({
      ports: () => sites.map(({ server }) => server?.port),
      random: random.fork('clients'),
    })
    let crashes = 0
    const crashing = (async () => {
      for (; crashes < 10; crashes++) {
        await wait(200 + 1000 * random.next())
        await sites[random.integer(2)]!.crash()
        if (crashes !== 5) continue
        await redis.kill()
        await wait(1000)
        await redis.start()
      }
    })()
    const labels = await live(clients, bank, daysOf(bank, bank.after.length), () => crashes === 10)
    await crashing
    clients.close()
    // What a killed server had taken from the store is given to another one after half a minute.
    await untilMoved(redis.url)
    for (const site of sites) await site.saveLogs()
    for (const site of sites) await site.stop()
    const logs = sites.map(({ home }) => logOf(home))
    await expectLogged(folder, logs, clients.seen, labels)
    await expectParity(folder, logs)
    await expectOfflineParity({ folder, bank, logs, openStore: () => openRedisOf(redis) })
    await redis.stop()
  })
})

/** A folder with a server that can be killed; it is started again at once. */
const openSite = async (name: string, settings: readonly string[]) => {
  const home = join(folder, name)
  mkdirSync(home)
  let server: VigiaServer | undefined = await startVigiaServer(home, settings)
  let crashes = 0
  return {
    home,
    /** Undefined while it starts. */
    get server() {
      return server
    },
    get crashes() {
      return crashes
    },
    /** Kills it, and once more so many milliseconds after the new process was made; then it is started. */
    crash: async (againAfterMs?: number): Promise<void> => {
      await server?.kill()
      crashes++
      server = undefined
      if (againAfterMs !== undefined) {
        const starting = spawnVigiaServer(home, settings)
        await wait(againAfterMs)
        await starting.kill()
        crashes++
      }
      server = await startVigiaServer(home, settings)
    },
    saveLogs: async (): Promise<void> => {
      const url = `http://127.0.0.1:${server?.port}/save-logs`
      expect((await fetch(url, { method: 'POST' })).status).toBe(200)
    },
    stop: async (): Promise<void> => {
      expect(await server?.stop()).toBe(0)
    },
  }
}

/** Waits until every decision that Redis holds for the logs is in one. */
const untilMoved = async (url: string): Promise<void> => {
  const redis = await openRedisConnection(url, 'redis')
  while ((await redis.send(['XLEN', '{vigia}:outbox'])) !== 0) await wait(500)
  await redis.close()
}
