import { VigiaError } from '../../errors.ts'
import type {
  CommitOutcome,
  EntityKey,
  OutboxEntry,
  SharedStateStore,
  StateChange,
  StoredState,
} from '../../ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'
import { checkRedis } from './check-redis.ts'
import {
  LONGEST_WAIT_MS,
  openRedisConnection,
  type RedisReply,
  type RedisWord,
  serverName,
} from './redis-connection.ts'
import { COMMIT, LEAVE, SAVE, SETTLE } from './redis-scripts.ts'

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, `rediss://` with TLS. */
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
}

const GROUP = 'logs'
const VERSION_BYTES = 8
const SCAN_COUNT = 1000

/** What Redis can keep as a time to live; about 30,000 years. */
const LONGEST_LIFE_MS = 1e15

/**
 * States that many processes share, on Redis or Valkey from version 6.2 on.
 *
 * | key | value |
 * | --- | --- |
 * | `{prefix}:state:<kind>:<token>` | version, 8 bytes, a little-endian double; the state |
 * | `{prefix}:receipt:<id>` | bytes of the receipt; of a commit with its sequence number before it, and with a time to live |
 * | `{prefix}:sequence` | number of the last commit |
 * | `{prefix}:outbox` | stream of the entries of commits, read by the group `logs` |
 * | `{prefix}:notes` | hash of the notes |
 *
 * All keys have the same hash tag, so that a script may touch them together, in a cluster too. What survives
 * the server is the server's matter: with `appendonly yes` and `appendfsync everysec` (`always`), a power
 * failure costs the last second (nothing). What is lost is lost whole: a script is one entry of the server's
 * file.
 *
 * @throws SERVING_STORE_FAILED
 */
