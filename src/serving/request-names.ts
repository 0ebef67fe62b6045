import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/**
 * Names each request: by its own X-Request-Id when that is 1 to 64 harmless characters, otherwise by a new
 * one.
 */
export const createRequestNames = (): ((request: Pick<IncomingMessage, 'headers'>) => string) => {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && SANE.test(given)) return given
    count++
    return `${prefix}-${count.toString(36)}`
  }
}

const SANE = /^[\w.:-]{1,64}$/

/** `traceparent` of W3C Trace Context when it is well formed; undefined otherwise. */
export const traceParentOf = (header: unknown): string | undefined =>
  typeof header === 'string' && TRACE_PARENT.test(header) ? header : undefined

// A trace or a parent of zeros is none, and so is version ff.
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace of a `traceparent`. */
export const traceIdOf = (traceParent: string): string => traceParent.slice(3, 35)
