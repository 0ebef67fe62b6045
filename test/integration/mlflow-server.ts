import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Python of an environment with MLflow; `npm run test:integration` prepares one. */
export const MLFLOW_PYTHON = process.env['MLFLOW_PYTHON']

/**
 * The administrator of a server with `basicAuth`, in MLflow's environment names. MLflow refuses the password
 * of its own examples.
 */
export const MLFLOW_LOGIN = {
  MLFLOW_TRACKING_USERNAME: 'admin',
  MLFLOW_TRACKING_PASSWORD: 'only-for-tests',
} as const

export interface MlflowServer {
  /** `http://127.0.0.1:<port>` */
  readonly uri: string
  /** Holds the database `mlflow.db` and the folder `artifacts`; removed by `stop`. */
  readonly folder: string
  /** Ends the server with all its processes. Without effect the second time. */
  stop(): Promise<void>
}

export interface MlflowServerOptions {
  /** `proxy`: artifacts go through the server. `local`: clients write them to the server's folder. */
  readonly artifacts?: 'proxy' | 'local'
  /** Whether users must log in, with `MLFLOW_LOGIN`. */
  readonly basicAuth?: boolean
  /** Serve again what an earlier server served: its folder and port. */
  readonly folder?: string
  readonly port?: number
}

/**
 * Starts `mlflow server` with SQLite on a free port and waits until it answers; fails with its log after
 * three minutes.
 */
export const startMlflowServer = async (options: MlflowServerOptions = {}): Promise<MlflowServer> => {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'vigia-mlflow-'))
  const port = options.port ?? (await freePort())
  const uri = `http://127.0.0.1:${port}`
  const log = join(folder, 'server.log')
  const output = openSync(log, 'a')
  const authentication = join(folder, 'basic_auth.ini')
  writeFileSync(authentication, AUTHENTICATION)
  const server = spawn(join(dirname(MLFLOW_PYTHON ?? ''), 'mlflow'), argumentsOf(options, folder, port), {
    cwd: folder,
    // A group of its own, so that the workers end with it.
    detached: true,
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      // Saves processes that no test needs.
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
      MLFLOW_FLASK_SERVER_SECRET_KEY: 'a test has no secrets',
      MLFLOW_AUTH_CONFIG_PATH: authentication,
      MLFLOW_AUTH_ADMIN_USERNAME: MLFLOW_LOGIN.MLFLOW_TRACKING_USERNAME,
      MLFLOW_AUTH_ADMIN_PASSWORD: MLFLOW_LOGIN.MLFLOW_TRACKING_PASSWORD,
      DO_NOT_TRACK: 'true',
      MLFLOW_DISABLE_TELEMETRY: 'true',
    },
  })
  const stop = async (): Promise<void> => {
    await endGroup(server)
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  if (await answers(uri, server)) return { uri, folder, stop }
  const text = readFileSync(log, 'utf8')
  await stop()
  throw new Error(`mlflow server does not answer:\n${text}`)
}

/**
 * MLflow's own settings, but it remembers who it let in: to hash the password takes longer than most
 * requests.
 */
const AUTHENTICATION = `[mlflow]
default_permission = READ
database_uri = sqlite:///basic_auth.db
admin_username = ${MLFLOW_LOGIN.MLFLOW_TRACKING_USERNAME}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 3600
`

const argumentsOf = (
  { artifacts = 'proxy', basicAuth = false }: MlflowServerOptions,
  folder: string,
  port: number,
): readonly string[] => [
  'server',
  ...['--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
  ...['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
  ...(artifacts === 'proxy'
    ? ['--serve-artifacts', '--artifacts-destination', join(folder, 'artifacts')]
    : ['--no-serve-artifacts', '--default-artifact-root', join(folder, 'artifacts')]),
  ...(basicAuth ? ['--app-name', 'basic-auth'] : []),
]

const answers = async (uri: string, server: ChildProcess): Promise<boolean> => {
  for (const endMs = Date.now() + 180_000; Date.now() < endMs && server.exitCode === null; await wait(100)) {
    const response = await fetch(`${uri}/health`).catch(() => undefined)
    if (response?.ok) return true
  }
  return false
}

const endGroup = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  try {
    process.kill(-(server.pid ?? 0), 'SIGKILL')
  } catch {
    server.kill('SIGKILL')
  }
  await ended
}

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
