import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { openSegmentLog } from './segment-log.ts'

const disk = vi.hoisted(() => ({ calls: [] as string[] }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    ftruncateSync: (file: number, size: number): void => {
      disk.calls.push(`cut ${file}`)
      fs.ftruncateSync(file, size)
    },
    fdatasyncSync: (file: number): void => {
      disk.calls.push(`synced ${file}`)
      fs.fdatasyncSync(file)
    },
  }
})

const root = mkdtempSync(join(tmpdir(), 'vigia-cut-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('what a power failure has left of a record is cut off on the disk too, before anything is written', async () => {
  const owner = { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false }
  const folder = join(root, 'log')
  const open = () => openSegmentLog({ folder, owner, durability: 'process', segmentBytes: 1 << 20 })
  const log = await open()
  await log.append(1, Buffer.from('one'))
  await log.close()
  const [segment] = readdirSync(join(folder, 'segments')).filter((name) => name.endsWith('.log'))
  appendFileSync(join(folder, 'segments', segment!), Buffer.alloc(7, 1))
  disk.calls.length = 0
  const again = await open()
  await again.append(2, Buffer.from('two'))
  const [cut = ''] = disk.calls
  expect(disk.calls.slice(0, 2)).toEqual([cut, cut.replace('cut', 'synced')])
  expect(cut).toMatch(/^cut \d+$/)
  await again.close()
})
