import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openRedisStateStore, type RedisStateStore } from '../../src/adapters/redis/redis-state-store.ts'
import { notesOfBegun } from '../../src/decisions/states/store-identity.ts'
import { describeOnRedis } from './servers-on-redis.ts'
import { smallTransaction } from './small-service.ts'
import { ask } from './steady-load.ts'
import { spawnVigiaServer, startVigiaServer, type VigiaServer } from './vigia-server.ts'

describeOnRedis('Servers that start at once on an empty Redis', (site) => {
  const shared = async () => {
    const home = site.home()
    const redis = await site.redis()
    const settings = await site.settingsOn(redis)
    const folderOf = (name: string): string => {
      mkdirSync(join(home, name), { recursive: true })
      return join(home, name)
    }
    const open = async (): Promise<RedisStateStore> => {
      const store = await openRedisStateStore({ url: redis.url, prefix: 'vigia', consumer: 'test' })
      site.atEnd(() => store.close())
      return store
    }
    return { settings, folderOf, open, start: (name: string) => startVigiaServer(folderOf(name), settings) }
  }

  test('all decide, on the states that one of them has filled it with', async () => {
    const { start } = await shared()
    const servers = await Promise.all(['a', 'b', 'c'].map(start))
    expect((await decideOn(servers, 0)).size).toBe(1)
  })

  test('one takes the place of a process that fell asleep while it filled it, and is left alone when that wakes up', async () => {
    const { start, open } = await shared()
    const asleep = await open()
    const notes = { ...notesOfBegun({ by: 'start', from: '/gone/states' }), 'loading-life': 'asleep 1' }
    const nobody = { filler: undefined, name: undefined }
    expect(await asleep.beginFilling({ token: 'asleep', notes, instead: nobody })).toBe(true)
    await asleep.clear()
    const key = { kind: 'user', token: 1 } as const
    await asleep.save([{ key, bytes: Uint8Array.of(1), expected: 0 }])
    const servers = await Promise.all(['a', 'b'].map(start))
    const names = await decideOn(servers, 0)
    expect(names.size).toBe(1)
    const history = { name: 'asleep', lastSequence: 99 }
    const late = [
      () => asleep.save([{ key, bytes: Uint8Array.of(2), expected: 0 }]),
      () => asleep.putBackLabels({ clockMs: 9e12, due: [], waiting: [] }),
      () => asleep.clear(),
      () => asleep.endFilling({ notes: {}, history, replaces: true }),
    ]
    for (const write of late) await expect(write()).rejects.toMatchObject({ code: 'SERVING_FILLER_REPLACED' })
    expect(await decideOn(servers, 2)).toEqual(names)
    const looks = await open()
    expect(await looks.load([key])).toEqual([undefined])
    const { name, loss } = await looks.readHistory()
    expect([[...names], loss]).toEqual([[name], ''])
  })

  test('a server that is killed while it fills it is followed by the next, which decides', async () => {
    const { settings, folderOf, open, start } = await shared()
    const store = await open()
    const killed = spawnVigiaServer(folderOf('a'), settings)
    // As soon as it has begun; where it was faster than that, it is killed when it has ended.
    while ((await store.readNote('loading')) === undefined) await pause(1)
    await killed.kill()
    const next = await start('a')
    const { user } = await store.count()
    expect((await decideOn([next], 0)).size).toBe(1)
    expect(user).toBeGreaterThan(200)
  })
})

/** One decision of each. @returns by which names their predictions are called */
const decideOn = async (servers: readonly VigiaServer[], first: number): Promise<ReadonlySet<string>> => {
  const names = new Set<string>()
  let last = 0
  for (const [n, server] of servers.entries()) {
    const { prediction_id, sequence } = (await ask(server, '/predict', smallTransaction(first + n))) as {
      readonly prediction_id: string
      readonly sequence: number
    }
    expect(sequence).toBeGreaterThan(last)
    last = sequence
    names.add(prediction_id.slice(0, prediction_id.lastIndexOf('-')))
  }
  return names
}
