import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Program of a Redis or Valkey; `npm run test:integration` looks for one. */
export const REDIS_SERVER = process.env['REDIS_SERVER']

/** Why there is none. */
export const REDIS_SERVER_MISSING =
  process.env['REDIS_SERVER_MISSING'] ?? 'no server was looked for (npm run test:integration does)'

export interface RedisServer {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Holds the server's data; removed by `stop`. */
  readonly folder: string
  /** Ends it as a failing machine would: without a word, with what its file had. */
  kill(): Promise<void>
  /** Starts it again on its folder and port. */
  start(): Promise<void>
  /** Leaves it connected and silent, until `thaw`. */
  freeze(): void
  thaw(): void
  /** Ends it for good. Without effect the second time. */
  stop(): Promise<void>
}

/**
 * Starts a server of its own on a free port of 127.0.0.1, which writes every command to its file before it
 * answers, and waits until it takes connections.
 *
 * @param settings words of its command line: `--requirepass`, `secret`
 */
export const startRedisServer = async (settings: readonly string[] = []): Promise<RedisServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-redis-'))
  const port = await freePort()
  const log = join(folder, 'server.log')
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const output = openSync(log, 'a')
    server = spawn(
      REDIS_SERVER ?? '',
      [
        ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--daemonize', 'no', ...settings],
      ],
      { cwd: folder, stdio: ['ignore', output, output] },
    )
    if (!(await takesConnections(port, server))) {
      const text = readFileSync(log, 'utf8')
      await kill()
      throw new Error(`${REDIS_SERVER} does not take connections:\n${text}`)
    }
  }
  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    kill,
    start,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    stop: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const takesConnections = async (port: number, server: ChildProcess): Promise<boolean> => {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs && server.exitCode === null; await wait(20)) {
    const socket = connect(port, '127.0.0.1')
    const isConnected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isConnected) return true
  }
  return false
}

/** A port that nobody listens on. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
