import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { openSegmentLog } from './segment-log.ts'

/* What of the calls of the log reaches the disk in which order, where answers promise nothing of it. */
const disk = vi.hoisted(() => ({ calls: [] as string[], paths: new Map<number, string>() }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const openSync = (path: string, flags: string): number => {
    const file = fs.openSync(path, flags)
    disk.paths.set(file, path)
    return file
  }
  const fdatasync = (file: number, done: (error: Error | null) => void): void => {
    disk.calls.push(`sync ${disk.paths.get(file)}`)
    fs.fdatasync(file, done)
  }
  const fsyncSync = (file: number): void => {
    disk.calls.push(`sync ${disk.paths.get(file)}`)
    fs.fsyncSync(file)
  }
  const renameSync = (from: string, to: string): void => {
    disk.calls.push(`move ${from} ${to}`)
    fs.renameSync(from, to)
  }
  return { ...fs, openSync, fdatasync, fsyncSync, renameSync }
})

const root = mkdtempSync(join(tmpdir(), 'vigia-archived-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  disk.calls.length = 0
})

const open = (name: string) =>
  openSegmentLog({
    folder: join(root, name),
    owner: { processId: 1, host: 'here', processSpace: 'test', isAlive: () => false },
    durability: 'process',
    segmentBytes: 1,
  })

/** Calls since the last time, with paths from the folder of the log; the owner's own folder has no name. */
const callsIn = (name: string): string[] =>
  disk.calls.splice(0).map((call) =>
    call
      .split(' ')
      .map((word, i) => (i === 0 ? word : relative(join(root, name), word).replaceAll('\\', '/') || '.'))
      .map((word) => word.replace(/^owner-.*/, 'own'))
      .join(' '),
  )

test('segments that are handed out to be archived are on the disk by then, and so are their names', async () => {
  const log = await open('rotated')
  await log.append(1, Buffer.from('one'))
  await log.append(2, Buffer.from('two'))
  callsIn('rotated')
  expect(await log.rotate()).toEqual(['000000000001.log', '000000000002.log'])
  expect(callsIn('rotated').slice(-4)).toEqual([
    'sync segments/000000000001.log',
    'sync segments/000000000002.log',
    ...(process.platform === 'win32' ? [] : ['sync segments', 'sync .']),
  ])
  await log.close()
})

test('the segment that keeps the last number is on the disk before the others are gone', async () => {
  const log = await open('removed')
  await log.append(1, Buffer.from('one'))
  const segments = await log.rotate()
  callsIn('removed')
  await log.remove(segments)
  expect(callsIn('removed').filter((call) => !call.startsWith('sync .'))).toEqual([
    'move own segments/000000000002.log',
    ...(process.platform === 'win32' ? [] : ['sync segments']),
    'move segments/000000000001.log own',
  ])
  await log.close()
})

test('a document has its name on the disk before records can name it', async () => {
  const log = await open('described')
  callsIn('described')
  await log.writeDocument('model-a', '{}')
  const calls = callsIn('described')
  expect(calls[calls.indexOf('move own documents/model-a.json') + 1]).toBe(
    process.platform === 'win32' ? undefined : 'sync documents',
  )
  await log.close()
})
