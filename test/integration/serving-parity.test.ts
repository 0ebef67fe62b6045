import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../src/foundation/random.ts'
import { live } from './bank-life.ts'
import { expectOfflineParity, openLmdbOf, openRedisOf } from './offline-replay.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, startRedisServer } from './redis-server.ts'
import { daysOf, type TrainedBank, trainSecondBank } from './second-bank-service.ts'
import { expectLogged, expectParity, logOf } from './served-log.ts'
import { createClients } from './serving-clients.ts'
import { killVigiaServers, startVigiaServer } from './vigia-server.ts'

/**
 * What is served is what training computes: the second bank goes on over HTTP where training ended, day after
 * day, each morning with the labels that are known by then. 32 clients send its transactions in about their
 * order, 3 of 100 twice, and cut 2 of 100 requests off before their answer, to send them again.
 */
const folder = mkdtempSync(join(tmpdir(), 'vigia-serving-parity-'))
afterAll(async () => {
  await killVigiaServers()
  rmSync(folder, { recursive: true, force: true })
})

let bank: TrainedBank
beforeAll(async () => {
  bank = await trainSecondBank(folder)
})

test('100,000 transactions by HTTP: features, probabilities, average precision and states of an offline replay, to the bit', async () => {
  const home = emptyFolder('lmdb')
  // The states do not fit in the memory that they get, and the log is in several segments.
  const server = await startVigiaServer(home, [
    ...[`model.source=${bank.run}`, 'state_store.cache_size=16', 'prediction_log.segment_size=8'],
  ])
  const clients = createClients({ ports: () => [server.port], abortShare: 0.02, random: createRandom(1) })
  const labels = await live(clients, bank, daysOf(bank, 100_000))
  expect(await clients.post('/save-logs', '')).toMatchObject({ status: 200 })
  clients.close()
  expect(await server.stop()).toBe(0)
  expect(clients.seen.answers.size).toBe(100_000)
  expect(clients.seen.repeated).toBeGreaterThan(2000)
  expect(clients.seen.unanswered).toBeGreaterThan(500)
  await expectLogged(folder, [logOf(home)], clients.seen, labels)
  await expectParity(home, [logOf(home)])
  const offline = await expectOfflineParity({
    folder: home,
    bank,
    logs: [logOf(home)],
    openStore: () => openLmdbOf(home),
  })
  expect(offline.rows).toBe(100_000)
  expect(offline.averagePrecision.served).toBeGreaterThan(0.3)
})

describe.skipIf(REDIS_SERVER === undefined)(`on Redis (${REDIS_SERVER ?? REDIS_SERVER_MISSING})`, () => {
  test('10,000 transactions to two servers that share their states: the same', async () => {
    const redis = await startRedisServer()
    const homes = [emptyFolder('redis-a'), emptyFolder('redis-b')]
    const settings = [`model.source=${bank.run}`, 'state_store.kind=redis', `state_store.url=${redis.url}`]
    const start = () => inTurn(homes, (home) => startVigiaServer(home, settings))
    const servers = await start()
    const ports = servers.map(({ port }) => port)
    const clients = createClients({ ports: () => ports, abortShare: 0.02, random: createRandom(2) })
    const labels = await live(clients, bank, daysOf(bank, 10_000))
    clients.close()
    for (const server of servers) expect(await server.stop()).toBe(0)
    // What the servers had not moved to their logs yet, they have moved before they ended.
    for (const server of await start()) {
      expect((await fetch(`http://127.0.0.1:${server.port}/save-logs`, { method: 'POST' })).status).toBe(200)
      await server.stop()
    }
    const logs = homes.map(logOf)
    await expectLogged(folder, logs, clients.seen, labels)
    await expectParity(folder, logs)
    const offline = await expectOfflineParity({
      folder,
      bank,
      logs,
      openStore: () => openRedisOf(redis),
    })
    expect(offline.rows).toBe(10_000)
    await redis.stop()
  })
})

const emptyFolder = (name: string): string => {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}

const inTurn = async <T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = []
  for (const item of list) results.push(await work(item))
  return results
}
