import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedisConnection, type RedisReply } from '../../src/adapters/redis/redis-connection.ts'
import { eventually } from '../eventually.ts'
import { freePort, REDIS_SERVER, type RedisServer, startRedisServer } from './redis-server.ts'

/** One command to one server. */
export const sendTo = async (url: string, words: readonly string[]): Promise<RedisReply> => {
  const connection = await openRedisConnection(url, 'a server of the test')
  try {
    return await connection.send(words)
  } finally {
    await connection.close()
  }
}

/** A master, a replica, and three Sentinels that watch them. */
export interface SentinelGroup {
  /** For `state_store.url`. */
  readonly url: string
  readonly master: RedisServer
  readonly replica: RedisServer
  /** Resolves when the replica has all that the master has. */
  inStep(): Promise<void>
  /** From now on the replica gets nothing that the master does. */
  part(): Promise<void>
  /** Resolves when the replica has been made the master. */
  tookOver(): Promise<void>
  stop(): Promise<void>
}

/** Sentinels agree on a failure after half a second. */
export const startSentinels = async (): Promise<SentinelGroup> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-sentinels-'))
  const processes: ChildProcess[] = []
  const master = await startRedisServer()
  const replica = await startRedisServer(['--replicaof', '127.0.0.1', `${master.port}`])
  const ports = [await freePort(), await freePort(), await freePort()]
  // The program acts as a Sentinel when it is called so.
  const program = join(folder, 'redis-sentinel')
  symlinkSync(REDIS_SERVER ?? '', program)
  for (const port of ports) {
    const file = join(folder, `${port}.conf`)
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds mymaster 500',
      'sentinel failover-timeout mymaster 3000',
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    processes.push(spawn(program, [file, '--sentinel'], { stdio: 'ignore' }))
  }
  const urls = ports.map((port) => `redis://127.0.0.1:${port}`)
  for (const url of urls)
    await eventually(async () => {
      const facts = (await sendTo(url, ['SENTINEL', 'MASTER', 'mymaster'])) as readonly Buffer[]
      const factOf = (name: string) => String(facts[facts.findIndex((word) => String(word) === name) + 1])
      if (factOf('num-slaves') !== '1' || factOf('num-other-sentinels') !== '2')
        throw new Error('the Sentinels do not know each other yet')
    })
  const infoOf = async ({ url }: RedisServer): Promise<string> =>
    String(await sendTo(url, ['INFO', 'replication']))
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/mymaster`,
    master,
    replica,
    inStep: () =>
      eventually(async () => {
        const offsetOf = (info: string) => /master_repl_offset:(\d+)/.exec(info)?.[1]
        const info = await infoOf(replica)
        if (!info.includes('master_link_status:up') || offsetOf(info) !== offsetOf(await infoOf(master)))
          throw new Error('the replica is behind')
      }),
    part: async () => {
      await sendTo(master.url, ['ACL', 'SETUSER', 'default', '-psync', '-sync', '-replconf'])
      await sendTo(master.url, ['CLIENT', 'KILL', 'TYPE', 'replica'])
    },
    tookOver: () =>
      eventually(async () => {
        if (!(await infoOf(replica)).includes('role:master')) throw new Error('it is a replica still')
      }),
    stop: async () => {
      await endAll(processes)
      await master.stop()
      await replica.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Three masters, and a replica of the one that has the keys of a prefix. */
export interface ClusterGroup {
  /** For `state_store.url`. */
  readonly url: string
  /** Has the slot of the prefix. */
  readonly owner: RedisServer
  readonly replica: RedisServer
  stop(): Promise<void>
}

const SLOTS = 16_384

export const startCluster = async (prefix: string): Promise<ClusterGroup> => {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000']
  const nodes = await Promise.all(Array.from({ length: 4 }, () => startRedisServer(settings)))
  const masters = nodes.slice(0, 3)
  const replica = nodes[3]!
  const bounds = [0, 5461, 10_923, SLOTS]
  for (const [i, { url }] of masters.entries())
    await sendTo(url, ['CLUSTER', 'ADDSLOTSRANGE', `${bounds[i]}`, `${bounds[i + 1]! - 1}`])
  for (const [i, { url }] of nodes.entries()) {
    await sendTo(url, ['CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`])
    if (i > 0) await sendTo(url, ['CLUSTER', 'MEET', '127.0.0.1', `${nodes[0]!.port}`])
  }
  for (const { url } of nodes)
    await eventually(async () => {
      const info = String(await sendTo(url, ['CLUSTER', 'INFO']))
      if (!/cluster_state:ok/.test(info) || !/cluster_known_nodes:4/.test(info))
        throw new Error('the nodes do not know each other yet')
    })
  const slot = (await sendTo(replica.url, ['CLUSTER', 'KEYSLOT', `{${prefix}}`])) as number
  const owner = masters[bounds.findIndex((bound, i) => bound <= slot && slot < bounds[i + 1]!)]!
  const id = String(await sendTo(owner.url, ['CLUSTER', 'MYID']))
  await eventually(() => sendTo(replica.url, ['CLUSTER', 'REPLICATE', id]))
  await eventually(async () => {
    const info = String(await sendTo(replica.url, ['INFO', 'replication']))
    if (!info.includes('master_link_status:up')) throw new Error('the replica has no link yet')
  })
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    owner,
    replica,
    stop: async () => {
      for (const node of nodes) await node.stop()
    },
  }
}

const endAll = async (processes: readonly ChildProcess[]): Promise<void> => {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
