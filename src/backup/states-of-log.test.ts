import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { rememberLost } from '../decisions/log/log-gaps.ts'
import { readLogName, writeLogName } from '../decisions/log/log-name.ts'
import { ORIGIN_DOCUMENT } from '../decisions/log/model-document.ts'
import { LOG_DATABASE, type WrittenLog, writtenLog } from '../decisions/log/written-log.test-kit.ts'
import type { StoreIdentity } from '../decisions/states/store-identity.ts'
import type { StateStore } from '../ports/state-store.ts'
import { type MemoryTarget, memoryTarget } from './memory-target.test-kit.ts'
import { restoreBackup } from './restore-backup.ts'
import { takeBackup } from './take-backup.ts'

describe('states in a backup are those of its log:', () => {
  let written: WrittenLog
  let folder: string
  let target: MemoryTarget
  beforeEach(async () => {
    written = await writtenLog()
    folder = mkdtempSync(join(tmpdir(), 'vigia-kept-'))
    target = memoryTarget()
    await written.append(1, 2, 3, 4, 5)
    await writeLogName(written.log, 'a1b2c3d4')
  })
  afterEach(async () => {
    await written.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  const work = {
    signal: new AbortController().signal,
    reportProgress: () => undefined,
    database: LOG_DATABASE,
  }
  const take = (savedThrough: number, identity: Partial<StoreIdentity> = {}) =>
    takeBackup({
      target,
      source: {
        copySegments,
        readLog: openLogReader,
        copyStates: async (_, to) => {
          mkdirSync(to, { recursive: true })
          writeFileSync(join(to, 'data.mdb'), 'states')
          const about = { logName: 'a1b2c3d4', ...identity }
          return {
            states: 1,
            receipts: 1,
            readNote: async (name) => (name === 'identity' ? JSON.stringify(about) : undefined),
            findReceipt: async (id) =>
              id === 'log/saved-through' ? Buffer.from(String(savedThrough)) : undefined,
          }
        },
      },
      log: written.folder,
      states: '/bank/state',
      workFolder: folder,
      version: '0.0.0',
      world: { now: () => Date.UTC(2026, 10, 29) },
      work,
    })

  test('those of its name, with no record after its last one, are kept', async () => {
    expect((await take(5)).manifest).toMatchObject({
      kind: 'owned',
      logName: 'a1b2c3d4',
      lastSequence: 5,
      savedThrough: 5,
    })
  })

  test('later ones are refused, and nothing is written to the target', async () => {
    await expect(take(6)).rejects.toMatchObject({
      code: 'BACKUP_STATES_FOREIGN',
      details: { states: '/bank/state', reason: 'they have its records up to 6, and its last one is 5' },
    })
    expect(target.blobs.size).toBe(0)
  })

  test('records that a power failure took from the log are none that it lacks', async () => {
    await rememberLost(written.log, [{ first: 6, last: 7, reason: 'states have them, the log does not' }])
    expect((await take(7)).manifest.savedThrough).toBe(7)
    await expect(take(8)).rejects.toMatchObject({ code: 'BACKUP_STATES_FOREIGN' })
  })

  test('those of another name are refused, as are those that began otherwise', async () => {
    await expect(take(3, { logName: '99999999' })).rejects.toThrow(
      'its predictions are named a1b2c3d4-…, and those of the states 99999999-…',
    )
    const origin = { folder: '/bank/first', lastEventTimeMs: 1, files: { 'states.json': 'aa' } }
    await written.log.writeDocument(ORIGIN_DOCUMENT, JSON.stringify(origin))
    expect((await take(3, { origin: { ...origin, folder: '/moved' } })).manifest.origin).toBe('missing')
    const other = { folder: '/bank/second', lastEventTimeMs: 1, files: { 'states.json': 'bb' } }
    await expect(take(3, { origin: other })).rejects.toThrow(
      'it began with the states of /bank/first, and these with those of /bank/second',
    )
  })

  test('a log that does not say its name is compared by its numbers', async () => {
    rmSync(join(written.folder, 'documents', 'name.json'))
    expect((await take(5, { logName: '99999999' })).manifest.logName).toBe('99999999')
    await expect(take(6, { logName: '99999999' })).rejects.toMatchObject({ code: 'BACKUP_STATES_FOREIGN' })
  })

  test('a restored log has the new name of its states, so that a backup of the copy is one', async () => {
    await take(5)
    const notes = new Map([['identity', JSON.stringify({ logName: 'a1b2c3d4' })]])
    const store = {
      readNote: async (name: string) => notes.get(name),
      writeNote: async (name: string, text: string) => void notes.set(name, text),
      close: async () => undefined,
    } as Partial<StateStore> as StateStore
    const to = join(folder, 'restored')
    const world = { newId: () => 'abcdef012345' }
    await restoreBackup({ target, at: undefined, to, openStates: async () => store, world, work })
    expect(JSON.parse(notes.get('identity')!).logName).toBe('abcdef01')
    expect(await readLogName(openLogReader(join(to, 'log')))).toBe('abcdef01')
    expect(readFileSync(join(to, 'state', 'data.mdb'), 'utf8')).toBe('states')
    expect(existsSync(`${to}.restoring`)).toBe(false)
  })
})
