import { startWebProgram } from './web-program.ts'

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
  const words = ['--storage.path=data', '--cluster.listen-address=']
  const { url, stop } = await startWebProgram('alertmanager', ALERTMANAGER_SERVER, words, configuration)
  return {
    url,
    alerts: async () => (await fetch(`${url}/api/v2/alerts`)).json() as Promise<readonly ShownAlert[]>,
    stop,
  }
}
