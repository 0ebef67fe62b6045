import { afterAll, beforeAll, describe } from 'vitest'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { sharedStateStoreContract } from '../contracts/shared-state-store-contract.ts'
import { stateStoreContract } from '../contracts/state-store-contract.ts'
import { REDIS_SERVER, REDIS_SERVER_MISSING, type RedisServer, startRedisServer } from './redis-server.ts'

const title = REDIS_SERVER === undefined ? `Redis (skipped: ${REDIS_SERVER_MISSING})` : 'Redis'

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  let server: RedisServer
  let prefixes = 0
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server?.stop())

  const reopen = () =>
    openRedisStateStore({ url: server.url, prefix: `states-${prefixes}`, consumer: 'only' })
  stateStoreContract(
    'the Redis store',
    () => {
      prefixes++
      return reopen()
    },
    { reopen },
  )
  sharedStateStoreContract('the Redis store', async () => {
    const prefix = `states-${++prefixes}`
    return (process) => openRedisStateStore({ url: server.url, prefix, ...process })
  })
})
