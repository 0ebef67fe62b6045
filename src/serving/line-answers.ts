import { Readable } from 'node:stream'
import { VigiaError } from '../errors.ts'

export interface LineLimits {
  /** Rows that are worked on at the same time. */
  readonly rows: number
  /** Longest line in bytes, without its end. */
  readonly lineBytes: number
}

/**
 * Answers a stream of lines with a stream of lines: one for each that is not blank, in their order, each as
 * soon as it and all before it are there.
 *
 * Memory is bounded whatever is sent: at most `limits.rows` rows are in work or wait for their turn, no more
 * is read from `source` while that many are, nor while whoever reads the answers does not keep up. A line
 * that is too long is answered with an error and skipped.
 *
 * @param answer must not reject; gets the bytes of a line and its number, from 1
 * @param refuse the answer to a line that cannot be worked on
 */
export const answerLines = (
  source: Readable,
  limits: LineLimits,
  answer: (line: Uint8Array, number: number) => Promise<string>,
  refuse: (error: VigiaError, number: number) => string,
): Readable => {
  /** Answers in order; undefined while one is worked on. */
  const queue: (string | undefined)[] = []
  /** Number of the answer at the head of the queue. */
  let head = 0
  let unread: Buffer = EMPTY
  let isSkipping = false
  let lines = 0
  let isEnded = false
  let isBlocked = false
  let isFlushing = false

  const flush = (): void => {
    isFlushing = false
    if (answers.destroyed) return
    let ready = 0
    while (ready < queue.length && queue[ready] !== undefined) ready++
    if (ready > 0) {
      const text = queue.splice(0, ready).join('')
      head += ready
      isBlocked = !answers.push(text)
    }
    take()
    if (isEnded && queue.length === 0 && unread.length === 0) answers.push(null)
  }
  /** Answers that are ready at the same time are sent together. */
  const flushSoon = (): void => {
    if (isFlushing) return
    isFlushing = true
    setImmediate(flush)
  }
  const work = (line: Buffer): void => {
    lines++
    if (isBlank(line)) return
    const place = head + queue.length
    queue.push(undefined)
    answer(line, lines).then((text) => {
      queue[place - head] = `${text}\n`
      flushSoon()
    })
  }
  const refuseLong = (): void => {
    lines++
    const error = new VigiaError('REQUEST_TOO_LARGE', {
      what: `Line ${lines}`,
      limit: `${limits.lineBytes} bytes`,
    })
    queue.push(`${refuse(error, lines)}\n`)
    flushSoon()
  }
  /** Starts work on the lines that are there, as far as there is room. */
  const take = (): void => {
    let from = 0
    while (!isBlocked && queue.length < limits.rows) {
      const end = unread.indexOf(LINE_END, from)
      if (end < 0) break
      const line = unread.subarray(from, end)
      from = end + 1
      if (isSkipping) isSkipping = false
      else if (line.length > limits.lineBytes) refuseLong()
      else work(line)
    }
    if (from > 0) unread = unread.subarray(from)
    const isRoom = !isBlocked && queue.length < limits.rows
    if (isRoom && isEnded && unread.length > 0) {
      // The last line, whose end is the end of everything.
      const line = unread
      unread = EMPTY
      if (!isSkipping) {
        if (line.length > limits.lineBytes) refuseLong()
        else work(line)
      }
      flushSoon()
    } else if (isRoom && unread.length > limits.lineBytes) {
      // No line end so far: the rest of it is not kept.
      if (!isSkipping) refuseLong()
      isSkipping = true
      unread = EMPTY
    }
    if (isRoom && source.isPaused()) source.resume()
  }
  const answers = new Readable({
    read: () => {
      if (!isBlocked) return
      isBlocked = false
      flushSoon()
    },
    destroy: (error, done) => {
      source.destroy()
      done(error)
    },
  })
  source.on('data', (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    take()
    if (isBlocked || queue.length >= limits.rows) source.pause()
  })
  source.on('end', () => {
    isEnded = true
    flushSoon()
  })
  source.on('error', (error) => answers.destroy(error))
  source.on('close', () => {
    if (!isEnded) answers.destroy()
  })
  return answers
}

const EMPTY: Buffer = Buffer.alloc(0)
const LINE_END = 0x0a

const isBlank = (line: Uint8Array): boolean => {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  return true
}

/** Does `work` for each item, at most `most` at a time; results in the order of the items. */
export const mapInOrder = async <T, R>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results = new Array<R>(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker))
  return results
}
