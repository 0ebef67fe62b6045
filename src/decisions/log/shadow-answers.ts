import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { DecisionEntry, ShadowEntry } from '../decided.ts'
import type { LogEntry } from './log-record.ts'

/*
 * What a shadow of another layout says is known a moment after the record of the decision, and stands beside
 * the log for as long as the segment of that record:
 *
 *     <log>/shadows/000000000001.jsonl     of the decisions in segments/000000000001.log
 *
 * A line an answer, with the CRC-32 of the rest of it as its last member. What is no whole line is not there:
 * a process may be killed over it. Of several about one decision the first counts, so what was read once
 * stays.
 * The archive has them in the rows of their decisions, as those of shadows of the same layout.
 */

/** What a shadow says of a decision. */
export interface ShadowAnswer extends ShadowEntry {
  /** Number of the decision. */
  readonly sequence: number
  /** When it was decided: a log that lost its end may give the number to another one. */
  readonly decidedAtMs: number
}

export const shadowsFolder = (log: string): string => join(log, 'shadows')

/** @param segment its name, with or without its ending */
export const shadowsPath = (log: string, segment: string): string =>
  join(shadowsFolder(log), `${baseOf(segment)}.jsonl`)

/** Names of the segments that there are answers of, oldest first. */
export const shadowSegments = async (log: string): Promise<readonly string[]> => {
  const names = await readdir(shadowsFolder(log)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => /^\d+\.jsonl$/.test(name))
    .map(baseOf)
    .sort()
}

/** The line of an answer, its end included. */
export const encodeShadowAnswer = (answer: ShadowAnswer): string => {
  const { sequence, decidedAtMs, model, probability, isFlagged } = answer
  const text = JSON.stringify({ sequence, decidedAtMs, model, probability, isFlagged })
  return `${text.slice(0, -1)}${CHECK}${crc32(text)}}\n`
}

/** Answers about the decisions of a segment, by their numbers; none where no shadow has any. */
export const readShadowAnswers = async (
  log: string,
  segment: string,
): Promise<ReadonlyMap<number, ShadowAnswer>> => {
  const found = new Map<number, ShadowAnswer>()
  for await (const line of linesOf(shadowsPath(log, segment))) {
    const answer = decodeShadowAnswer(line)
    if (answer !== undefined && !found.has(answer.sequence)) found.set(answer.sequence, answer)
  }
  return found
}

/** The answer about one decision that is in a segment of the log; undefined where there is none. */
export const findShadowAnswer = async (
  log: string,
  sequence: number,
  { decidedAtMs }: Pick<DecisionEntry, 'decidedAtMs'>,
): Promise<ShadowAnswer | undefined> => {
  // A segment is named by its first record.
  const segment = (await shadowSegments(log)).findLast((name) => Number(name) <= sequence)
  if (segment === undefined) return undefined
  const begin = `{"sequence":${sequence},"decidedAtMs":${decidedAtMs},`
  for await (const line of linesOf(shadowsPath(log, segment))) {
    const answer = line.startsWith(begin) ? decodeShadowAnswer(line) : undefined
    if (answer !== undefined) return answer
  }
  return undefined
}

/** The entry with what a shadow says of it, where it lacks that. */
export const withShadowAnswer = (entry: LogEntry, answers: ReadonlyMap<number, ShadowAnswer>): LogEntry => {
  if (entry.kind !== 'decision' || entry.decision.shadow !== undefined) return entry
  const answer = answers.get(entry.sequence)
  if (answer?.decidedAtMs !== entry.decision.decidedAtMs) return entry
  const { model, probability, isFlagged } = answer
  return { ...entry, decision: { ...entry.decision, shadow: { model, probability, isFlagged } } }
}

const CHECK = ',"check":'

const decodeShadowAnswer = (line: string): ShadowAnswer | undefined => {
  const at = line.lastIndexOf(CHECK)
  if (at < 0) return undefined
  const text = `${line.slice(0, at)}}`
  return line.slice(at + CHECK.length) === `${crc32(text)}}` ? (JSON.parse(text) as ShadowAnswer) : undefined
}

const baseOf = (segment: string): string => segment.replace(/\.[a-z]+$/, '')

/** Bytes read at a time. */
const BLOCK_BYTES = 1 << 18

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    let rest = ''
    for (let from = 0; ; ) {
      const { bytesRead } = await file.read(block, 0, block.length, from)
      if (bytesRead === 0) return
      from += bytesRead
      const lines = (rest + block.toString('latin1', 0, bytesRead)).split('\n')
      rest = lines.pop()!
      yield* lines
    }
  } finally {
    await file.close()
  }
}
