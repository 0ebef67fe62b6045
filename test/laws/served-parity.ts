import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { createRandom } from '../../src/foundation/random.ts'
import { live } from '../integration/bank-life.ts'
import { expectOfflineParity, openLmdbOf, openRedisOf } from '../integration/offline-replay.ts'
import { startRedisServer } from '../integration/redis-server.ts'
import { daysOf, type TrainedBank } from '../integration/second-bank-service.ts'
import { expectLogged, expectParity, logOf } from '../integration/served-log.ts'
import { createClients } from '../integration/serving-clients.ts'
import { startVigiaServer } from '../integration/vigia-server.ts'

/** How much of the law is held, and where. */
export interface ParityOptions {
  /** A folder for the servers. */
  readonly folder: string
  readonly bank: TrainedBank
  /** How many transactions are sent by HTTP. */
  readonly transactions: number
  /** Chooses the order in which clients send, and what they cut off. */
  readonly seed: number
}

/**
 * Law: what is served is what training computes, to the bit.
 *
 * The second bank goes on over HTTP where training ended, day after day, each morning with the labels that
 * are known by then. 32 clients send its transactions in about their order, 3 of 100 twice, and cut 2 of 100
 * requests off before their answer, to send them again. Features, probabilities, average precision and states
 * are those of an offline replay.
 */
export const servedIsReplayed = async ({
  folder,
  bank,
  transactions,
  seed,
}: ParityOptions): Promise<void> => {
  const home = join(folder, 'lmdb')
  mkdirSync(home)
  // The states do not fit in the memory that they get, and the log is in several segments.
  const server = await startVigiaServer(home, [
    `model.source=${bank.run}`,
    'state_store.cache_size=16',
    'prediction_log.segment_size=8',
  ])
  const clients = createClients({ ports: () => [server.port], abortShare: 0.02, random: createRandom(seed) })
  const labels = await live(clients, bank, daysOf(bank, transactions, 'delivered'))
  expect(await clients.post('/save-logs', '')).toMatchObject({ status: 200 })
  clients.close()
  expect(await server.stop()).toBe(0)
  expect(clients.seen.answers.size).toBe(transactions)
  expect(clients.seen.repeated).toBeGreaterThan(transactions * 0.02)
  expect(clients.seen.unanswered).toBeGreaterThan(transactions * 0.005)
  await expectLogged(folder, [logOf(home)], clients.seen, labels)
  await expectParity(home, [logOf(home)])
  const offline = await expectOfflineParity({
    folder: home,
    bank,
    logs: [logOf(home)],
    openStore: () => openLmdbOf(home),
    history: 'delivered',
  })
  expect(offline.rows).toBe(transactions)
  expect(offline.averagePrecision.served).toBeGreaterThan(0.3)
}

/** The same of two servers that share their states in a Redis. */
export const servedByTwoIsReplayed = async (options: ParityOptions): Promise<void> => {
  const { folder, bank, transactions, seed } = options
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  const homes = ['redis-a', 'redis-b'].map((name) => join(folder, name))
  for (const home of homes) mkdirSync(home)
  const settings = [`model.source=${bank.run}`, 'state_store.kind=redis', `state_store.url=${redis.url}`]
  const start = () => inTurn(homes, (home) => startVigiaServer(home, settings))
  const servers = await start()
  const ports = servers.map(({ port }) => port)
  const clients = createClients({ ports: () => ports, abortShare: 0.02, random: createRandom(seed) })
  const labels = await live(clients, bank, daysOf(bank, transactions, 'delivered'))
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
    history: 'delivered',
  })
  expect(offline.rows).toBe(transactions)
}

const inTurn = async <T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = []
  for (const item of list) results.push(await work(item))
  return results
}
