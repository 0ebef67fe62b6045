import { crc32 } from 'node:zlib'
import { Inode } from './disk.ts'
import type { KeptRecord, Site } from './site.ts'

/*
 * Reads logs off the simulated disk as their format is documented, by code of its own: what is checked must
 * not check itself. See `src/adapters/segments/record-frame.ts` for the format.
 */

const HEAD_BYTES = 24
const MAGIC = 0x474f4c56

/** What a log has on the disk. */
export interface LogOnDisk {
  /** Whole records, oldest first. */
  readonly records: readonly KeptRecord[]
  /** Number of the last one, inclusive; that before the first segment when there is none. */
  readonly last: number
}

/** @param isSynced what a power failure would leave, instead of what a process reads */
export const readLogOnDisk = ({ disk }: Site, folder: string, isSynced: boolean): LogOnDisk => {
  const segments = disk.namesIn(`${folder}/segments`).filter((name) => /^\d+\.log$/.test(name))
  const records: KeptRecord[] = []
  let last = 0
  for (const name of segments) {
    const entry = disk.names.get(`${folder}/segments/${name}`)
    if (!(entry instanceof Inode)) continue
    last = Math.max(last, Number.parseInt(name, 10) - 1)
    for (const record of framesIn(isSynced ? entry.synced : entry.bytes)) {
      records.push(record)
      last = record.sequence
    }
  }
  return { records, last }
}

const framesIn = (bytes: Buffer): KeptRecord[] => {
  const records: KeptRecord[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    if (bytes.readUInt32LE(at) !== MAGIC) break
    const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 4)
    if (end > bytes.length || crc32(bytes.subarray(at + 16, end)) !== bytes.readUInt32LE(at + 8)) break
    records.push({ sequence: bytes.readDoubleLE(at + 16), payload: bytes.subarray(at + HEAD_BYTES, end) })
    at = end
  }
  return records
}

/** Records by their numbers, of the archive and of the disk. Tells of numbers that stand for two things. */
export const historyOf = (site: Site): Map<number, KeptRecord> => {
  const history = new Map<number, KeptRecord>()
  const isShared = site.setup.states === 'shared'
  const add = ({ sequence, payload }: KeptRecord): void => {
    // The number among all processes stands in the payload; the log counts its own records.
    const number = isShared ? Buffer.from(payload).readDoubleLE(8) : sequence
    const known = history.get(number)
    if (known !== undefined && !site.isLossy && Buffer.compare(known.payload, payload) !== 0)
      site.broken(`number ${number} names two records`)
    history.set(number, { sequence: number, payload })
  }
  for (const records of site.archive.values()) records.forEach(add)
  for (const folder of site.logFolders()) readLogOnDisk(site, folder, false).records.forEach(add)
  return history
}
