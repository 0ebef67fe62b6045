import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { backupTargetLaws } from '../../backup/backup-target-laws.test-kit.ts'
import { folderTarget } from './folder-target.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-target-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('a folder keeps', () => {
  backupTargetLaws(async () => folderTarget(join(mkdtempSync(join(root, 'laws-')), 'made')))
})

test('what was half written when a process was killed is not there', async () => {
  const folder = mkdtempSync(join(root, 'half-'))
  const target = folderTarget(folder)
  await target.put('backups/a.json', new Uint8Array(3))
  writeFileSync(join(folder, 'backups', 'b.json.123.half'), 'ha')
  expect(await target.list('backups/')).toEqual([{ key: 'backups/a.json', bytes: 3 }])
})

test('what cannot be written names the folder', async () => {
  const file = join(mkdtempSync(join(root, 'file-')), 'file')
  writeFileSync(file, '')
  await expect(folderTarget(file).put('backups/a.json', new Uint8Array(1))).rejects.toThrow(
    `Backups in ${file} cannot be read or written`,
  )
})
