import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { stateStoreLaws } from '../../testing/state-store-laws.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-lmdb-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

let folder = work
const reopen = () => openLmdbStateStore({ folder, owner: OWNER })

holdToLaws('the LMDB store keeps the laws of a state store', stateStoreLaws, {
  open: () => {
    folder = mkdtempSync(join(work, 'store-'))
    return reopen()
  },
  reopen,
})

test('a call that comes while the store closes is refused; it ends no process', async () => {
  folder = mkdtempSync(join(work, 'store-'))
  const store = await reopen()
  const saved = store.save([], [{ id: 'label/1', bytes: new Uint8Array(8) }])
  const closing = store.close()
  const calls: Promise<unknown>[] = []
  let isOver = false
  void closing.finally(() => {
    isOver = true
  })
  while (!isOver) {
    calls.push(
      store.findReceipt('label/1').catch((error: Error) => error),
      store.sweepReceipts(undefined, 10, () => false).catch((error: Error) => error),
    )
    await new Promise(setImmediate)
  }
  await closing
  expect(await saved).toBe(true)
  await expect(store.findReceipt('label/1')).rejects.toMatchObject({ code: 'SERVING_STORE_FAILED' })
  // LMDB's timer would throw in one of the next turns.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  expect((await Promise.all(calls)).length).toBeGreaterThan(0)
  const again = await reopen()
  expect(await again.findReceipt('label/1')).toHaveLength(8)
  await again.close()
})

test('whoever closes it again waits for the same end, and changes nothing', async () => {
  folder = mkdtempSync(join(work, 'store-'))
  const store = await reopen()
  const ends = [store.close(), store.close()]
  await Promise.all(ends)
  const next = await reopen()
  await store.close()
  await next.writeNote('whose', 'the next one')
  expect(await next.readNote('whose')).toBe('the next one')
  await next.close()
})

const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }
