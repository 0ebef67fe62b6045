import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Finished } from '../end-to-end/vigia-in-process.ts'

/** The program as it is installed. */
const VIGIA = resolve('bin/vigia.mjs')

/** Settings of a test's server: a free port, few messages, and what a test's own folder says. */
const COMMON = ['api.port=0', 'log.level=warn']

/** A `vigia serve` of its own process, with its states and its log in the folder where it was started. */
export interface VigiaServer {
  readonly port: number
  readonly processId: number
  /** Milliseconds from the start of the process until it listened. */
  readonly startedInMs: number
  /** Sends SIGHUP. */
  hangUp(): void
  /** Everything that it has written so far. */
  output(): string
  isAlive(): boolean
  /** Ends it in the middle of whatever it does, as `kill -9` and the kernel's out-of-memory killer do. */
  kill(): Promise<void>
  /** Asks it to finish what it has accepted and to end. @returns its exit code */
  stop(): Promise<number | null>
  /** Stops it where it stands, as a paused container or a machine that swaps does; `thaw` lets it go on. */
  freeze(): void
  thaw(): void
  /** Resolves with its exit code when it has ended by itself. */
  readonly ended: Promise<number | null>
}

/** How a server is started otherwise than by `node`. */
export interface ServerPlace {
  /** Words before the command: of what gives it a host name or a process space of its own. */
  readonly within?: readonly string[]
  /** What runs it; left out: the Node.js of the test. */
  readonly runtime?: string | undefined
  /** File of its configuration; without one it logs warnings only. */
  readonly config?: string | undefined
}

/** A server that is starting. */
export interface StartingServer {
  /** Resolves when it listens; rejects when it ends before. */
  readonly listening: Promise<VigiaServer>
  kill(): Promise<void>
}

/**
 * Starts `vigia serve` in `folder`.
 *
 * @param settings assignments of its configuration: `state_store.kind=redis`
 */
export const spawnVigiaServer = (
  folder: string,
  settings: readonly string[],
  { config, runtime = process.execPath, within = [] }: ServerPlace = {},
): StartingServer => {
  const startedMs = performance.now()
  const words = [
    'serve',
    ...(config === undefined ? [] : ['--config', config]),
    ...[...(config === undefined ? COMMON : ['api.port=0']), ...settings].flatMap((setting) => [
      '--set',
      setting,
    ]),
  ]
  const [program = '', ...rest] = [...within, runtime, VIGIA, ...words]
  const server = spawn(program, rest, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.add(server)
  let output = ''
  const ended = once(server, 'exit').then(([code]) => code as number | null)
  const kill = () => end(server, 'SIGKILL')
  const listening = new Promise<VigiaServer>((resolve, reject) => {
    const read = (text: Buffer): void => {
      output += text.toString()
      const [, port] = /^listening +https?:\/\/[^:]+:(\d+)/m.exec(output) ?? []
      if (port === undefined) return
      resolve({
        port: Number(port),
        processId: server.pid!,
        startedInMs: performance.now() - startedMs,
        output: () => output,
        hangUp: () => void server.kill('SIGHUP'),
        isAlive: () => isAlive(server),
        kill,
        stop: async () => {
          await end(server, 'SIGTERM')
          return server.exitCode
        },
        freeze: () => server.kill('SIGSTOP'),
        thaw: () => server.kill('SIGCONT'),
        ended,
      })
    }
    server.stdout.on('data', read)
    server.stderr.on('data', read)
    server.once('exit', (code) => {
      if (code !== null && code !== 0)
        process.stderr.write(`vigia serve ended with ${code}:\n${output.slice(-2000)}\n`)
    })
    server.once('exit', () => reject(new Error(`vigia serve ended before it listened:\n${output}`)))
  })
  listening.catch(() => undefined)
  return { listening, kill }
}

/** Starts `vigia serve` in `folder` and waits until it listens. */
export const startVigiaServer = (
  folder: string,
  settings: readonly string[],
  place?: ServerPlace,
): Promise<VigiaServer> => spawnVigiaServer(folder, settings, place).listening

const started = new Set<ChildProcess>()

/** Ends every server that a test has left behind, as one that fails does. */
export const killVigiaServers = async (): Promise<void> => {
  for (const server of started) await end(server, 'SIGKILL')
}

const isAlive = (server: ChildProcess): boolean => server.exitCode === null && server.signalCode === null

const end = async (server: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (!isAlive(server)) return
  const ended = once(server, 'exit')
  server.kill(signal)
  await ended
}

/** Runs another command of the program to its end. */
export const runVigia = (
  folder: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> =>
  new Promise((done) => {
    execFile(
      process.execPath,
      [VIGIA, ...words],
      { cwd: folder, maxBuffer: 1 << 26, env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        done({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
      },
    )
  })
