import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { sha256 } from '../foundation/hash.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import { type BackupFile, PART_BYTES, partKey, readPart } from './backup-manifest.ts'

/** What was copied, and what was there already. */
export interface CopiedBytes {
  readonly copiedParts: number
  readonly copiedBytes: number
  readonly keptBytes: number
}

/**
 * Keeps files in a target as parts that are named by what they have: a part that is there already is not
 * written again, whichever file or backup it is of. What is written is read back.
 */
export class PartStore {
  private readonly target: BackupTarget
  private readonly backup: string
  /** Bytes by SHA-256. */
  private readonly kept: Map<string, number>
  private readonly copied = { copiedParts: 0, copiedBytes: 0, keptBytes: 0 }

  constructor(target: BackupTarget, backup: string, kept: Map<string, number>) {
    this.target = target
    this.backup = backup
    this.kept = kept
  }

  get figures(): CopiedBytes {
    return this.copied
  }

  /** Whether all parts of a file are there, each with its size. */
  has({ bytes, parts }: BackupFile): boolean {
    return parts.every((part, i) => {
      const wanted = i < parts.length - 1 ? PART_BYTES : bytes - (parts.length - 1) * PART_BYTES
      return this.kept.get(part) === wanted
    })
  }

  /** A file that an earlier backup has with the same contents. */
  reuse(file: BackupFile): BackupFile {
    this.copied.keptBytes += file.bytes
    return file
  }

  /** Keeps the file at `source`. @throws BACKUP_TARGET_FAILED, BACKUP_DAMAGED */
  async keepFile(source: string, path: string): Promise<BackupFile> {
    const file = await open(source, 'r')
    try {
      const whole = createHash('sha256')
      const parts: string[] = []
      const buffer = Buffer.allocUnsafe(PART_BYTES)
      let bytes = 0
      for (;;) {
        const part = await readFull(file, buffer, bytes)
        if (part.length === 0) break
        whole.update(part)
        parts.push(await this.keepPart(part, path))
        bytes += part.length
        if (part.length < PART_BYTES) break
      }
      return { path, bytes, sha256: whole.digest('hex'), parts }
    } finally {
      await file.close()
    }
  }

  private async keepPart(part: Uint8Array, path: string): Promise<string> {
    const hash = sha256(part)
    if (this.kept.get(hash) === part.length) {
      this.copied.keptBytes += part.length
      return hash
    }
    await this.target.put(partKey(hash), part)
    await readPart(this.target, this.backup, path, hash)
    this.kept.set(hash, part.length)
    this.copied.copiedParts++
    this.copied.copiedBytes += part.length
    return hash
  }
}

/** As much as there is from `position` on and `buffer` has room for. */
const readFull = async (
  file: Awaited<ReturnType<typeof open>>,
  buffer: Buffer,
  position: number,
): Promise<Buffer> => {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
