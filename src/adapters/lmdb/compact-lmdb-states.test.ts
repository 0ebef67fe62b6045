import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { compactLmdbStates } from './compact-lmdb-states.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-compact-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }
const reopen = (folder: string) => openLmdbStateStore({ folder, owner: OWNER })
const bytesIn = (folder: string): number => statSync(join(folder, 'data.mdb')).size

test('a store from which much was removed becomes small, and has what is left', async () => {
  const folder = mkdtempSync(join(work, 'store-'))
  const store = await reopen(folder)
  const key = { kind: 'user', token: 7 } as const
  await store.save([{ key, bytes: new Uint8Array(3000).fill(5), expected: 0 }])
  for (let batch = 0; batch < 20; batch++) {
    const receipts = Array.from({ length: 500 }, (_, index) => ({
      id: `due/${batch}/${String(index).padStart(4, '0')}`,
      bytes: new Uint8Array(400).fill(index % 251),
    }))
    await store.save([], receipts)
  }
  await store.writeNote('whose', 'mine')
  await store.sweepReceipts(undefined, 10_000, (id) => id !== 'due/3/0042')
  await store.close()
  const before = bytesIn(folder)

  await compactLmdbStates(folder, OWNER)

  expect(bytesIn(folder)).toBeLessThan(before / 10)
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([])
  const again = await reopen(folder)
  expect(await again.load([key])).toEqual([{ bytes: new Uint8Array(3000).fill(5), version: 1 }])
  expect(await again.findReceipt('due/3/0042')).toEqual(new Uint8Array(400).fill(42))
  expect(await again.findReceipt('due/3/0043')).toBeUndefined()
  expect(await again.readNote('whose')).toBe('mine')
  expect(await again.save([{ key, bytes: new Uint8Array(8), expected: 1 }])).toBe(true)
  await again.close()
})

test('a store that somebody has open is left alone', async () => {
  const folder = mkdtempSync(join(work, 'store-'))
  const store = await reopen(folder)
  await store.writeNote('whose', 'mine')
  const bytes = bytesIn(folder)
  await expect(compactLmdbStates(folder, OWNER)).rejects.toMatchObject({ code: 'SERVING_FOLDER_IN_USE' })
  expect(bytesIn(folder)).toBe(bytes)
  expect(await store.readNote('whose')).toBe('mine')
  await store.close()
})

test('a folder without states is told as such, and stays as it is', async () => {
  const folder = mkdtempSync(join(work, 'store-'))
  await expect(compactLmdbStates(folder, OWNER)).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
  expect(readdirSync(folder).filter((name) => !name.startsWith('in-use-'))).toEqual([])
})
