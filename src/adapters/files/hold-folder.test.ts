import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type FolderOwner, holdFolder } from './hold-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-hold-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

test('a folder is held by one process until it lets go', () => {
  const folder = newFolder()
  const release = holdFolder(folder, process1)
  expect(() => holdFolder(folder, process2)).toThrow(
    expect.objectContaining({
      code: 'SERVING_FOLDER_IN_USE',
      details: { folder, processId: 1, host: 'here', lock: expect.stringContaining(folder) },
    }),
  )
  release()
  holdFolder(folder, process2)
  expect(() => holdFolder(folder, process1)).toThrow('in use by process 2 on here')
})

test('one process does not hold a folder twice, under whatever name', () => {
  const folder = newFolder()
  const release = holdFolder(folder, process1)
  expect(() => holdFolder(`${folder}/../${folder.split('/').at(-1)}`, process1)).toThrow(
    'in use by process 1',
  )
  release()
  holdFolder(folder, process1)()
})

test('what a process that is gone has left is taken over', () => {
  const folder = newFolder()
  holdFolder(folder, process1)
  const release = holdFolder(folder, { ...process2, isAlive: (processId) => processId !== 1 })
  expect(() => holdFolder(folder, { ...process1, processId: 3 })).toThrow('in use by process 2')
  release()
})

test('a process that lets go late takes nothing from who took over', () => {
  const folder = newFolder()
  const late = holdFolder(folder, process1)
  holdFolder(folder, { ...process2, isAlive: () => false })
  late()
  expect(() => holdFolder(folder, { ...process1, processId: 3 })).toThrow('in use by process 2')
})

test('a process with the number of one that is gone takes over, as in a container that was started again', () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'in-use-000000000007.json'), JSON.stringify({ processId: 1, host: 'here' }))
  holdFolder(folder, process1)
  expect(readdirSync(folder)).toEqual(['in-use-000000000008.json'])
})

test('a process of another host counts as alive', () => {
  const folder = newFolder()
  holdFolder(folder, { ...process1, host: 'there' })
  expect(() => holdFolder(folder, { ...process2, isAlive: () => false })).toThrow(
    'in use by process 1 on there',
  )
})

test('a lock that a power failure has emptied is nobody’s', () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'in-use-000000000001.json'), '')
  holdFolder(folder, process1)
})

test('one file is left, however often the folder is held', () => {
  const folder = newFolder()
  for (let i = 0; i < 5; i++) holdFolder(folder, process1)()
  const [lock, ...others] = readdirSync(folder)
  expect(others).toEqual([])
  expect(readFileSync(join(folder, lock!), 'utf8')).toBe('released')
})

const process1: FolderOwner = { processId: 1, host: 'here', isAlive: () => true }
const process2: FolderOwner = { processId: 2, host: 'here', isAlive: () => true }

const newFolder = (): string => {
  const folder = join(root, `folder-${folders++}`)
  mkdirSync(folder)
  return folder
}
