import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { copyLmdbStates } from './copy-lmdb-states.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-lmdb-copy-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }

/* While another process writes: test/integration/backup.test.ts. */
test('a copy of states has all of them, says what they have of the log, and is a store itself', async () => {
  const folder = join(work, 'store')
  const store = await openLmdbStateStore({ folder, owner: OWNER })
  const bytes = (n: number) => new Uint8Array(64).fill(n)
  const users = Array.from({ length: 3000 }, (_, n) => ({
    key: { kind: 'user' as const, token: n },
    bytes: bytes(n),
    expected: 0,
  }))
  const cards = [{ key: { kind: 'card', token: 7 }, bytes: bytes(9), expected: 0 }]
  await store.save(
    [...users, ...cards],
    [
      { id: 'decision/t1', bytes: bytes(1) },
      { id: 'log/saved-through', bytes: Buffer.from('41') },
    ],
  )
  await store.writeNote('identity', 'who')
  await store.close()

  const copy = await copyLmdbStates(folder, join(work, 'copy'))
  expect(copy).toMatchObject({ states: 3001, receipts: 2 })
  expect(await copy.readNote('identity')).toBe('who')
  expect(Buffer.from((await copy.findReceipt('log/saved-through'))!).toString()).toBe('41')
  expect(await copy.findReceipt('log/stored-up-to')).toBeUndefined()

  // Nothing has changed: the next copy is the same bytes, so a backup keeps none of them twice.
  await copyLmdbStates(folder, join(work, 'again'))
  const data = (name: string): Buffer => readFileSync(join(work, name, 'data.mdb'))
  expect(Buffer.compare(data('copy'), data('again'))).toBe(0)

  const opened = await openLmdbStateStore({ folder: join(work, 'copy'), owner: OWNER })
  const loaded = await opened.load([users[2999]!.key, cards[0]!.key])
  expect(loaded).toEqual([
    { bytes: bytes(2999), version: 1 },
    { bytes: bytes(9), version: 1 },
  ])
  await opened.close()
})

test('a folder without states is told', async () => {
  await expect(copyLmdbStates(join(work, 'nothing'), join(work, 'none'))).rejects.toThrow(
    'there are no states in it',
  )
})
