import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { awaitEarlierWriter } from './earlier-writer.ts'
import { openDatabases } from './lmdb-databases.ts'

const root = mkdtempSync(join(tmpdir(), 'vigia-earlier-writer-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Holds the lock of LMDB until it is killed. */
const HOLDER = `
const [library, path] = process.argv.slice(1)
const { writeSync } = require('node:fs')
require(library).open({ path, noSubdir: false, maxDbs: 256 }).transactionSync(() => {
  writeSync(1, 'holds')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

const folderWithStates = async (name: string): Promise<string> => {
  const folder = join(root, name)
  const { root: environment, notes } = openDatabases(folder)
  await notes.put('a', 'kept')
  await environment.close()
  return folder
}

test('a process that stands still in a transaction is waited for, and people are told; when it has ended it goes on', async () => {
  const folder = await folderWithStates('held')
  const library = createRequire(import.meta.url).resolve('lmdb')
  const holder = spawn(process.execPath, ['-e', HOLDER, library, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  let tellings = 0
  let isOver = false
  const told = new Promise<void>((resolve) => {
    const waiting = awaitEarlierWriter(folder, () => resolve(void tellings++), 1)
    void waiting.then(() => {
      isOver = true
    })
  })
  await told
  expect(isOver).toBe(false)
  const over = awaitEarlierWriter(folder, () => undefined)
  holder.kill('SIGKILL')
  await over
  const { root: environment, notes } = openDatabases(folder)
  expect([notes.get('a'), tellings]).toEqual(['kept', 1])
  await environment.close()
})

/** Has a folder open, and has read, until it is killed. */
const READER = `
const [library, path] = process.argv.slice(1)
const { writeSync } = require('node:fs')
const root = require(library).open({ path, noSubdir: false, maxDbs: 256 })
root.openDB({ name: 'notes', encoding: 'string' }).get('a')
writeSync(1, 'reads')
setInterval(() => undefined, 1000)`

test('a process with the same id, as another container has it, is waited for until it has ended', async () => {
  const folder = await folderWithStates('same id')
  const library = createRequire(import.meta.url).resolve('lmdb')
  const reader = spawn(process.execPath, ['-e', READER, library, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(reader.stdout, 'data')
  // Another id is none of its business.
  await awaitEarlierWriter(folder, () => expect.unreachable(), 2 ** 31 - 1, reader.pid! + 1)
  let over: Promise<void> = Promise.resolve()
  await new Promise<void>((told) => {
    over = awaitEarlierWriter(folder, told, 1, reader.pid)
  })
  expect(await Promise.race([over.then(() => 'over'), nextTurns()])).toBe('waits')
  reader.kill('SIGKILL')
  await over
})

const nextTurns = (): Promise<string> => new Promise((resolve) => setImmediate(resolve, 'waits'))

test('where nobody stands still nobody is told', async () => {
  const folder = await folderWithStates('free')
  await awaitEarlierWriter(folder, () => expect.unreachable(), 2 ** 31 - 1)
})
