import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ReloadTriggers } from '../cli/commands/serve.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import { VigiaError } from '../errors.ts'
import type { App } from '../serving/dependencies.ts'
import { reloadServer } from '../serving/reload.ts'
import { parseApiKeys } from '../serving/safety/api-keys.ts'

/** How often files are looked at for a change, milliseconds. A poll sees renames and swapped links too. */
const LOOK_MS = 2000

/** The secrets of the settings, read from their files. */
export interface Secrets {
  readonly keys: ReturnType<typeof parseApiKeys>
  /** Undefined for plain HTTP. */
  readonly tls: { readonly key: string; readonly cert: string } | undefined
}

/** @throws SERVING_FILE_UNREADABLE, SERVING_KEYS_INVALID; SERVING_TLS_INVALID when half of TLS is named */
export const readSecrets = async ({
  keys,
  tls_key,
  tls_certificate,
}: ServingSettings['security']): Promise<Secrets> => {
  if ((tls_key === '') !== (tls_certificate === ''))
    throw new VigiaError('SERVING_TLS_INVALID', {
      reason: `security.${tls_key === '' ? 'tls_key' : 'tls_certificate'} names no file`,
    })
  return {
    keys: keys === '' ? [] : parseApiKeys(await readText(keys), keys),
    tls: tls_key === '' ? undefined : { key: await readText(tls_key), cert: await readText(tls_certificate) },
  }
}

export interface ReloadOptions {
  readonly app: App
  /** Of the start: where keys and certificates lie does not change while the server runs. */
  readonly security: ServingSettings['security']
  readonly triggers: ReloadTriggers
  /** Told when something could not be used: what was there before stays in use. */
  readonly warn: (code: string, details: Readonly<Record<string, unknown>>) => void
}

/**
 * Takes keys, TLS certificate and log level anew on SIGHUP, and when one of their files has changed.
 *
 * @returns ends the watch
 */
export const reloadOnChange = ({ app, security, triggers, warn }: ReloadOptions): (() => void) => {
  let turn = Promise.resolve()
  const reload = (): void => {
    turn = turn.then(async () => {
      try {
        const [secrets, { log }] = await Promise.all([readSecrets(security), triggers.readSettings()])
        reloadServer(app, {
          ...(security.keys !== '' && { keys: secrets.keys }),
          ...(secrets.tls !== undefined && { tls: secrets.tls }),
          logLevel: log.level,
        })
        const names = secrets.keys.map(({ name }) => name)
        app.log.info({ keys: names, tls: secrets.tls !== undefined, level: log.level }, 'reloaded')
      } catch (error) {
        // A certificate and its key are two files: between their changes they do not belong together.
        const next = error instanceof VigiaError ? { next: error.fix } : {}
        warn('SERVING_RELOAD_FAILED', { reason: (error as Error).message, ...next })
      }
    })
  }
  const { keys, tls_key, tls_certificate } = security
  const files = [keys, tls_key, tls_certificate, ...triggers.files].filter((file) => file !== '')
  for (const file of files) watchFile(file, { interval: LOOK_MS, persistent: false }, reload)
  const ignore = triggers.onHangup(reload)
  return () => {
    for (const file of files) unwatchFile(file, reload)
    ignore()
  }
}

const readText = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new VigiaError(
      'SERVING_FILE_UNREADABLE',
      { path, reason: (error as Error).message },
      { cause: error },
    )
  }
}
