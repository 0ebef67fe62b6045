import { VigiaError } from '../../errors.ts'
import type { StorePersistence } from '../../ports/state-store.ts'
import type { RedisConnection, RedisReply } from './redis-connection.ts'
import { isRefusal } from './redis-link.ts'

/** XAUTOCLAIM, by which entries of a process that is gone are taken over. */
const OLDEST = [6, 2] as const

/**
 * Refuses a server that cannot keep states: one that is too old, and one that may remove keys when its memory
 * is full. A removed state would be an unknown user, and a removed receipt a second decision on one
 * transaction.
 *
 * @returns what it keeps over a start of its own
 * @throws SERVING_STORE_FAILED
 */
export const checkRedis = async (connection: RedisConnection, name: string): Promise<StorePersistence> => {
  const facts = factsOf(await infoOf(connection))
  const refuse = (reason: string): never => {
    throw new VigiaError('SERVING_STORE_FAILED', { store: name, reason })
  }
  const version = facts.get('redis_version')
  if (version !== undefined && isOlder(version))
    refuse(`it is version ${version}, and ${OLDEST.join('.')} is the oldest that can be used`)
  const policy = facts.get('maxmemory_policy') ?? 'noeviction'
  if (policy !== 'noeviction' && Number(facts.get('maxmemory')) > 0)
    refuse(
      `it removes keys when its memory is full; its maxmemory-policy is ${policy}, and must be noeviction`,
    )
  return persistenceOf(connection, facts.get('aof_enabled'))
}

const persistenceOf = async (
  connection: RedisConnection,
  isAppending: string | undefined,
): Promise<StorePersistence> => {
  if (isAppending === undefined)
    return {
      kind: 'unknown',
      says: 'this user may not ask it (INFO) whether it keeps its data over a restart',
    }
  if (isAppending === '1') return { kind: 'log', says: 'it has an append-only file' }
  const off = 'its append-only file is off (appendonly no)'
  const reply = await mayAsk(connection, ['CONFIG', 'GET', 'save'])
  // Managed services allow no CONFIG, or answer with nothing.
  const save = (reply as readonly (Buffer | undefined)[] | undefined)?.[1]
  if (save === undefined)
    return {
      kind: 'snapshots',
      says: `${off}, and it does not say whether it writes snapshots (CONFIG GET save)`,
    }
  return save.length === 0
    ? { kind: 'none', says: `${off}, and it writes no snapshots (save "")` }
    : { kind: 'snapshots', says: `${off}, and it writes snapshots only (save "${save}")` }
}

/** Empty where this user may not ask. */
const infoOf = async (connection: RedisConnection): Promise<string> =>
  String((await mayAsk(connection, ['INFO'])) ?? '')

/** Undefined where this user may not ask, or the server knows no such question. */
const mayAsk = async (
  connection: RedisConnection,
  words: readonly string[],
): Promise<RedisReply | undefined> => {
  try {
    return await connection.send(words)
  } catch (error) {
    if (isRefusal(error, 'NOPERM') || isRefusal(error, 'ERR')) return undefined
    throw error
  }
}

/** Lines of `name:value`. */
const factsOf = (info: string): ReadonlyMap<string, string> =>
  new Map(
    info
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )

const isOlder = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}
