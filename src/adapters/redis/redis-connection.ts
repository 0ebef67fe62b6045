import { setTimeout as pause } from 'node:timers/promises'
import { VigiaError } from '../../errors.ts'
import { powerOfTwo } from '../../foundation/elementary/whole-powers.ts'
import { type RedisAddress, redisAddress, serverName } from './redis-address.ts'
import {
  closeInTime,
  connectClient,
  type RedisClient,
  type RedisReply,
  type RedisWord,
  reasonOf,
  sendWords,
} from './redis-client.ts'
import type { Script } from './redis-scripts.ts'

export type { RedisReply, RedisWord } from './redis-client.ts'

/** One connection. A command fails at once while there is none; it comes back by itself. */
export interface RedisConnection {
  /** The server without credentials, for people. */
  readonly name: string
  /**
   * Commands that are sent without waiting for each other travel together.
   *
   * @throws SERVING_STORE_FAILED when there is no connection, when it is lost before the reply (then the
   * command may have been done or not), or when the server refuses the command
   */
  send(words: readonly RedisWord[]): Promise<RedisReply>
  run(script: Script, keys: readonly string[], values: readonly RedisWord[]): Promise<RedisReply>
  /**
   * Milliseconds since this connection came to a server that was started, or took over, after the one
   * before; infinite for the first one.
   */
  sinceChangeMs(): number
  close(): Promise<void>
}

const LONGEST_PAUSE_MS = 1000
/**
 * The connection is looked at this often: is a reply owed, and has anything been heard since the last look?
 */
const LOOK_MS = 1000
/**
 * After so many looks in silence the connection counts as dead. Looks, not a clock: a process that was busy
 * itself has heard nothing.
 */
const SILENT_LOOKS = 3
/** How long a command may wait at the server, so that waiting is no silence. */
export const LONGEST_WAIT_MS = 1500
/** What a server says that takes no writes any more: another one does. */
const IS_ELSEWHERE = /^(READONLY|MOVED|ASK|CLUSTERDOWN|MASTERDOWN)/

/**
 * @param url as `redisAddress` reads it
 * @param key of which a Cluster has one slot; without it only one server, or that of Sentinels, can be used
 * @throws SERVING_STORE_FAILED when the address cannot be used or nobody answers there
 */
export const openRedisConnection = async (
  url: string,
  storeName?: string,
  key = '',
): Promise<RedisConnection> => {
  let name = storeName ?? serverName(url)
  // Without its cause: errors about an address carry it with its password.
  const failed = (error: unknown): VigiaError =>
    new VigiaError('SERVING_STORE_FAILED', { store: name, reason: reasonOf(error).replaceAll(url, name) })
  const address = addressOf(url, key)
  const open = async (): Promise<RedisLine> => {
    name = storeName ?? address.name
    const line = new RedisLine(() => address.locate())
    await line.open()
    return line
  }
  const line = await open().catch((error: unknown) => {
    throw failed(error)
  })
  const send = (words: readonly RedisWord[]): Promise<RedisReply> =>
    line.exchange(words).catch((error: unknown) => {
      throw failed(error)
    })
  return {
    name,
    send,
    run: async (script, keys, values) => {
      const words = [String(keys.length), ...keys, ...values]
      try {
        return await line.exchange(['EVALSHA', script.sha1, ...words])
      } catch (error) {
        // A server that was started again, or one that nobody has told the script.
        if (reasonOf(error).startsWith('NOSCRIPT')) return send(['EVAL', script.text, ...words])
        throw failed(error)
      }
    },
    sinceChangeMs: () => line.sinceChangeMs(),
    close: () => line.close(),
  }
}

/** @throws SERVING_STORE_ADDRESS, without its cause, which may carry a password */
const addressOf = (url: string, key: string): RedisAddress => {
  try {
    return redisAddress(url, key)
  } catch (error) {
    throw new VigiaError('SERVING_STORE_ADDRESS', { reason: reasonOf(error) })
  }
}

/**
 * A connection that is made again when it is lost, to whichever server takes writes then.
 *
 * It owns the client of the moment, the reason why there is none, and the watch over silence. Where the
 * server is, it asks.
 */
class RedisLine {
  private readonly locate: () => Promise<string>
  private client: RedisClient | undefined
  private lastError: unknown
  private isConnecting = false
  private isClosed = false
  private owed = 0
  private silentLooks = 0
  private runId = ''
  private changedAtMs = Number.NEGATIVE_INFINITY
  private readonly looks: NodeJS.Timeout

  constructor(locate: () => Promise<string>) {
    this.locate = locate
    this.looks = setInterval(() => this.look(), LOOK_MS)
    this.looks.unref()
  }

  /** The first connection: it is there, or the server does not start. @throws what the client throws */
  async open(): Promise<void> {
    try {
      await this.connect()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  sinceChangeMs(): number {
    return performance.now() - this.changedAtMs
  }

  /** @throws what the client throws */
  async exchange(words: readonly RedisWord[]): Promise<RedisReply> {
    const { client } = this
    if (client === undefined) throw this.lastError
    if (this.owed++ === 0) this.silentLooks = 0
    try {
      return await sendWords(client, words)
    } catch (error) {
      if (IS_ELSEWHERE.test(reasonOf(error))) this.lose(client, error)
      // Why there is no connection says more than that there is none.
      throw client.isReady ? error : (this.lastError ?? error)
    } finally {
      this.owed--
      this.silentLooks = 0
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    clearInterval(this.looks)
    if (this.client !== undefined) await closeInTime(this.client)
  }

  private async connect(): Promise<void> {
    const url = await this.locate()
    const client = await connectClient(url, (lost, error) => this.lose(lost, error))
    const runId = await runIdOf(client)
    const isSame = runId !== '' && runId === this.runId
    if (this.lastError !== undefined && !isSame) this.changedAtMs = performance.now()
    this.runId = runId
    if (this.isClosed) return closeInTime(client)
    if (!client.isReady) throw this.lastError ?? new Error('the connection was lost at once')
    this.client = client
  }

  /** The client of the moment is of no use any more. */
  private lose(lost: unknown, error: unknown): void {
    if (lost !== this.client || this.client === undefined) return
    this.lastError = error
    this.client.destroy()
    this.client = undefined
    void this.reconnect()
  }

  private async reconnect(): Promise<void> {
    if (this.isConnecting) return
    this.isConnecting = true
    for (let tries = 0; this.client === undefined && !this.isClosed; tries++) {
      await pause(Math.min(50 * powerOfTwo(tries), LONGEST_PAUSE_MS), undefined, { ref: false })
      if (!this.isClosed)
        await this.connect().catch((error: unknown) => {
          this.lastError = error
        })
    }
    this.isConnecting = false
  }

  private look(): void {
    const { client } = this
    if (client === undefined) return
    // Also keeps alive what a router between us would forget.
    if (this.owed === 0) return void this.exchange(['PING']).catch(() => undefined)
    if (++this.silentLooks >= SILENT_LOOKS)
      this.lose(client, new Error(`no answer for ${SILENT_LOOKS} seconds`))
  }
}

/** Names the process of a server; empty where this user may not ask. */
const runIdOf = async (client: RedisClient): Promise<string> => {
  const info = await sendWords(client, ['INFO', 'server']).catch(() => '')
  return /run_id:(\w+)/.exec(String(info))?.[1] ?? ''
}
