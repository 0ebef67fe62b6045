import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { VigiaError } from '../errors.ts'
import { sha256 } from '../foundation/hash.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import { type BackupFile, PART_BYTES, partKey, readPart } from './backup-manifest.ts'

/** What was copied, and what was there already. */
export interface CopiedBytes {
  readonly copiedParts: number
  readonly copiedBytes: number
  readonly keptBytes: number
  /** Parts that the target had and that were damaged: put again from the source. */
  readonly healedParts: number
  /** Read back from the target, new or not. */
  readonly verifiedBytes: number
}

/**
 * Keeps files in a target as parts that are named by what they have: a part that is there already is not
 * written again, whichever file or backup it is of. What is written is read back; where asked to, what was
 * there is too, and put again from the source when it is damaged, for all backups that have it.
 */
export class PartStore {
  private readonly target: BackupTarget
  private readonly backup: string
  /** Bytes by SHA-256. */
  private readonly kept: Map<string, number>
  private readonly isVerifying: boolean
  private readonly verified = new Set<string>()
  private readonly copied = { copiedParts: 0, copiedBytes: 0, keptBytes: 0, healedParts: 0, verifiedBytes: 0 }

  constructor(target: BackupTarget, backup: string, kept: Map<string, number>, isVerifying: boolean) {
    this.isVerifying = isVerifying
    this.target = target
    this.backup = backup
    this.kept = kept
  }

  get figures(): CopiedBytes {
    return this.copied
  }

  /** Whether all parts of a file are there, each with its size and, where asked to, its bytes. */
  async has({ path, bytes, parts }: BackupFile): Promise<boolean> {
    for (const [i, part] of parts.entries()) {
      const wanted = i < parts.length - 1 ? PART_BYTES : bytes - (parts.length - 1) * PART_BYTES
      if (!(await this.hasPart(part, wanted, path))) return false
    }
    return true
  }

  /** A file that an earlier backup has with the same contents. */
  reuse(file: BackupFile): BackupFile {
    this.copied.keptBytes += file.bytes
    return file
  }

  /** Keeps the file at `source`. @throws BACKUP_TARGET_FAILED, BACKUP_TARGET_DAMAGED */
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
    const wasKept = this.kept.get(hash) === part.length
    if (await this.hasPart(hash, part.length, path)) {
      this.copied.keptBytes += part.length
      return hash
    }
    await this.target.put(partKey(hash), part)
    await this.readBack(hash, path).catch(notKept(this.target))
    this.kept.set(hash, part.length)
    if (wasKept) this.copied.healedParts++
    this.copied.copiedParts++
    this.copied.copiedBytes += part.length
    return hash
  }

  private async hasPart(hash: string, bytes: number, path: string): Promise<boolean> {
    if (this.kept.get(hash) !== bytes) return false
    if (!this.isVerifying || this.verified.has(hash)) return true
    return this.readBack(hash, path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof VigiaError && error.code === 'BACKUP_DAMAGED') return false
        throw error
      },
    )
  }

  private async readBack(hash: string, path: string): Promise<void> {
    this.copied.verifiedBytes += (await readPart(this.target, this.backup, path, hash)).length
    this.verified.add(hash)
  }
}

/** What was written a moment ago is not what is read: the target is at fault, not a backup of before. */
export const notKept =
  ({ name }: BackupTarget) =>
  (error: unknown): never => {
    if (!(error instanceof VigiaError) || error.code !== 'BACKUP_DAMAGED') throw error
    const { file, reason } = error.details as { readonly file: string; readonly reason: string }
    throw new VigiaError('BACKUP_TARGET_DAMAGED', { target: name, file, reason }, { cause: error })
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
