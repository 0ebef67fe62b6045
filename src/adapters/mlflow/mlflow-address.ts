import { VigiaError } from '../../errors.ts'

/** Where an MLflow server is and how it lets us in. */
export interface MlflowAddress {
  /**
   * Address without credentials and without a slash at its end; may hold a path:
   * `https://example.org/mlflow`.
   */
  readonly base: string
  /** Value of the header Authorization; absent: the server asks for nothing. Never part of a message. */
  readonly authorization?: string
}

/**
 * Takes an address apart.
 *
 * As MLflow's own client does it: MLFLOW_TRACKING_TOKEN is sent as a bearer token and wins over
 * MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, which win over `user:password@` in the address.
 *
 * @throws TRACKING_URI_UNSUPPORTED for what is not an http:// or https:// address
 */
export const parseMlflowAddress = (
  uri: string,
  environment: Readonly<Record<string, string | undefined>>,
): MlflowAddress => {
  if (!/^https?:\/\//i.test(uri) || !URL.canParse(uri))
    throw new VigiaError('TRACKING_URI_UNSUPPORTED', {
      setting: 'tracking.uri',
      got: withoutCredentials(uri),
    })
  const url = new URL(uri)
  const authorization = authorizationOf(url, environment)
  return {
    base: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    ...(authorization !== undefined && { authorization }),
  }
}

const authorizationOf = (
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined => {
  const token = environment['MLFLOW_TRACKING_TOKEN']
  if (token) return `Bearer ${token}`
  const user = environment['MLFLOW_TRACKING_USERNAME']
  const password = environment['MLFLOW_TRACKING_PASSWORD']
  if (user && password) return basic(user, password)
  return url.username === ''
    ? undefined
    : basic(decodeURIComponent(url.username), decodeURIComponent(url.password))
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`

const withoutCredentials = (uri: string): string => uri.replace(/\/\/[^/]*@/, '//')
