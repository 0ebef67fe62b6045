import { VigiaError } from '../../errors.ts'
import { nullForNaN } from '../bare-nan.ts'
import type { App } from '../dependencies.ts'
import type { ParseJson } from '../json-bodies.ts'

/** Says how many bytes of a body are JSON, in requests and answers; the rest is the data of tensors. */
export const JSON_LENGTH = 'inference-header-content-length'

export const OCTET_STREAM = 'application/octet-stream'

const ALLOWED = [OCTET_STREAM, 'application/json']

/** Bodies are kept as their bytes. Triton's own client says no content type, KServe's octet-stream. */
export const addInferBodies = (app: App): void => {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    if (type === '' || ALLOWED.includes(type)) done(null, body)
    else {
      const allowed = `${ALLOWED.join(', ')} or no Content-Type`
      done(new VigiaError('REQUEST_MEDIA_TYPE', { got: type.slice(0, 60), allowed }))
    }
  })
}

/**
 * The JSON of a body, and the bytes behind it.
 *
 * @param body as `addInferBodies` leaves it; undefined: there was none
 * @param jsonLength the header `JSON_LENGTH`; undefined: all of the body is JSON
 * @throws REQUEST_MALFORMED when the header says more than there is; REQUEST_NOT_JSON
 */
export const splitBody = (
  body: unknown,
  jsonLength: unknown,
  parseJson: ParseJson,
): { readonly json: unknown; readonly binary: Buffer } => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const length = jsonLength === undefined ? bytes.length : Number(jsonLength)
  const isLength = jsonLength === undefined || /^\d{1,15}$/.test(String(jsonLength))
  if (!isLength || length > bytes.length)
    throw new VigiaError('REQUEST_MALFORMED', {
      reason: `Inference-Header-Content-Length is ${JSON.stringify(String(jsonLength).slice(0, 30))}; allowed are whole numbers up to ${bytes.length}, the length of the body`,
    })
  if (length === 0 && bytes.length > 0)
    throw new VigiaError('REQUEST_MALFORMED', {
      reason: 'Inference-Header-Content-Length is 0: a body without JSON says nothing of its tensors',
    })
  return { json: parseJson(bytes.subarray(0, length), nullForNaN), binary: bytes.subarray(length) }
}
