import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import {
  encodeShadowAnswer,
  readShadowAnswers,
  shadowsFolder,
  shadowsPath,
} from '../decisions/log/shadow-answers.ts'
import { LOG_DATABASE, type WrittenLog, writtenLog } from '../decisions/log/written-log.test-kit.ts'
import type { BackupSource } from '../ports/backup-source.ts'
import { backupNames, PART_BYTES, partKey, readManifest, writeManifest } from './backup-manifest.ts'
import { backupTargetLaws } from './backup-target-laws.test-kit.ts'
import { listBackups, removeOldBackups } from './kept-backups.ts'
import { type MemoryTarget, memoryTarget } from './memory-target.test-kit.ts'
import { restoreBackup } from './restore-backup.ts'
import { takeBackup } from './take-backup.ts'

describe('the target of these tests keeps', () => {
  backupTargetLaws(async () => memoryTarget())
})

describe('backups of a log', () => {
  let written: WrittenLog
  let folder: string
  let target: MemoryTarget
  beforeEach(async () => {
    written = await writtenLog()
    folder = mkdtempSync(join(tmpdir(), 'vigia-kept-'))
    target = memoryTarget()
    await written.append(1, 2, 3, 4, 5)
    await written.archive((await written.log.rotate())[0]!)
  })
  afterEach(async () => {
    await written.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  let nowMs = Date.UTC(2026, 10, 29)
  const { signal } = new AbortController()
  const work = { signal, reportProgress: () => undefined, database: LOG_DATABASE }
  const take = (source: BackupSource = SOURCE, isVerifying = false) =>
    takeBackup({
      target,
      isVerifying,
      source,
      log: written.folder,
      states: undefined,
      workFolder: folder,
      version: '0.0.0',
      world: { now: () => nowMs++ },
      work,
    })
  let restores = 0
  const restore = async (at?: string): Promise<string> => {
    const to = join(folder, `restored-${++restores}`)
    const openStates = () => Promise.reject(new Error('it has no states'))
    await restoreBackup({ target, at, to, openStates, world: { newId: () => 'abcdef012345' }, work })
    return join(to, 'log')
  }
  const numbersIn = async (log: string): Promise<number[]> => {
    const numbers: number[] = []
    for await (const { sequence } of openLogReader(log).read(0)) numbers.push(sequence)
    return numbers
  }

  test('have segments, archive, catalog and documents, byte for byte; the latest is restored, or the one that is named', async () => {
    const { manifest } = await take()
    expect(manifest).toMatchObject({ kind: 'log', lastSequence: 5, origin: 'none' })
    await written.append(6)
    await take()
    expect(await numbersIn(await restore())).toEqual([3, 4, 5, 6])
    const log = await restore(manifest.name)
    expect(await numbersIn(log)).toEqual([3, 4, 5])
    for (const { path } of manifest.files.filter((file) => /parquet$|documents/.test(file.path)))
      expect(readFileSync(join(log, '..', path)).toString('hex')).toBe(
        readFileSync(join(written.folder, path.slice('log/'.length))).toString('hex'),
      )
    expect(manifest.files.map(({ path }) => path.replace(/-.*/, ''))).toEqual([
      'log/segments/000000000003.log',
      'log/segments/000000000005.log',
      'log/predictions/date=2001',
      'log/archive.jsonl',
      'log/documents/model',
    ])
  })

  test('have what shadows of another layout said of decisions in segments, up to the last moment', async () => {
    const answer = (sequence: number) =>
      encodeShadowAnswer({
        sequence,
        decidedAtMs: 1e12,
        model: 'shadow',
        probability: 1 / sequence,
        isFlagged: false,
      })
    mkdirSync(shadowsFolder(written.folder))
    writeFileSync(shadowsPath(written.folder, '000000000003'), answer(3))
    // Between the first look at the segments and the last.
    const growing: BackupSource = {
      ...SOURCE,
      copySegments: async (from, to, isLast) => {
        if (isLast) appendFileSync(shadowsPath(written.folder, '000000000003'), answer(4))
        return SOURCE.copySegments(from, to, isLast)
      },
    }
    await take(growing)
    const answers = await readShadowAnswers(await restore(), '000000000003.log')
    expect([...answers].map(([sequence, { probability }]) => [sequence, probability])).toEqual([
      [3, 1 / 3],
      [4, 1 / 4],
    ])
  })

  test('copy of a file that has grown its last part alone', async () => {
    const audit = join(written.folder, 'audit.jsonl')
    writeFileSync(audit, 'x'.repeat(2 * PART_BYTES + 10))
    await take()
    expect((await take()).copiedBytes).toBe(0)
    appendFileSync(audit, 'yy')
    expect(await take()).toMatchObject({ copiedParts: 1, copiedBytes: 12 })
    const log = await restore()
    expect(readFileSync(join(log, 'audit.jsonl'), 'utf8')).toBe(readFileSync(audit, 'utf8'))
  })

  test('that were interrupted at any write leave the earlier ones, and the next one is whole', async () => {
    await take()
    for (let writes = 0; ; writes++) {
      await written.append(written.log.lastSequence + 1)
      target.failAfter(writes)
      const failed = await take().then(
        () => false,
        () => true,
      )
      target.failAfter(Number.POSITIVE_INFINITY)
      if (!failed) break
      expect(await numbersIn(await restore())).toEqual([3, 4, 5])
    }
    const { lastSequence } = written.log
    expect(await numbersIn(await restore())).toEqual(
      Array.from({ length: lastSequence - 2 }, (_, n) => n + 3),
    )
    expect(readdirSync(folder).filter((name) => name.startsWith('.backup-'))).toEqual([])
  })

  test('are refused when any byte of them was changed, with the file that has it', async () => {
    const { manifest } = await take()
    for (const { path, parts } of manifest.files) {
      const key = partKey(parts[0]!)
      const bytes = target.blobs.get(key)!
      target.blobs.set(
        key,
        bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)),
      )
      await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_DAMAGED', details: { file: path } })
      target.blobs.set(key, bytes)
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('restored-'))).toEqual([])
    const key = `backups/${manifest.name}.json`
    const text = Buffer.from(target.blobs.get(key)!).toString()
    target.blobs.set(key, Buffer.from(text.replace('"lastSequence":5', '"lastSequence":6')))
    await expect(restore()).rejects.toThrow('its SHA-256 is another')
    expect(await listBackups(target)).toMatchObject([{ problem: expect.stringContaining('is damaged') }])
  })

  test('that verify read everything back, and heal what has rotted in the target for earlier ones too', async () => {
    const { manifest } = await take()
    const whole = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(await take(SOURCE, true)).toMatchObject({ healedParts: 0, verifiedBytes: whole, copiedBytes: 0 })
    for (const { parts } of manifest.files) rot(partKey(parts[0]!))
    expect((await take()).healedParts).toBe(0)
    await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
    const healed = await take(SOURCE, true)
    expect(healed).toMatchObject({ healedParts: manifest.files.length, copiedBytes: whole })
    expect(await numbersIn(await restore())).toEqual([3, 4, 5])
    expect(await numbersIn(await restore(manifest.name))).toEqual([3, 4, 5])
  })

  test('to a target that does not keep what is written are no backups', async () => {
    const { manifest } = await take()
    const put = target.put
    for (const kept of ['parts/', 'backups/']) {
      for (const { parts } of manifest.files) rot(partKey(parts[0]!))
      target.put = async (key, bytes) => {
        await put(key, bytes)
        if (key.startsWith(kept)) rot(key)
      }
      await expect(take(SOURCE, true)).rejects.toMatchObject({ code: 'BACKUP_TARGET_DAMAGED' })
      target.put = put
      expect(await backupNames(target)).toEqual([manifest.name])
    }
  })

  test('to a folder of the log, or a link to it, are refused, as is a restore among the backups', async () => {
    symlinkSync(written.folder, join(folder, 'link'))
    for (const inside of [written.folder, join(written.folder, 'a', 'b'), join(folder, 'link', 'new')]) {
      target.folder = inside
      await expect(take()).rejects.toMatchObject({ code: 'BACKUP_TARGET_INVALID' })
    }
    target.folder = `${written.folder}-beside`
    await take()
    target.folder = folder
    await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_FOLDER_INVALID' })
    delete target.folder
    writeFileSync(join(folder, `restored-${restores + 1}`), '')
    await expect(restore()).rejects.toThrow('is a file')
  })

  test('that are old go by the count of those that can be read', async () => {
    const { manifest: first } = await take()
    const { manifest: second } = await take()
    target.blobs.set(`backups/${second.name}.json`, Buffer.from('{'))
    expect((await removeOldBackups(target, 1)).backups).toEqual([])
    expect(await backupNames(target)).toEqual([first.name, second.name])
  })

  const rot = (key: string): void => {
    const bytes = target.blobs.get(key)!
    target.blobs.set(
      key,
      bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)),
    )
  }

  test('that name a file outside of their folder are refused', async () => {
    const { manifest } = await take()
    for (const path of ['log/../../outside', '/etc/outside', 'log/.hidden', 'other/file', 'log']) {
      await writeManifest(target, { ...manifest, files: [{ ...manifest.files[0]!, path }] })
      await expect(restore()).rejects.toThrow('it is no file of a backup')
    }
  })

  test('a part that the source has damaged is told, not copied', async () => {
    const day = join(written.folder, 'predictions', 'date=2001-09-09')
    const file = join(day, readdirSync(day)[0]!)
    const bytes = readFileSync(file)
    bytes[20]! ^= 1
    writeFileSync(file, bytes)
    await expect(take()).rejects.toMatchObject({ code: 'BACKUP_SOURCE_DAMAGED' })
    expect(await backupNames(target)).toEqual([])
  })

  test('that are old go, with parts that are theirs alone; one that cannot be read keeps all parts', async () => {
    await written.append(6)
    const { manifest: first } = await take()
    await written.append(7)
    await take()
    const { manifest: last } = await take()
    const removed = await removeOldBackups(target, 1)
    expect(removed.backups).toHaveLength(2)
    expect(removed.parts).toBeGreaterThan(0)
    expect(await backupNames(target)).toEqual([last.name])
    await expect(readManifest(target, first.name)).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' })
    expect(await numbersIn(await restore())).toEqual([3, 4, 5, 6, 7])
    await written.append(8)
    await take()
    target.blobs.set(`backups/${last.name}.json`, Buffer.from('{'))
    const unreadable = [last.name]
    expect(await removeOldBackups(target, 1)).toEqual({ backups: [], parts: 0, bytes: 0, unreadable })
  })

  test('of a log that changes meanwhile are of one moment: segments that become Parquet and go, decisions that come', async () => {
    let looks = 0
    const restless: BackupSource = {
      ...SOURCE,
      copySegments: async (...look) => {
        const { log } = written
        if (looks++ % 2 === 1) {
          await written.append(log.lastSequence + 1, log.lastSequence + 2, log.lastSequence + 3)
          const ended = await log.rotate()
          await written.archive(ended[0]!)
        }
        await SOURCE.copySegments(...look)
      },
    }
    for (let n = 0; n < 3; n++) {
      const { manifest } = await take(restless)
      const log = await restore()
      const whole = new Set(await numbersIn(log))
      const catalog = readFileSync(join(log, 'archive.jsonl'), 'utf8').trim().split('\n')
      for (const line of catalog) {
        const { first, last, files } = JSON.parse(line) as {
          first: number
          last: number
          files: { name: string }[]
        }
        for (let number = first; number <= last; number++) whole.add(number)
        for (const { name } of files) expect(existsSync(join(log, name))).toBe(true)
      }
      const { lastSequence } = manifest
      expect([...whole].sort((a, b) => a - b)).toEqual(Array.from({ length: lastSequence }, (_, i) => i + 1))
    }
  })

  test('of a log with a hole are refused', async () => {
    await written.append(9)
    await expect(take()).rejects.toThrow('no file has 6-8 (after 000000000005.log, before 000000000009.log)')
  })
})

const SOURCE: BackupSource = {
  copySegments,
  copyStates: () => Promise.reject(new Error('it has no states')),
  readLog: openLogReader,
}
