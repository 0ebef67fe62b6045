import { mkdtempSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openStoreFolder, type StoreFolder } from './store-folder.ts'
import { withStoreLock } from './store-lock.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-lock-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('who was slow between looking and taking does not hold the store beside another', async () => {
  const folder = openFolder('slow')
  await withStoreLock(folder, owner, now, () => {})
  // It saw lock 1 released. Before it makes lock 2, that one was taken, released and removed, and somebody
  // holds lock 3.
  let isHeldByOther = false
  let isOvertaken = false
  const slow: StoreFolder = {
    ...folder,
    writeOnce: (path, text) => {
      if (!isOvertaken) {
        isOvertaken = true
        isHeldByOther = folder.writeOnce(lock(folder, 3), JSON.stringify({ processId: 2, host: 'there' }))
        unlinkSync(lock(folder, 1))
        // It lets go as soon as the slow one waits.
        queueMicrotask(() => {
          isHeldByOther = false
          folder.write(lock(folder, 3), 'released')
        })
      }
      return folder.writeOnce(path, text)
    },
  }
  expect(await withStoreLock(slow, owner, now, () => isHeldByOther)).toBe(false)
})

test('the lock of a process that is dead is taken over', async () => {
  const folder = openFolder('dead')
  folder.writeOnce(lock(folder, 7), JSON.stringify({ processId: 2, host: 'here' }))
  expect(await withStoreLock(folder, { ...owner, isAlive: () => false }, now, () => 'done')).toBe('done')
})

test('the store is released when the work fails', async () => {
  const folder = openFolder('fails')
  const failure = withStoreLock(folder, owner, now, () => {
    throw new Error('no')
  })
  await expect(failure).rejects.toThrow('no')
  expect(await withStoreLock(folder, owner, now, () => 'done')).toBe('done')
})

const owner = { processId: 1, host: 'here', isAlive: () => true }

const now = (): number => Date.now()

const openFolder = (name: string): StoreFolder => openStoreFolder(join(root, name), now)

const lock = (folder: StoreFolder, number: number): string =>
  join(folder.bin, `lock-${String(number).padStart(12, '0')}`)
