import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { makeStagingFolder } from './staging-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-work-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const owner = {
  host: 'bank',
  processId: 7,
  isAlive: (id: number) => id === 7,
} as Partial<FolderOwner> as FolderOwner

test('a work folder that is missing is made', async () => {
  const staging = await makeStagingFolder(join(folder, 'a', 'b'), owner)
  expect(existsSync(staging)).toBe(true)
  expect(dirname(staging)).toBe(join(folder, 'a', 'b'))
})

test('a file is no work folder, which the error says', async () => {
  writeFileSync(join(folder, 'file'), '')
  for (const path of ['file', 'file/below'])
    await expect(makeStagingFolder(join(folder, path), owner)).rejects.toMatchObject({
      code: 'CLI_INVALID_ARGUMENT',
      details: { reason: expect.stringContaining(`--work is ${join(folder, path)}`) },
    })
})
