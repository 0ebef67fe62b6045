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
export const answerNdjson = (
  source: Readable,
  limits: LineLimits,
  answer: (line: Uint8Array, number: number) => Promise<string>,
  refuse: (error: VigiaError, number: number) => string,
): Readable => new NdjsonAnswers(source, limits, answer, refuse)

/** The stream of answers; it owns the lines that are in work, and destroys the source with itself. */
class NdjsonAnswers extends Readable {
  private readonly source: Readable
  private readonly limits: LineLimits
  private readonly answer: (line: Uint8Array, number: number) => Promise<string>
  private readonly refuse: (error: VigiaError, number: number) => string
  /** Answers in order; undefined while one is worked on. */
  private readonly queue: (string | undefined)[] = []
  /** Number of the answer at the head of the queue. */
  private head = 0
  private unread: Buffer = EMPTY
  private isSkipping = false
  private lines = 0
  private isEnded = false
  private isBlocked = false
  private isFlushing = false

  constructor(
    source: Readable,
    limits: LineLimits,
    answer: (line: Uint8Array, number: number) => Promise<string>,
    refuse: (error: VigiaError, number: number) => string,
  ) {
    super()
    this.source = source
    this.limits = limits
    this.answer = answer
    this.refuse = refuse
    source.on('data', (chunk: Buffer) => {
      this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk])
      this.startWork()
      if (!this.hasRoom()) source.pause()
    })
    source.on('end', () => {
      this.isEnded = true
      this.flushSoon()
    })
    source.on('error', (error) => this.destroy(error))
    source.on('close', () => {
      if (!this.isEnded) this.destroy()
    })
  }

  override _read(): void {
    if (!this.isBlocked) return
    this.isBlocked = false
    this.flushSoon()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.source.destroy()
    done(error)
  }

  private hasRoom(): boolean {
    return !this.isBlocked && this.queue.length < this.limits.rows
  }

  private flush(): void {
    this.isFlushing = false
    if (this.destroyed) return
    let ready = 0
    while (ready < this.queue.length && this.queue[ready] !== undefined) ready++
    if (ready > 0) {
      const text = this.queue.splice(0, ready).join('')
      this.head += ready
      this.isBlocked = !this.push(text)
    }
    this.startWork()
    if (this.isEnded && this.queue.length === 0 && this.unread.length === 0) this.push(null)
  }

  /** Answers that are ready at the same time are sent together. */
  private flushSoon(): void {
    if (this.isFlushing) return
    this.isFlushing = true
    setImmediate(() => this.flush())
  }

  /** Starts work on a line, or refuses it. */
  private begin(line: Buffer): void {
    if (line.length > this.limits.lineBytes) {
      this.refuseLong()
      return
    }
    this.lines++
    if (isBlank(line)) return
    const place = this.head + this.queue.length
    this.queue.push(undefined)
    this.answer(line, this.lines).then((text) => {
      this.queue[place - this.head] = `${text}\n`
      this.flushSoon()
    })
  }

  private refuseLong(): void {
    this.lines++
    const error = new VigiaError('REQUEST_TOO_LARGE', {
      what: `Line ${this.lines}`,
      limit: `${this.limits.lineBytes} bytes`,
    })
    this.queue.push(`${this.refuse(error, this.lines)}\n`)
    this.flushSoon()
  }

  /** Starts work on the lines that are there, as far as there is room. */
  private startWork(): void {
    let from = 0
    while (this.hasRoom()) {
      const end = this.unread.indexOf(LINE_END, from)
      if (end < 0) break
      const line = this.unread.subarray(from, end)
      from = end + 1
      if (this.isSkipping) this.isSkipping = false
      else this.begin(line)
    }
    if (from > 0) this.unread = this.unread.subarray(from)
    if (!this.hasRoom()) return
    if (this.isEnded && this.unread.length > 0) {
      // The last line, whose end is the end of everything.
      const line = this.unread
      this.unread = EMPTY
      if (!this.isSkipping) this.begin(line)
      this.flushSoon()
    } else if (this.unread.length > this.limits.lineBytes) {
      // No line end so far: the rest of it is not kept.
      if (!this.isSkipping) this.refuseLong()
      this.isSkipping = true
      this.unread = EMPTY
    }
    if (this.source.isPaused()) this.source.resume()
  }
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