export const openRedisStateStore = async (options: RedisOptions): Promise<SharedStateStore> => {
  const { url, prefix, consumer, takeOverAfterMs = 30_000 } = options
  const name = serverName(url)
  const connection = await openRedisConnection(url, name)
  // Waiting for entries holds a connection up.
  const waiting = await openRedisConnection(url, name).catch(async (error: unknown) => {
    await connection.close()
    throw error
  })
  const keyOf = (...parts: readonly (string | number)[]): string => [`{${prefix}}`, ...parts].join(':')
  const stateKey = ({ kind, token }: EntityKey): string => keyOf('state', kind, token)
  const receiptKey = (id: string): string => keyOf('receipt', id)
  const outbox = keyOf('outbox')
  const notes = keyOf('notes')

  /** All keys that begin so. */
  async function* scan(begin: string): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const reply = await connection.send(['SCAN', cursor, 'MATCH', `${begin}*`, 'COUNT', String(SCAN_COUNT)])
      const [next, keys] = reply as readonly [Buffer, readonly Buffer[]]
      cursor = next.toString()
      if (keys.length > 0) yield keys.map(String)
    } while (cursor !== '0')
  }

  const createGroup = async (): Promise<void> => {
    try {
      await connection.send(['XGROUP', 'CREATE', outbox, GROUP, '0', 'MKSTREAM'])
    } catch (error) {
      if (!isRefusal(error, 'BUSYGROUP')) throw error
    }
  }
  try {
    await checkRedis(connection, name)
    await createGroup()
  } catch (error) {
    await connection.close()
    await waiting.close()
    throw error
  }

  return {
    load: async (keys) => {
      if (keys.length === 0) return []
      const reply = (await connection.send(['MGET', ...keys.map(stateKey)])) as readonly (Buffer | null)[]
      return reply.map(decode)
    },
    save: async (changes, receipts = []) => {
      const reply = await connection.run(
        SAVE,
        [...changes.map(({ key }) => stateKey(key)), ...receipts.map(({ id }) => receiptKey(id))],
        [
          String(changes.length),
          ...changes.flatMap(changeWords),
          ...receipts.map(({ bytes }) => asBuffer(bytes)),
        ],
      )
      return reply === 1
    },
    findReceipt: async (id) => {
      const reply = (await connection.send(['GET', receiptKey(id)])) as Buffer | null
      return reply === null ? undefined : new Uint8Array(reply)
    },
    // Redis expires receipts itself (PX).
    sweepReceipts: async () => undefined,
    readNote: async (note) => {
      const reply = (await connection.send(['HGET', notes, note])) as Buffer | null
      return reply?.toString()
    },
    writeNote: async (note, text) => {
      await connection.send(['HSET', notes, note, text])
    },
    async *entries(kind) {
      const seen = new Set<string>()
      for await (const found of scan(keyOf('state', kind, ''))) {
        // A key can come twice while the server grows its table.
        const keys = found.filter((key) => !seen.has(key))
        for (const key of keys) seen.add(key)
        if (keys.length === 0) continue
        const values = (await connection.send(['MGET', ...keys])) as readonly (Buffer | null)[]
        for (let i = 0; i < keys.length; i++) {
          const state = decode(values[i] ?? null)
          if (state !== undefined)
            yield { token: Number(keys[i]!.slice(keys[i]!.lastIndexOf(':') + 1)), ...state }
        }
      }
    },
    count: async () => {
      const found = new Set<string>()
      for await (const keys of scan(keyOf('state', ''))) for (const key of keys) found.add(key)
      const counts: Record<EntityKind, number> = { user: 0, merchant: 0, device: 0 }
      const begins = ENTITY_KINDS.map((kind) => [kind, keyOf('state', kind, '')] as const)
      for (const key of found) for (const [kind, begin] of begins) if (key.startsWith(begin)) counts[kind]++
      return counts
    },
    clear: async () => {
      for await (const keys of scan(keyOf(''))) await connection.send(['UNLINK', ...keys])
      await createGroup()
    },
    commit: async (changes, receipt, entry, receiptLifeMs): Promise<CommitOutcome> => {
      const reply = await connection.run(
        COMMIT,
        [receiptKey(receipt.id), keyOf('sequence'), outbox, ...changes.map(({ key }) => stateKey(key))],
        [
          asBuffer(receipt.bytes),
          String(Math.min(Math.max(1, Math.ceil(receiptLifeMs)), LONGEST_LIFE_MS)),
          asBuffer(entry),
          ...changes.flatMap(changeWords),
        ],
      )
      const [outcome, value] = reply as readonly [Buffer, Buffer | number | undefined]
      if (String(outcome) === 'committed') return { outcome: 'committed', sequence: value as number }
      if (String(outcome) === 'conflict') return { outcome: 'conflict' }
      return { outcome: 'repeated', receipt: new Uint8Array(value as Buffer) }
    },
    takeEntries: async (most, waitMs) => {
      const claim = ['XAUTOCLAIM', outbox, GROUP, consumer, `${takeOverAfterMs}`, '0-0', 'COUNT', `${most}`]
      const read = ['XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', `${most}`]
      const wait = ['BLOCK', `${Math.min(Math.max(1, Math.ceil(waitMs)), LONGEST_WAIT_MS)}`]
      try {
        const claimed = (await waiting.send(claim)) as readonly RedisReply[]
        const left = entriesOf(claimed[1] as readonly RedisReply[])
        if (left.length > 0) return left
        const reply = await waiting.send([...read, ...wait, 'STREAMS', outbox, '>'])
        return reply === null
          ? []
          : entriesOf((reply as readonly (readonly RedisReply[])[])[0]![1] as readonly RedisReply[])
      } catch (error) {
        // The store was cleared, by this process or another one. The new group begins with the first entry.
        if (!isRefusal(error, 'NOGROUP') && !isRefusal(error, 'UNBLOCKED')) throw error
        await createGroup()
        return []
      }
    },
    settle: async (sequences) => {
      if (sequences.length === 0) return
      await connection.run(SETTLE, [outbox], [GROUP, ...sequences.map((sequence) => `${sequence}-0`)])
    },
    close: async () => {
      // What this process has not settled is found under its name; without such, the name is of no use.
      await connection.run(LEAVE, [outbox], [GROUP, consumer]).catch(() => undefined)
      await waiting.close()
      await connection.close()
    },
  }
}

/** The version that a state must have, and its next value. */
const changeWords = ({ bytes, expected }: StateChange): RedisWord[] => {
  const value = Buffer.allocUnsafe(VERSION_BYTES + bytes.length)
  value.writeDoubleLE(expected + 1, 0)
  value.set(bytes, VERSION_BYTES)
  return [String(expected), value]
}

const decode = (stored: Buffer | null): StoredState | undefined =>
  stored === null
    ? undefined
    : { version: stored.readDoubleLE(0), bytes: new Uint8Array(stored.subarray(VERSION_BYTES)) }

/** Entries of a stream. One that was settled meanwhile is nothing, or has no fields any more. */
const entriesOf = (replies: readonly RedisReply[]): OutboxEntry[] =>
  (replies as readonly (readonly [Buffer, readonly [Buffer, Buffer] | null] | null)[]).flatMap((reply) => {
    const fields = reply?.[1]
    return fields
      ? [{ sequence: Number.parseInt(String(reply[0]), 10), bytes: new Uint8Array(fields[1]) }]
      : []
  })

/** Whether the server has refused a command for the reason of that name. */
const isRefusal = (error: unknown, reason: string): boolean =>
  error instanceof VigiaError && String(error.details['reason']).startsWith(reason)

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
