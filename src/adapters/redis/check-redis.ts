import { VigiaError } from '../../errors.ts'
import type { RedisConnection } from './redis-connection.ts'

/** XAUTOCLAIM, by which entries of a process that is gone are taken over. */
const OLDEST = [6, 2] as const

/**
 * Refuses a server that cannot keep states: one that is too old, and one that may remove keys when its memory
 * is full. A removed state would be an unknown user, and a removed receipt a second decision on one
 * transaction.
 *
 * @throws SERVING_STORE_FAILED
 */
export const checkRedis = async (connection: RedisConnection, name: string): Promise<void> => {
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
}

/** Empty where this user may not ask. */
const infoOf = async (connection: RedisConnection): Promise<string> => {
  try {
    return String(await connection.send(['INFO']))
  } catch (error) {
    if (error instanceof VigiaError && error.message.includes('NOPERM')) return ''
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
