import { createHash, createHmac } from 'node:crypto'

/*
 * AWS Signature Version 4, for requests whose body is known: what S3 and all that speak its language ask for.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */

/** Who signs, and where. */
export interface S3Credentials {
  readonly accessKey: string
  readonly secretKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined
  readonly region: string
}

export interface S3Request {
  readonly method: string
  readonly host: string
  /** Of the path, each part percent-encoded. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Further headers to be signed, in lower case. */
  readonly headers?: Readonly<Record<string, string>>
}

/** All headers of the request but `host`. */
export const signS3Request = (
  request: S3Request,
  credentials: S3Credentials,
  now: Date,
): Record<string, string> => {
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const bodyHash = sha256(request.body)
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': time,
    ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
  }
  const signed = Object.entries({ ...headers, host: request.host }).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = signed.map(([name]) => name).join(';')
  const canonical = [
    request.method,
    request.path,
    queryText(request.query),
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    bodyHash,
  ].join('\n')
  const scope = `${date}/${credentials.region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = [date, credentials.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretKey}`,
  )
  const signature = hmac(key, text).toString('hex')
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  }
}

/** A query as it is signed and sent: sorted by name, percent-encoded. */
export const queryText = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
    .join('&')

/** Percent-encoded but for letters, digits and `-_.~`. */
export const encodePart = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
