import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { holdFolder } from '../../disk/folder-lock.ts'
import { SimulatedProcesses } from '../../disk/simulated-processes.test-kit.ts'
import { openDatabases } from './lmdb-databases.ts'
import { takeOwnership } from './lmdb-ownership.ts'

/** A lease that says yes: what is left is what a transaction itself sees. */
const blind = async (folder: string) => {
  const { owner } = new SimulatedProcesses().start({ processId: 1 })
  const lease = await holdFolder(folder, owner)
  return {
    ...lease,
    check: () => undefined,
    checkTime: () => undefined,
    from: lease.from,
    release: () => lease.release(),
  }
}

test('of two owners the later one writes, whatever the earlier one believes', async () => {
  const folder = mkdtempSync(join(root, 'store-'))
  const databases = openDatabases(folder)
  const { notes, receipts } = databases
  const lease = await blind(folder)
  const first = await takeOwnership(folder, databases, lease)
  await first.write(() => [notes.put('a', 'first')])
  await first.transaction(() => void receipts.put('r', Buffer.from('first')))
  const second = await takeOwnership(folder, databases, lease)
  const lost = { code: 'SERVING_LEASE_LOST', details: expect.objectContaining({ folder }) }
  // In one turn with a write that is allowed, so in one transaction with it.
  const own = second.write(() => [notes.put('b', 'second')])
  await expect(first.write(() => [notes.put('a', 'again'), receipts.remove('r')])).rejects.toMatchObject(lost)
  await expect(first.transaction(() => void receipts.remove('r'))).rejects.toMatchObject(lost)
  await own
  expect([notes.get('a'), notes.get('b')]).toEqual(['first', 'second'])
  expect(receipts.get('r')?.toString()).toBe('first')
  await second.transaction(() => void receipts.remove('r'))
  expect(receipts.get('r')).toBeUndefined()
  await databases.root.close()
})

test('without a lease nothing is written', async () => {
  const folder = mkdtempSync(join(root, 'store-'))
  const databases = openDatabases(folder)
  let isLost = false
  const ownership = await takeOwnership(folder, databases, {
    ...(await blind(folder)),
    check: () => {
      if (isLost) throw new Error('lost')
    },
  })
  isLost = true
  await expect(ownership.write(() => [databases.notes.put('a', 'x')])).rejects.toThrow('lost')
  await expect(ownership.transaction(() => void databases.notes.put('a', 'x'))).rejects.toThrow('lost')
  expect(databases.notes.get('a')).toBeUndefined()
  await databases.root.close()
})

const root = mkdtempSync(join(tmpdir(), 'vigia-ownership-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
