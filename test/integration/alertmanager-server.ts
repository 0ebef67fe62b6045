import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from './redis-server.ts'

/** Program of an Alertmanager; `npm run test:integration` looks for one. */
export const ALERTMANAGER_SERVER = process.env['ALERTMANAGER_SERVER']

/** Why there is none. */
export const ALERTMANAGER_SERVER_MISSING =
  process.env['ALERTMANAGER_SERVER_MISSING'] ??
  'no Alertmanager was looked for (npm run test:integration does)'

/** An alert as Alertmanager shows it. */
export interface ShownAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL?: string
}

export interface AlertmanagerServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Those that are not over. */
  alerts(): Promise<readonly ShownAlert[]>
  stop(): Promise<void>
}

/** Starts an Alertmanager that tells a webhook of everything, at once. */
export const startAlertmanager = async (webhook: string): Promise<AlertmanagerServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-alertmanager-'))
  const port = await freePort()
  const configuration = {
    route: {
      receiver: 'all',
      group_by: ['...'],
      group_wait: '0s',
      group_interval: '1s',
      repeat_interval: '24h',
    },
    receivers: [{ name: 'all', webhook_configs: [{ url: webhook, send_resolved: true }] }],
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'alertmanager.yml'), JSON.stringify(configuration))
  const log = join(folder, 'alertmanager.log')
  const output = openSync(log, 'a')
  const server = spawn(
    ALERTMANAGER_SERVER ?? '',
    [
      ...['--config.file=alertmanager.yml', '--storage.path=data', '--cluster.listen-address='],
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { cwd: folder, stdio: ['ignore', output, output] },
  )
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) break
    if (tries > 300 || server.exitCode !== null)
      throw new Error(`no Alertmanager:\n${readFileSync(log, 'utf8')}`)
    await wait(100)
  }
  return {
    url,
    alerts: async () => (await fetch(`${url}/api/v2/alerts`)).json() as Promise<readonly ShownAlert[]>,
    stop: async () => {
      if (server.exitCode === null) {
        const ended = once(server, 'exit')
        server.kill('SIGTERM')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
