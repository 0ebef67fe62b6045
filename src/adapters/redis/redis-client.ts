import { isIP } from 'node:net'
import { createClient, RESP_TYPES } from '@redis/client'

/** What commands are made of. */
export type RedisWord = string | Buffer

/** A reply: bytes, numbers, lists of these, or nothing. */
export type RedisReply = Buffer | string | number | null | readonly RedisReply[]

const CONNECT_TIMEOUT_MS = 3000
/** Silence while a connection is being made. */
const HANDSHAKE_TIMEOUT_MS = 5000
const CLOSE_TIMEOUT_MS = 2000

/** One connection of the client library; when it is lost, it is lost for good. */
export type RedisClient = ReturnType<typeof clientOf>

/** Not connected yet. */
const clientOf = (url: string, onError: (client: unknown, error: unknown) => void) => {
  const made = createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      ...socketOptions(url),
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: HANDSHAKE_TIMEOUT_MS,
      // Where to connect to the next time is looked up then.
      reconnectStrategy: false,
    },
    // Silence is noticed by `openRedisConnection`, for less than a timer for each command.
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 },
  })
  made.on('error', (error) => onError(made, error))
  return made
}

/**
 * @param onError also called when the connection is lost
 * @throws what the client throws, also for an address that cannot be used
 */
export const connectClient = async (
  url: string,
  onError: (client: unknown, error: unknown) => void = () => undefined,
): Promise<RedisClient> => {
  const client = clientOf(url, onError)
  try {
    await client.connect()
    return client
  } catch (error) {
    client.destroy()
    throw error
  }
}

/** @throws what the client throws */
export const sendWords = async (client: RedisClient, words: readonly RedisWord[]): Promise<RedisReply> =>
  (await client.sendCommand([...words])) as unknown as RedisReply

/** Lets what was sent be answered, for two seconds at most. */
export const closeInTime = async (client: RedisClient): Promise<void> => {
  if (!client.isReady) return client.destroy()
  const late = setTimeout(() => client.destroy(), CLOSE_TIMEOUT_MS)
  await client.close().catch(() => undefined)
  clearTimeout(late)
}

/** With TLS, a server of many names is told which one is meant. */
const socketOptions = (
  url: string,
): { readonly tls: true; readonly servername: string } | Record<never, never> => {
  const address = URL.canParse(url) ? new URL(url) : undefined
  const isNamed = address !== undefined && isIP(address.hostname.replace(/^\[|\]$/g, '')) === 0
  return address?.protocol === 'rediss:' && isNamed ? { tls: true, servername: address.hostname } : {}
}

/** What went wrong. A refused command is named without its words, which are data of users. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // Several addresses of one name were tried.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return error.message.split(', with args beginning')[0]!
}
