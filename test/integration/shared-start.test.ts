import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { REDIS_SERVER, REDIS_SERVER_MISSING, startRedisServer } from './redis-server.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { ask } from './steady-load.ts'
import { killVigiaServers, startVigiaServer } from './vigia-server.ts'

const title =
  REDIS_SERVER === undefined
    ? `Servers that start at once on an empty Redis (skipped: ${REDIS_SERVER_MISSING})`
    : 'Servers that start at once on an empty Redis'

describe.skipIf(REDIS_SERVER === undefined)(title, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    await killVigiaServers()
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('all decide, on the states that one of them has filled it with', async () => {
    const home = mkdtempSync(join(tmpdir(), 'vigia-shared-start-'))
    ends.push(() => rmSync(home, { recursive: true, force: true }))
    const redis = await startRedisServer()
    ends.push(() => redis.stop())
    const settings = [
      `model.source=${await trainSmallModel()}`,
      'state_store.kind=redis',
      `state_store.url=${redis.url}`,
    ]
    const starting = ['a', 'b', 'c'].map((name) => {
      mkdirSync(join(home, name))
      return startVigiaServer(join(home, name), settings)
    })
    const servers = await Promise.all(starting)
    const names = new Set<string>()
    let last = 0
    for (const [n, server] of servers.entries()) {
      const { prediction_id, sequence } = (await ask(server, '/predict', smallTransaction(n))) as {
        readonly prediction_id: string
        readonly sequence: number
      }
      expect(sequence).toBeGreaterThan(last)
      last = sequence
      names.add(prediction_id.slice(0, prediction_id.lastIndexOf('-')))
    }
    expect(names.size).toBe(1)
  })
})
