import picocolors from 'picocolors'
import { VigiaError } from '../errors.ts'
import { type Host, mayUseColor } from './host.ts'

/** The global options, which every command understands. */
export interface GlobalOptions {
  readonly json: boolean
  readonly verbose: boolean
  readonly color: boolean
}

/**
 * Tells `error` on stderr (with `--json` as one JSON document) and returns the exit code.
 *
 * Only `--verbose` shows the trace and the cause: to a person a trace reads like a crash, and the registry's
 * sentence already says what to do. An error outside the registry becomes INTERNAL, and INTERRUPTED after
 * Ctrl-C.
 */
export const reportError = (error: unknown, options: GlobalOptions, host: Host): number => {
  const known = toVigiaError(error, host)
  const trace = options.verbose ? traceOf(known) : undefined
  if (options.json) {
    const { code, message, fix, details } = known
    host.stderr.write(
      `${JSON.stringify({ error: { code, message, fix, details, ...(trace && { trace }) } }, null, 2)}\n`,
    )
  } else {
    const paint = picocolors.createColors(mayUseColor(host.stderr, host.environment, options.color))
    host.stderr.write(`${paint.bold(paint.red(known.code))}: ${known.message}\n`)
    host.stderr.write(`${paint.bold('Next step:')} ${known.fix}\n`)
    if (trace !== undefined) host.stderr.write(`${paint.dim(trace)}\n`)
  }
  return known.exitCode
}

const toVigiaError = (error: unknown, host: Host): VigiaError => {
  if (error instanceof VigiaError) return error
  if (host.signal.aborted) return new VigiaError('INTERRUPTED', { activity: 'working' }, { cause: error })
  const reason = error instanceof Error ? error.message : String(error)
  return new VigiaError('INTERNAL', { reason }, { cause: error })
}

const traceOf = (error: Error): string => {
  const own = error.stack ?? error.message
  if (error.cause === undefined) return own
  const cause = error.cause instanceof Error ? traceOf(error.cause) : String(error.cause)
  return `${own}\nCaused by: ${cause}`
}
