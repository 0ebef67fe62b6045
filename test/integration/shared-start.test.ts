import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeOnRedis } from './servers-on-redis.ts'
import { smallTransaction } from './small-service.ts'
import { ask } from './steady-load.ts'
import { startVigiaServer } from './vigia-server.ts'

describeOnRedis('Servers that start at once on an empty Redis', (site) => {
  test('all decide, on the states that one of them has filled it with', async () => {
    const home = site.home()
    const settings = await site.settingsOn(await site.redis())
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
