import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { post } from '../integration/load-site.ts'
import { smallTransaction, trainSmallModel } from '../integration/small-service.ts'
import {
  killVigiaServers,
  type ServerPlace,
  startVigiaServer,
  type VigiaServer,
} from '../integration/vigia-server.ts'
import { installed, node } from './runtime.ts'

/**
 * Private memory of a server (RssAnon: pages of files that LMDB maps are the system's to take back) in what
 * drives it up: entities that nobody has seen, faster than they can be saved; a replay of them after
 * `kill -9`; segments of the log on their way to Parquet; look-ups of what is there.
 */
const BESIDE_CACHE_MIB = 256
/** The same where a server can start again with what bounds it (`src/composition/bounded-start.ts`). */
const BESIDE_CACHE_OF_BOUNDED_MIB = 200
const CACHE_MIB = 64
/** New users, merchants and devices of one server: their states are more than three times the cache. */
const DECISIONS = 40_000
const BATCH = 500

let folder = ''
let run = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-memory-'))
  run = await trainSmallModel()
})
afterAll(async () => {
  await killVigiaServers()
  rmSync(folder, { recursive: true, force: true })
})

const isLinux = process.platform === 'linux'

describe.skipIf(!isLinux)('the memory of a server, read from /proc, which Linux alone has', () => {
  test(`is at most cache_size + ${BESIDE_CACHE_MIB} MiB, whatever it does`, async () => {
    const most = await liveThroughAll('plain', [`state_store.cache_size=${CACHE_MIB}`])
    expect(most).toBeLessThan(CACHE_MIB + BESIDE_CACHE_MIB)
  })

  test.for([node('24.22.3')])(
    `is at most cache_size + ${BESIDE_CACHE_OF_BOUNDED_MIB} MiB under $name`,
    async (of, { skip }) => {
      const runtime = await installed(of, folder, skip)
      const most = await liveThroughAll(of.version, [`state_store.cache_size=${CACHE_MIB}`], { runtime })
      expect(most).toBeLessThan(CACHE_MIB + BESIDE_CACHE_OF_BOUNDED_MIB)
    },
  )

  test('holds the first bound where JavaScript has 128 MiB (--max-old-space-size)', async () => {
    const within = ['env', 'NODE_OPTIONS=--max-old-space-size=128']
    const most = await liveThroughAll('small-heap', [`state_store.cache_size=${CACHE_MIB}`], { within })
    expect(most).toBeLessThan(CACHE_MIB + BESIDE_CACHE_MIB)
  })

  test('fits a container of 512 MiB by itself, and is not killed', async (context) => {
    const group = openGroup(512)
    if (typeof group === 'string') return context.skip(`no container of 512 MiB could be made: ${group}`)
    try {
      const most = await liveThroughAll('container', [], group)
      // By default half of what a server leaves: (512 - 256) / 2.
      expect(most).toBeLessThan(128 + BESIDE_CACHE_MIB)
    } finally {
      await killVigiaServers()
      await eventually(() => rmdirSync(group.path))
    }
  })
})

/** @returns the most private memory that any of its processes had, in MiB */
const liveThroughAll = async (
  name: string,
  settings: readonly string[],
  place: ServerPlace = {},
): Promise<number> => {
  const home = join(folder, name)
  mkdirSync(home)
  const all = [
    `model.source=${run}`,
    'limits.requests_per_minute=0',
    'prediction_log.segment_size=16',
    ...settings,
  ]
  const start = () => startVigiaServer(home, all, place)
  let most = 0
  const watching = async (server: VigiaServer, work: (server: VigiaServer) => Promise<void>) => {
    const look = () => {
      if (server.isAlive()) most = Math.max(most, privateMemory(server.processId))
    }
    const timer = setInterval(look, 20)
    try {
      await work(server)
      look()
    } finally {
      clearInterval(timer)
    }
  }
  await watching(await start(), async (server) => {
    await sendNew(server)
    expect(server.isAlive()).toBe(true)
    await server.kill()
  })
  // What it was in the middle of is replayed before it listens, so the replay is seen by its peak alone.
  const next = await start()
  most = Math.max(most, privateMemory(next.processId))
  await watching(next, async (server) => {
    await post(server, '/save-logs')
    await lookUp(server)
    expect(await server.stop()).toBe(0)
  })
  process.stdout.write(`${name}: ${Math.round(most)} MiB of private memory at most\n`)
  return most
}

/** Batches of transactions, each of its own user, merchant and device; those that are refused again. */
const sendNew = async (server: VigiaServer): Promise<void> => {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < DECISIONS) {
      const from = next
      next += BATCH
      const transactions = Array.from({ length: BATCH }, (_, at) => newTransaction(from + at))
      const body = JSON.stringify({ transactions })
      await eventually(async () => expect(await sendOnce(server, body)).toBe(0))
    }
  }
  await Promise.all(Array.from({ length: 4 }, client))
}

const newTransaction = (n: number) => ({
  ...smallTransaction(n % 1000),
  transaction_id: `new-${n}`,
  user_id: `NU${n}`,
  merchant_id: `NM${n}`,
  device_id: `ND${n}`,
})

/** @returns how many of the batch were not decided on */
const sendOnce = async ({ port }: VigiaServer, body: string): Promise<number> => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`http://127.0.0.1:${port}/predict/batch`, { method: 'POST', headers, body })
  const text = await response.text()
  if (response.status === 503) return BATCH
  expect(response.status, text.slice(0, 300)).toBe(200)
  return text.split('"error"').length - 1
}

const lookUp = async ({ port }: VigiaServer): Promise<void> => {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < 200) {
      const id = `new-${next++ * (DECISIONS / 200)}`
      // A server that has too much to do refuses for a moment.
      await eventually(async () => {
        const response = await fetch(`http://127.0.0.1:${port}/predictions/${id}`)
        await response.text()
        expect([id, response.status]).toEqual([id, 200])
      })
    }
  }
  await Promise.all(Array.from({ length: 8 }, client))
}

/** In MiB. */
const privateMemory = (pid: number): number => {
  const [, kilobytes = '0'] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** A control group of our own below the one that we are in, or why there is none. */
const openGroup = (
  mebibytes: number,
): { readonly path: string; readonly within: readonly string[] } | string => {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n')
  const own = (of: string) => lines.find((line) => line.includes(of))?.split(':')[2]
  const first = own(':memory:')
  const [root, limit] =
    first === undefined
      ? [`/sys/fs/cgroup${own('0::') ?? ''}`, 'memory.max']
      : [`/sys/fs/cgroup/memory${first}`, 'memory.limit_in_bytes']
  const path = join(root, `vigia-memory-${process.pid}`)
  try {
    mkdirSync(path)
    writeFileSync(join(path, limit), String(mebibytes * 2 ** 20))
    return { path, within: ['sh', '-c', `echo $$ > ${path}/cgroup.procs && exec "$@"`, 'sh'] }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
