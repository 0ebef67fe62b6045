import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openSegmentLog } from './segment-log.ts'

const disk = vi.hoisted(() => ({ failures: 0, fullFor: 0 }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const fsyncSync = (file: number): void => {
    if (disk.failures-- > 0) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
    fs.fsyncSync(file)
  }
  const openSync = (...asked: Parameters<typeof fs.openSync>): number => {
    if (asked[1] === 'wx' && disk.fullFor-- > 0)
      throw Object.assign(new Error('ENOSPC: no space left on device, open'), { code: 'ENOSPC' })
    return fs.openSync(...asked)
  }
  return { ...fs, fsyncSync, openSync }
})

const root = mkdtempSync(join(tmpdir(), 'vigia-leftover-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a segment whose name could not be brought to the disk does not stand in the way of the next one', async () => {
  const owner = { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false }
  const log = await openSegmentLog({
    folder: join(root, 'log'),
    owner,
    durability: 'power',
    segmentBytes: 1 << 20,
  })
  disk.failures = 1
  await expect(log.append(1, Buffer.from('one'))).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
  log.resume()
  await log.append(1, Buffer.from('one'))
  expect(log.lastSequence).toBe(1)
  await log.close()
})

test('a removal that failed and is repeated leaves the log its last number', async () => {
  const owner = { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false }
  const options = { folder: join(root, 'removed'), owner, segmentBytes: 1 << 20 }
  const log = await openSegmentLog({ ...options, durability: 'power' })
  await log.append(1, Buffer.from('one'))
  const segments = await log.rotate()
  disk.failures = 1
  await expect(log.remove(segments)).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
  // As whoever archives does: one after the other, all that are there.
  for (const segment of await log.rotate()) await log.remove([segment])
  await log.close()
  const again = await openSegmentLog({ ...options, durability: 'power' })
  expect(again.lastSequence).toBe(1)
  await again.close()
})

test('a segment that cannot be begun in the place of a leftover leaves that, and the log its last number', async () => {
  const owner = { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false }
  const options = { folder: join(root, 'full'), owner, segmentBytes: 1 << 20 }
  const log = await openSegmentLog({ ...options, durability: 'power' })
  await log.append(1, Buffer.from('one'))
  const segments = await log.rotate()
  disk.failures = 1
  await expect(log.remove(segments)).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
  // The first goes; the leftover cannot be replaced by one of its own.
  disk.fullFor = 1
  const [first, leftover] = await log.rotate()
  await log.remove([first!])
  await expect(log.remove([leftover!])).rejects.toMatchObject({ code: 'SERVING_LOG_FAILED' })
  await log.close()
  const again = await openSegmentLog({ ...options, durability: 'power' })
  expect(again.lastSequence).toBe(1)
  await again.close()
})
