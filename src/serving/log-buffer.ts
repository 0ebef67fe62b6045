/** Where log lines go. */
export interface LogStream {
  write(line: string): void
}

/** Longest time that a line waits, milliseconds, and most characters that wait. */
const WAIT_MS = 50
const MOST = 32_768

/**
 * Writes the lines of requests together, because a write for each would cost a fifth of the throughput.
 * Warnings and errors are written at once, with everything before them. A killed process loses the lines of
 * its last 50 ms; decisions stand in their own log.
 */
export const createLogBuffer = (stream: LogStream): LogStream & { flush(): void } => {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    if (timer !== undefined) clearTimeout(timer)
    timer = undefined
    if (waiting === '') return
    const text = waiting
    waiting = ''
    stream.write(text)
  }
  return {
    write: (line) => {
      waiting += line
      if (waiting.length > MOST || isSerious(line)) flush()
      else timer ??= setTimeout(flush, WAIT_MS).unref()
    },
    flush,
  }
}

/** Lines begin with `{"level":40` for a warning, 50 and 60 for worse. */
const isSerious = (line: string): boolean => line.charCodeAt('{"level":'.length) >= 0x34
