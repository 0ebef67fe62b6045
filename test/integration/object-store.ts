import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Python of an environment with an object store; `npm run test:integration` prepares one. */
export const STORAGE_PYTHON = process.env['STORAGE_PYTHON']

/** An object store that speaks S3's language, with one empty bucket. */
export interface ObjectStore {
  readonly endpoint: string
  readonly bucket: string
  /** What a client's environment has. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Starts one on a free port and waits until it answers, for two minutes. */
export const startObjectStore = async (): Promise<ObjectStore> => {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const bucket = 'bank-backups'
  const words = ['-H', '127.0.0.1', '-p', String(port)]
  const server = spawn(join(dirname(STORAGE_PYTHON ?? ''), 'moto_server'), words, { stdio: 'ignore' })
  const stop = () => end(server)
  for (let left = 1200; left > 0 && server.exitCode === null; left--) {
    const made = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' }).catch(() => undefined)
    if (made?.ok)
      return {
        endpoint,
        bucket,
        environment: {
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'only-for-tests',
          AWS_REGION: 'us-east-1',
          AWS_ENDPOINT_URL: endpoint,
        },
        stop,
      }
    await wait(100)
  }
  await stop()
  throw new Error('the object store does not answer')
}

const end = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGKILL')
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
