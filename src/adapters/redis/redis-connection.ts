import { createClient, RESP_TYPES } from '@redis/client'
import { VigiaError } from '../../errors.ts'
import type { Script } from './redis-scripts.ts'

/** What commands are made of. */
export type RedisWord = string | Buffer

/** A reply: bytes, numbers, lists of these, or nothing. */
export type RedisReply = Buffer | number | null | readonly RedisReply[]

/** One connection. A command fails at once while there is none; it comes back by itself. */
export interface RedisConnection {
  /** @throws SERVING_STORE_FAILED */
  send(words: readonly RedisWord[]): Promise<RedisReply>
  run(script: Script, keys: readonly string[], values: readonly RedisWord[]): Promise<RedisReply>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 3000
/** Nothing heard for so long although it was asked: the connection is dead. */
const SILENCE_MS = 5000
const PING_MS = 1500
const LONGEST_PAUSE_MS = 1000

/** @param name of the server without credentials, for errors */
export const openRedisConnection = async (url: string, name: string): Promise<RedisConnection> => {
  const failed = (error: unknown): VigiaError =>
    new VigiaError(
      'SERVING_STORE_FAILED',
      // Texts of the client can hold the address with its password.
      { store: name, reason: (error instanceof Error ? error.message : String(error)).replaceAll(url, name) },
      { cause: error },
    )
  let client: ReturnType<typeof makeClient>
  try {
    client = makeClient(url)
  } catch (error) {
    throw failed(error)
  }
  let lastError: unknown
  client.on('error', (error: unknown) => {
    lastError = error
  })
  let isOpening = true
  try {
    await client.connect()
  } catch (error) {
    client.destroy()
    throw failed(error)
  } finally {
    isOpening = false
  }
  const send = async (words: readonly RedisWord[]): Promise<RedisReply> => {
    try {
      return (await client.sendCommand([...words])) as unknown as RedisReply
    } catch (error) {
      throw failed(client.isReady ? error : (lastError ?? error))
    }
  }
  return {
    send,
    run: async (script, keys, values) => {
      const words = [String(keys.length), ...keys, ...values]
      try {
        return (await client.sendCommand(['EVALSHA', script.sha1, ...words])) as unknown as RedisReply
      } catch (error) {
        // A server that was started again, or one that nobody has told the script.
        if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
          return send(['EVAL', script.text, ...words])
        throw failed(client.isReady ? error : (lastError ?? error))
      }
    },
    close: async () => {
      if (client.isReady) await client.close().catch(() => undefined)
      else client.destroy()
    },
  }

  function makeClient(address: string) {
    return createClient({
      url: address,
      RESP: 2,
      disableOfflineQueue: true,
      pingInterval: PING_MS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_MS,
        // The first connection either is there or the server does not start.
        reconnectStrategy: (tries: number) =>
          isOpening ? false : Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS),
      },
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    })
  }
}
