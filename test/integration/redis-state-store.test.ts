import { afterAll, beforeAll, describe } from 'vitest'
import { openRedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { sharedStateStoreLaws } from '../../src/testing/shared-state-store-laws.ts'
import { stateStoreLaws } from '../../src/testing/state-store-laws.ts'
import { holdToLaws } from '../hold-to-laws.ts'
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
  holdToLaws('the Redis store keeps the laws of a state store', stateStoreLaws, {
    open: () => {
      prefixes++
      return reopen()
    },
    reopen,
  })
  holdToLaws('the Redis store keeps the laws of a shared state store', sharedStateStoreLaws, {
    create: async () => {
      const prefix = `states-${++prefixes}`
      return (process) => openRedisStateStore({ url: server.url, prefix, ...process })
    },
  })
})
