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

test('where nobody stands still nobody is told', async () => {
  const folder = await folderWithStates('free')
  await awaitEarlierWriter(folder, () => expect.unreachable(), 2 ** 31 - 1)
})
