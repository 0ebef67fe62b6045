import { isUtf8 } from 'node:buffer'
import type { FastifyRequest } from 'fastify'
import { VigiaError } from '../errors.ts'
import { nullForNaN } from './bare-nan.ts'
import type { App } from './dependencies.ts'

/** Deepest nesting of a body. */
const DEEPEST = 64

/**
 * Reads JSON: UTF-8 only, not too deep, and without keys that would change what objects are. @throws
 * REQUEST_NOT_JSON
 */
export type ParseJson = (bytes: Uint8Array, prepare?: PrepareJson) => unknown

/** Changes JSON before it is parsed: what is no JSON must stay none. */
export type PrepareJson = (json: string) => string

/**
 * JSON bodies are read by `ParseJson`; an empty one is undefined.
 *
 * @param prepareOf how the body of a request is changed before it is parsed
 */
export const addJsonBodies = (
  app: App,
  prepareOf: (request: FastifyRequest) => PrepareJson | undefined = () => undefined,
): ParseJson => {
  const parseText = app.getDefaultJsonParser('error', 'error') as unknown as (
    request: unknown,
    text: string,
    done: (error: Error | null, value: unknown) => void,
  ) => void
  const parseJson: ParseJson = (bytes, prepare) => {
    if (!isUtf8(bytes)) throw new VigiaError('REQUEST_NOT_JSON', { reason: 'it is not UTF-8' })
    if (isTooDeep(bytes))
      throw new VigiaError('REQUEST_NOT_JSON', { reason: `it is nested deeper than ${DEEPEST}` })
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
    const prepared = prepare === undefined ? text : prepare(text)
    let value: unknown
    let isParsed = true
    parseText(undefined, prepared, (error, result) => {
      isParsed = error === null
      value = result
    })
    if (isParsed) return value
    // Of a text with bare NaN what else is wrong; of one with quoted numbers as it was sent.
    throw new VigiaError('REQUEST_NOT_JSON', { reason: reasonOf(prepare === nullForNaN ? prepared : text) })
  }
  app.removeContentTypeParser('application/json')
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const type = request.headers['content-type']
      if (type !== 'application/json') assertUtf8(type ?? '')
      done(null, body.length === 0 ? undefined : parseJson(body as Buffer, prepareOf(request)))
    } catch (error) {
      done(error as Error)
    }
  })
  return parseJson
}

const assertUtf8 = (type: string): void => {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type)?.[1]
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return
  throw new VigiaError('REQUEST_MEDIA_TYPE', { got: `text in ${charset.slice(0, 40)}`, allowed: 'UTF-8' })
}

/** What `JSON.parse` says; when it says nothing, the text has a key that is refused. */
const reasonOf = (text: string): string => {
  try {
    JSON.parse(text)
    return 'it has a key __proto__, or constructor with prototype'
  } catch (error) {
    return text.trim() === '' ? 'it is empty' : (error as Error).message
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Whether brackets are nested too deep; brackets inside of text do not count. */
const isTooDeep = (bytes: Uint8Array): boolean => {
  if (bytes.length <= 2 * DEEPEST) return false
  let depth = 0
  let isText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (isText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > DEEPEST) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}
