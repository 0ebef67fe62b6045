import { createSecureContext } from 'node:tls'
import { VigiaError } from '../errors.ts'
import type { App, HttpSettings } from './dependencies.ts'
import type { ApiKey } from './safety/api-keys.ts'

/** The private key and certificate of TLS, as PEM. */
export interface TlsTexts {
  readonly key: string
  readonly cert: string
}

/** Oldest version of TLS that is spoken. */
export const TLS_OPTIONS = { minVersion: 'TLSv1.2' } as const

/**
 * What a running server takes without being started again and without dropping a request; what is left out
 * stays.
 */
export interface Reloaded {
  /** At least one; a server without keys takes none. */
  readonly keys?: readonly ApiKey[]
  /** For connections from now on; only for a server that speaks TLS already. */
  readonly tls?: TlsTexts
  readonly logLevel?: HttpSettings['log']['level']
}

/**
 * Gives a running server new keys, a new certificate, another log level: all of them or, when one cannot be
 * used, none.
 *
 * @throws SERVING_TLS_INVALID
 */
export const reloadServer = (app: App, { keys, tls, logLevel }: Reloaded): void => {
  if (tls !== undefined) {
    const options = { ...tls, ...TLS_OPTIONS }
    try {
      createSecureContext(options)
    } catch (error) {
      throw new VigiaError('SERVING_TLS_INVALID', { reason: (error as Error).message }, { cause: error })
    }
    const { server } = app as unknown as { readonly server: { setSecureContext?(options: object): void } }
    server.setSecureContext?.(options)
    app.grpc?.setSecureContext(options)
  }
  if (keys !== undefined) app.keyRing.replace(keys)
  if (logLevel !== undefined) app.log.level = logLevel
}
