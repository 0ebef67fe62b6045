import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { openRedisConnection } from '../../src/adapters/redis/redis-connection.ts'
import { createRandom, type Random } from '../../src/foundation/random.ts'
import { live } from '../integration/bank-life.ts'
import { expectOfflineParity, openLmdbOf, openRedisOf } from '../integration/offline-replay.ts'
import { startRedisServer } from '../integration/redis-server.ts'
import { type BankDay, daysOf, labelBodies, type TrainedBank } from '../integration/second-bank-service.ts'
import { expectLogged, expectParity, logOf } from '../integration/served-log.ts'
import { type Clients, createClients } from '../integration/serving-clients.ts'
import {
  runVigia,
  spawnVigiaServer,
  startVigiaServer,
  type VigiaServer,
} from '../integration/vigia-server.ts'

/** How much of the law is held, and where. */
export interface CrashesOptions {
  /** A folder for the servers. */
  readonly folder: string
  readonly bank: TrainedBank
  /** How often a server is killed, at least: some are killed once more while they start. */
  readonly crashes: number
  /** How many transactions are sent; crashes are spread over them and over the labels of their mornings. */
  readonly transactions: number
  /** Chooses when servers are killed, and in which order clients send. */
  readonly seed: string
}

/**
 * Law: whenever a server is killed, no answer is lost, and nothing is decided or learnt twice.
 *
 * It is killed with `kill -9` while 32 clients send the second bank, labels included, and send again what got
 * no answer. In the end everything was decided on exactly once, what was answered is what the log has, and
 * the states are those of an offline replay. A crash comes after so many answers, not after so much time:
 * slow machines and fast ones crash in the same places.
 */
export const crashesLoseNothing = async (options: CrashesOptions): Promise<void> => {
  const { folder, bank, crashes, seed } = options
  const random = createRandom(seed)
  // Segments are short, so that crashes also meet them becoming Parquet.
  const site = await openSite(join(folder, 'lmdb'), [
    `model.source=${bank.run}`,
    'prediction_log.segment_size=1',
    // And them being saved.
    'state_store.save_interval=200ms',
  ])
  const clients = createClients({ ports: () => [site.server?.port], random: random.fork('clients') })
  const labels = await liveWithCrashes(clients, options, 'delivered', random, async () => {
    // A fifth of them while segments are moved.
    if (random.next() < 0.2) void clients.post('/save-logs', '')
    // Every other time once more while it starts: while it reads its states and its log.
    await site.crash(random.next() < 0.5 ? random.next() : undefined)
  })
  expect(site.crashes).toBeGreaterThanOrEqual(crashes)
  expect(clients.seen.unanswered).toBeGreaterThan(crashes)
  await site.saveLogs()
  await site.stop()
  const { home } = site
  await expectLogged(folder, [logOf(home)], clients.seen, labels)
  await expectParity(home, [logOf(home)])
  await expectOfflineParity({
    folder: home,
    bank,
    logs: [logOf(home)],
    openStore: () => openLmdbOf(home),
    history: 'delivered',
  })
  const verified = await runVigia(home, ['state', 'verify', '--set', `model.source=${bank.run}`])
  expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('every state can be used') })
}

/**
 * The same of two servers that share their states in a Redis, which is killed once too, after half of the
 * crashes.
 */
export const crashesOfFleetLoseNothing = async (options: CrashesOptions): Promise<void> => {
  const { folder, bank, crashes, seed } = options
  const random = createRandom(seed)
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  const settings = [`model.source=${bank.run}`, 'state_store.kind=redis', `state_store.url=${redis.url}`]
  const sites = [
    await openSite(join(folder, 'redis-a'), settings),
    await openSite(join(folder, 'redis-b'), settings),
  ]
  const clients = createClients({
    ports: () => sites.map(({ server }) => server?.port),
    random: random.fork('clients'),
  })
  const labels = await liveWithCrashes(clients, options, 'delivered', random, async (crash) => {
    await sites[random.integer(2)]!.crash()
    if (crash !== Math.floor(crashes / 2)) return
    await redis.kill()
    // Until its servers refuse, because it is away.
    const refused = refusalsOf(clients)
    await until(clients, () => refusalsOf(clients) > refused)
    await redis.start()
  })
  // What a killed server had taken from the store is given to another one after half a minute.
  await untilMoved(redis.url)
  for (const site of sites) await site.saveLogs()
  for (const site of sites) await site.stop()
  const logs = sites.map(({ home }) => logOf(home))
  await expectLogged(folder, logs, clients.seen, labels)
  await expectParity(folder, logs)
  await expectOfflineParity({ folder, bank, logs, openStore: () => openRedisOf(redis), history: 'delivered' })
}

/** Sends everything, with crashes spread over it. @returns how many labels were told */
const liveWithCrashes = async (
  clients: Clients,
  { bank, crashes, transactions }: CrashesOptions,
  history: 'told' | 'delivered',
  random: Random,
  crash: (index: number) => Promise<void>,
): Promise<number> => {
  const days = daysOf(bank, transactions, history)
  const end = sizeOf(days, bank)
  const crashing = async (): Promise<void> => {
    for (let index = 0; index < crashes; index++) {
      const moment = ((index + random.next()) / crashes) * end
      await until(clients, () => progressOf(clients) >= moment)
      await crash(index)
    }
  }
  try {
    const [labels] = await Promise.all([live(clients, bank, days), crashing()])
    return labels
  } finally {
    clients.close()
  }
}

/** A body of labels takes about as long as so many decisions. */
const DECISIONS_OF_BODY = 50

const progressOf = ({ seen }: Clients): number => seen.answers.size + DECISIONS_OF_BODY * seen.bodies

/** What `progressOf` will be when all of it is answered. */
const sizeOf = (days: readonly BankDay[], bank: TrainedBank): number =>
  days.reduce(
    (size, { labels, transactions }) =>
      size + transactions.length + DECISIONS_OF_BODY * labelBodies(labels, bank).length,
    0,
  )

const refusalsOf = ({ seen }: Clients): number =>
  [...seen.refused.values()].reduce((sum, count) => sum + count, 0)

/** Waits, as long as clients try: they give up when one of them has waited too long. */
const until = async (clients: Clients, isTrue: () => boolean): Promise<void> => {
  for (; !isTrue(); await pause(2)) if (clients.isClosed()) throw new Error('clients gave up')
}

/** Waits until every decision that Redis holds for the logs is in one. */
const untilMoved = async (url: string): Promise<void> => {
  const redis = await openRedisConnection(url, 'redis')
  while ((await redis.send(['XLEN', '{vigia}:outbox'])) !== 0) await pause(100)
  await redis.close()
}

/** A folder with a server that can be killed; it is started again at once. */
const openSite = async (home: string, settings: readonly string[]) => {
  mkdirSync(home)
  let server: VigiaServer | undefined = await startVigiaServer(home, settings)
  let startMs = server.startedInMs
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
    /** Kills it, and once more when that share of the time of a start has gone by; then it is started. */
    crash: async (again?: number): Promise<void> => {
      await server?.kill()
      crashes++
      server = undefined
      if (again !== undefined) {
        const starting = spawnVigiaServer(home, settings)
        await pause(again * startMs)
        await starting.kill()
        crashes++
      }
      server = await startVigiaServer(home, settings)
      startMs = server.startedInMs
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
