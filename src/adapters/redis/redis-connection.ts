import { isIP } from 'node:net'
import { createClient, RESP_TYPES } from '@redis/client'
import { VigiaError } from '../../errors.ts'
import type { Script } from './redis-scripts.ts'

/** What commands are made of. */
export type RedisWord = string | Buffer

/** A reply: bytes, numbers, lists of these, or nothing. */
export type RedisReply = Buffer | string | number | null | readonly RedisReply[]

/** One connection. A command fails at once while there is none; it comes back by itself. */
export interface RedisConnection {
  /**
   * Commands that are sent without waiting for each other travel together.
   *
   * @throws SERVING_STORE_FAILED when there is no connection, when it is lost before the reply (then the
   * command may have been done or not), or when the server refuses the command
   */
  send(words: readonly RedisWord[]): Promise<RedisReply>
  run(script: Script, keys: readonly string[], values: readonly RedisWord[]): Promise<RedisReply>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 3000
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
/** Silence while a connection is being made. */
const HANDSHAKE_TIMEOUT_MS = 5000
const CLOSE_TIMEOUT_MS = 2000

/**
 * @param name of the server without credentials, for errors
 * @throws SERVING_STORE_FAILED when the address cannot be used or nobody answers there
 */
export const openRedisConnection = async (url: string, name: string): Promise<RedisConnection> => {
  // Without its cause: errors about an address carry it with its password.
  const failed = (error: unknown): VigiaError =>
    new VigiaError('SERVING_STORE_FAILED', { store: name, reason: reasonOf(error).replaceAll(url, name) })
  let isOpening = true
  let lastError: unknown
  const onError = (error: unknown): void => {
    lastError = error
  }
  const makeClient = (): Client => clientOf(url, () => isOpening, onError)
  let client = await connectFirst(makeClient)
    .catch((error: unknown) => {
      throw failed(error)
    })
    .finally(() => {
      isOpening = false
    })

  let owed = 0
  let silentLooks = 0
  /** @throws what the client throws */
  const exchange = async (words: readonly RedisWord[]): Promise<RedisReply> => {
    const sender = client
    if (owed++ === 0) silentLooks = 0
    try {
      return (await sender.sendCommand([...words])) as unknown as RedisReply
    } catch (error) {
      // Why there is no connection says more than that there is none.
      throw sender.isReady ? error : (lastError ?? error)
    } finally {
      owed--
      silentLooks = 0
    }
  }
  const look = setInterval(() => {
    if (!client.isReady) return
    // Also keeps alive what a router between us would forget.
    if (owed === 0) return void exchange(['PING']).catch(() => undefined)
    if (++silentLooks < SILENT_LOOKS) return
    lastError = new Error(`no answer for ${SILENT_LOOKS} seconds`)
    client.destroy()
    client = makeClient()
    client.connect().catch(() => undefined)
  }, LOOK_MS)
  look.unref()

  const send = (words: readonly RedisWord[]): Promise<RedisReply> =>
    exchange(words).catch((error: unknown) => {
      throw failed(error)
    })
  return {
    send,
    run: async (script, keys, values) => {
      const words = [String(keys.length), ...keys, ...values]
      try {
        return await exchange(['EVALSHA', script.sha1, ...words])
      } catch (error) {
        // A server that was started again, or one that nobody has told the script.
        if (reasonOf(error).startsWith('NOSCRIPT')) return send(['EVAL', script.text, ...words])
        throw failed(error)
      }
    },
    close: async () => {
      clearInterval(look)
      await closeInTime(client)
    },
  }
}

type Client = ReturnType<typeof clientOf>

/** Not connected yet. While `isOpening`, a connection that fails is not tried again. */
const clientOf = (url: string, isOpening: () => boolean, onError: (error: unknown) => void) => {
  const made = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      ...socketOptions(url),
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: HANDSHAKE_TIMEOUT_MS,
      // The first connection either is there or the server does not start.
      reconnectStrategy: (tries: number) =>
        isOpening() ? false : Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS),
    },
    // Silence is noticed below, for less than a timer for each command.
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 },
  })
  made.on('error', onError)
  return made
}

/** @throws what the client throws, also for an address that cannot be used */
const connectFirst = async (makeClient: () => Client): Promise<Client> => {
  const client = makeClient()
  try {
    await client.connect()
    return client
  } catch (error) {
    client.destroy()
    throw error
  }
}

const closeInTime = async (client: Client): Promise<void> => {
  if (!client.isReady) return client.destroy()
  const late = setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS)
  await client.close().catch(() => undefined)
  clearTimeout(late)
}

/** The server of an address, without user and password. */
export const serverName = (url: string): string => {
  const address = parse(url)
  return address === undefined ? 'redis' : `redis at ${address.host}`
}

const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

/** With TLS, a server of many names is told which one is meant. */
const socketOptions = (
  url: string,
): { readonly tls: true; readonly servername: string } | Record<never, never> => {
  const address = parse(url)
  const isNamed = address !== undefined && isIP(address.hostname.replace(/^\[|\]$/g, '')) === 0
  return address?.protocol === 'rediss:' && isNamed ? { tls: true, servername: address.hostname } : {}
}

/** What went wrong. A refused command is named without its words, which are data of users. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // Several addresses of one name were tried.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return error.message.split(', with args beginning')[0]!
}
