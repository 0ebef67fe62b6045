import { appendFile, mkdir } from 'node:fs/promises'
import {
  encodeShadowAnswer,
  type ShadowAnswer,
  shadowsFolder,
  shadowsPath,
} from '../decisions/log/shadow-answers.ts'

/**
 * Writes answers of shadows beside the log, behind the states that they were given by.
 *
 * It owns what is not written yet; what cannot be written waits for the next call of `write`.
 */
export class ShadowWriter {
  /** Folder of the log. */
  private readonly log: string
  /** Lines that are not in their files yet, by segment. */
  private readonly waiting = new Map<string, string[]>()
  /** Segments whose files end with a whole line of this process. */
  private readonly begun = new Set<string>()
  private writing: Promise<void> = Promise.resolve()

  constructor(log: string) {
    this.log = log
  }

  /** Whether there is something that a kill would take. */
  get isWaiting(): boolean {
    return this.waiting.size > 0
  }

  /** @param segment of the log, in which the decision stands */
  add(segment: string, answer: ShadowAnswer): void {
    const lines = this.waiting.get(segment) ?? []
    lines.push(encodeShadowAnswer(answer))
    this.waiting.set(segment, lines)
  }

  /** Resolves when all that was added before is in its files, and survives this process. */
  write(): Promise<void> {
    if (!this.isWaiting) return Promise.resolve()
    this.writing = this.writing.catch(() => undefined).then(() => this.writeWaiting())
    return this.writing
  }

  private async writeWaiting(): Promise<void> {
    if (this.isWaiting) await mkdir(shadowsFolder(this.log), { recursive: true })
    for (const [segment, lines] of this.waiting) {
      const count = lines.length
      // A file of before may end with half a line.
      const begin = this.begun.delete(segment) ? '' : '\n'
      await appendFile(shadowsPath(this.log, segment), `${begin}${lines.join('')}`)
      this.begun.add(segment)
      lines.splice(0, count)
      if (lines.length === 0) this.waiting.delete(segment)
    }
  }
}
