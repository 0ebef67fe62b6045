import type { SharedStateStore, StorePersistence } from '../../ports/state-store.ts'
import { checkRedis } from './check-redis.ts'
import { openRedisConnection } from './redis-connection.ts'
import { fillingCalls } from './redis-filling.ts'
import { RedisHistory } from './redis-history.ts'
import { labelCalls } from './redis-labels.ts'
import { createGroup, GROUP, redisNames } from './redis-link.ts'
import { outboxCalls, restoreCalls } from './redis-outbox.ts'
import { LEAVE } from './redis-scripts.ts'
import { stateCalls, wholeCalls } from './redis-states.ts'

export interface RedisOptions {
  /** As `redisAddress` reads it: one server, the master of Sentinels, or a Cluster. */
  readonly url: string
  /** First part of all keys: stores with different ones share nothing. */
  readonly prefix: string
  /** Names this process among those that take entries. */
  readonly consumer: string
  /**
   * An entry that was taken and not settled for so long is given to another process, in milliseconds; default
   * 30,000.
   */
  readonly takeOverAfterMs?: number
  /**
   * How long nothing is committed after another server took over, or the server was started again, in
   * milliseconds; default 3,000. In this time all processes compare what they know with what it has.
   */
  readonly compareMs?: number
}

/** States on a Redis, and what is left of them when it is started again. */
export interface RedisStateStore extends SharedStateStore {
  readonly persistence: StorePersistence
}

/**
 * States that many processes share, on Redis or Valkey from version 6.2 on.
 *
 * | key | value |
 * | --- | --- |
 * | `{prefix}:state:<kind>:<token>` | version, 8 bytes, a little-endian double; the state; with a time to live where its entity was never seen, or has expired |
 * | `{prefix}:receipt:<id>` | bytes of the receipt; of a commit with its sequence number before it, and with a time to live |
 * | `{prefix}:sequence` | number of the last commit |
 * | `{prefix}:history` | names all commits, or is a mark: `!<name> <expected number> <found number>`, -1 for an empty store |
 * | `{prefix}:filler` | `>` and the token of who fills the store; absent when nobody does |
 * | `{prefix}:outbox` | stream of the entries of commits, read by the group `logs` |
 * | `{prefix}:clock` | latest time of a transaction, epoch milliseconds |
 * | `{prefix}:due` | sorted set of the labels that fall due: text, by when |
 * | `{prefix}:waiting` | sorted set of the ids of labels that wait for their transaction, by until when |
 * | `{prefix}:notes` | hash of the notes |
 *
 * All keys have the same hash tag, so that a script may touch them together, in a cluster too. What survives
 * the server is the server's matter: with `appendonly yes` and `appendfsync everysec` (`always`), a power
 * failure costs the last second (nothing). What is lost is lost whole: a script is one entry of the server's
 * file.
 *
 * @throws SERVING_STORE_FAILED
 */
export const openRedisStateStore = async (options: RedisOptions): Promise<RedisStateStore> => {
  const { url, prefix, consumer, takeOverAfterMs = 30_000, compareMs = 3000 } = options
  const key = `{${prefix}}`
  const connection = await openRedisConnection(url, undefined, key)
  const { name } = connection
  const waiting = await openRedisConnection(url, undefined, key).catch(async (error: unknown) => {
    await connection.close()
    throw error
  })
  const names = redisNames(prefix)
  let persistence: StorePersistence
  try {
    persistence = await checkRedis(connection, name)
    await createGroup(connection, names)
  } catch (error) {
    await connection.close()
    await waiting.close()
    throw error
  }
  const history = new RedisHistory({ connection, names, store: name, compareMs })
  const link = { connection, names, history }
  return {
    persistence,
    ...stateCalls(link),
    ...wholeCalls(link),
    ...fillingCalls(link),
    ...outboxCalls(link, { waiting, consumer, takeOverAfterMs }),
    ...restoreCalls(link),
    ...labelCalls(link),
    readHistory: () => history.read(),
    beginHistory: (begun, replaces) => history.begin(begun, replaces),
    expectHistory: (known) => history.expect(known),
    knownSequence: () => history.knownSequence,
    // What a Redis keeps, and when it does, is its own setting (`persistence`).
    flush: async () => undefined,
    close: async () => {
      // What this process has not settled is found under its name; without such, the name is of no use.
      await connection.run(LEAVE, [names.outbox], [GROUP, consumer]).catch(() => undefined)
      await waiting.close()
      await connection.close()
    },
  }
}
