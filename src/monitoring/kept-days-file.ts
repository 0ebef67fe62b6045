import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../disk/write-atomically.ts'
import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { KeptDay, KeptDays } from './kept-days.ts'
import type { WatchedModel } from './monitored-model.ts'

/** Beside a log: a folder for what its days were like. */
export const KEPT_FOLDER = 'monitoring'

/**
 * `days`: what a server counts as it decides. `before`: what a look has read of the log before that, so that
 * the next one need not.
 */
export type KeptPart = 'days' | 'before'

/** Where the days of a log are kept, as a model sees them. */
export const keptDaysPath = (folder: string, { loaded }: WatchedModel, part: KeptPart): string =>
  join(folder, KEPT_FOLDER, `${loaded.key}.${part}`)

/** "VKD": kept days of Vigía. */
const MAGIC = [0x56, 0x4b, 0x44] as const
/** Another one, too, when days are encoded otherwise: they are decoded only when they are looked at. */
const VERSION = 1
const HEAD_AT = MAGIC.length + 1 + 4
const HASH_BYTES = 32

/** What the file says before its days. */
interface Head {
  /** SHA-256 of the model. */
  readonly model: string
  /** Of the bins, the features and the threshold. */
  readonly layout: number
  readonly after: number
  readonly through: number
  readonly mark: KeptDays['mark'] | null
  readonly isShared: boolean
  readonly segments: readonly string[]
  readonly rows: number
  readonly tooOld: number
  readonly unreadable: number
  /** Day, the number of its first record, and how many bytes it has. */
  readonly days: readonly (readonly [number, number, number])[]
  /** Names of the latest records of a log of states that many share. */
  readonly recent: readonly string[]
}

/** What a file of kept days has. */
export interface KeptFile {
  readonly kept: KeptDays
  /** The latest records of a log of states that many share: they may come again. */
  readonly recent: readonly string[]
}

/**
 * Days as bytes: the letters VKD, a version, the length of a head and the head as JSON, the days, each as
 * `encodeDays` has it, and the SHA-256 of all of it.
 */
export const encodeKeptDays = ({ kept, recent }: KeptFile, model: WatchedModel): Uint8Array => {
  const { after, through, mark = null, isShared, segments, rows, tooOld, unreadable } = kept
  const days = [...kept.days].map(
    ([day, { firstRecord, bytes }]) => [day, firstRecord, bytes.length] as const,
  )
  const { sha256 } = model.loaded.description
  const own = { model: sha256, layout: model.layout.fingerprint, after, through, mark, isShared }
  const head: Head = { ...own, segments, rows, tooOld, unreadable, days, recent }
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const parts = [Uint8Array.of(...MAGIC, VERSION), length, text, ...daysOf(kept).map(({ bytes }) => bytes)]
  return Buffer.concat([...parts, hashOf(parts)])
}

/** @returns why they cannot be used, for people, where they cannot */
export const decodeKeptDays = (bytes: Uint8Array, model: WatchedModel): KeptFile | string => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_AT + HASH_BYTES || MAGIC.some((letter, at) => bytes[at] !== letter))
    return 'it does not begin as kept days do'
  if (bytes[MAGIC.length] !== VERSION) return `it has version ${bytes[MAGIC.length]}, and ${VERSION} is read`
  const end = bytes.length - HASH_BYTES
  if (!hashOf([buffer.subarray(0, end)]).equals(buffer.subarray(end))) return 'its bytes are damaged'
  const headEnd = HEAD_AT + buffer.readUInt32LE(MAGIC.length + 1)
  const head = JSON.parse(buffer.toString('utf8', HEAD_AT, headEnd)) as Head
  if (head.model !== model.loaded.description.sha256) return 'it is of another model'
  if (head.layout !== model.layout.fingerprint) return 'it is in other bins, or for another threshold'
  const days = new Map<number, KeptDay>()
  let at = headEnd
  for (const [day, firstRecord, length] of head.days) {
    days.set(day, { firstRecord, bytes: bytes.slice(at, at + length) })
    at += length
  }
  const { after, through, mark, isShared, segments, rows, tooOld, unreadable, recent } = head
  const counts = { segments, rows, tooOld, unreadable }
  const kept: KeptDays = { after, through, mark: mark ?? undefined, isShared, ...counts, days }
  return { kept, recent }
}

/** @returns undefined where there is no such file; why it cannot be used, for people, where it cannot */
export const readKeptDays = async (
  path: string,
  model: WatchedModel,
): Promise<KeptFile | string | undefined> => {
  try {
    return decodeKeptDays(await readFile(path), model)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : String(error)
  }
}

/**
 * Writes them whole or not at all; a power failure may take them, which is seen.
 *
 * @throws DATASET_NOT_WRITABLE, DATASET_NO_SPACE
 */
export const writeKeptDays = (path: string, file: KeptFile, model: WatchedModel): Promise<void> =>
  writeAtomically(path, (temporary) => writeFile(temporary, encodeKeptDays(file, model)))

/** The mark that a record of a log is. */
export const markOf = (sequence: number, payload: Uint8Array): NonNullable<KeptDays['mark']> => ({
  sequence,
  hash: murmurHash52(payload, 0, payload.length),
})

/**
 * Why these days are not those of a log, for people: it was set back, or is another one. Undefined: they are,
 * or what would say so is in the archive by now.
 */
export const whyOfAnotherLog = async (
  { mark }: Pick<KeptDays, 'mark'>,
  log: Pick<LogReader, 'read'>,
): Promise<string | undefined> => {
  if (mark === undefined) return undefined
  for await (const { sequence, payload } of log.read(mark.sequence - 1)) {
    if (sequence !== mark.sequence) return undefined
    const isSame = markOf(sequence, payload).hash === mark.hash
    return isSame ? undefined : `record ${sequence} of the log is another one by now`
  }
  const last = await lastRecordOf(log)
  return last === 0 ? undefined : `the log ends with record ${last}, before ${mark.sequence}`
}

/** Number of the last record of those that are not archived; 0 without one. */
const lastRecordOf = async (log: Pick<LogReader, 'read'>): Promise<number> => {
  let last = 0
  for await (const { sequence } of log.read(0)) last = sequence
  return last
}

const daysOf = ({ days }: KeptDays): readonly KeptDay[] => [...days.values()]

const hashOf = (parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
