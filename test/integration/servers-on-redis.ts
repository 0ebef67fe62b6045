import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe } from 'vitest'
import { REDIS_SERVER, REDIS_SERVER_MISSING, type RedisServer, startRedisServer } from './redis-server.ts'
import { trainSmallModel } from './small-service.ts'
import { killVigiaServers } from './vigia-server.ts'

/** Where a test starts processes on a Redis. All of it, and every `vigia serve`, ends with the test. */
export interface RedisSite {
  /** A new folder. */
  home(): string
  /** A Redis of the test's own. */
  redis(): Promise<RedisServer>
  /** Settings of a server of the small model whose states are on that Redis. */
  settingsOn(redis: Pick<RedisServer, 'url'>): Promise<readonly string[]>
  /** Ends with the test what it has opened itself, before the Redis ends. */
  atEnd(end: () => unknown): void
}

/** Tests of processes on a Redis. They are skipped where there is none, and the title says why. */
export const describeOnRedis = (title: string, define: (site: RedisSite) => void): void => {
  const why = REDIS_SERVER === undefined ? ` (skipped: ${REDIS_SERVER_MISSING})` : ''
  describe.skipIf(REDIS_SERVER === undefined)(`${title}${why}`, () => {
    const ends: (() => unknown)[] = []
    afterEach(async () => {
      await killVigiaServers()
      for (const end of ends.splice(0).reverse()) await end()
    })
    define({
      home: () => {
        const folder = mkdtempSync(join(tmpdir(), 'vigia-on-redis-'))
        ends.push(() => rmSync(folder, { recursive: true, force: true }))
        return folder
      },
      redis: async () => {
        const redis = await startRedisServer()
        ends.push(() => redis.stop())
        return redis
      },
      atEnd: (end) => void ends.push(end),
      settingsOn: async ({ url }) => [
        `model.source=${await trainSmallModel()}`,
        'state_store.kind=redis',
        `state_store.url=${url}`,
      ],
    })
  })
}
