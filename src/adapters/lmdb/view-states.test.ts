import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { OwnedStateStore, StatesView } from '../../ports/state-store.ts'
import { createMemoryStateStore } from '../memory/memory-state-store.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'

const OWNER = { processId: 4_000_000_000, host: 'here', processSpace: 'test', isAlive: () => false }

let folder: string | undefined
const openLmdb = (): Promise<OwnedStateStore> => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-view-'))
  return openLmdbStateStore({ folder, owner: OWNER })
}
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  folder = undefined
})

describe.each([
  ['lmdb', openLmdb],
  ['memory', async () => createMemoryStateStore()],
])('a view of states in %s', (_, open) => {
  test('is of one moment, whatever is written and removed meanwhile', async () => {
    const store = await open()
    await put(store, 'old', 0)
    const view = await store.view()
    await put(store, 'new', 1)
    await store.save([change('ip', 4, 'later', 0)], [{ id: 'due/3', bytes: text('later') }])
    await store.sweepReceipts(undefined, 10, (id) => id === 'due/1')
    expect(await statesOf(view, 'user')).toEqual([
      [1, 'old'],
      [2 ** 40, 'old'],
    ])
    expect(await statesOf(view, 'merchant')).toEqual([[3, 'old']])
    expect(await receiptsOf(view)).toEqual(['due/1', 'due/2'])
    expect(
      await view.load([
        { kind: 'merchant', token: 3 },
        { kind: 'ip', token: 4 },
      ]),
    ).toMatchObject([{ bytes: text('old'), version: 1 }, undefined])
    expect(await view.findReceipt('log/saved-through')).toEqual(text('old'))
    view.close()
    const after = await store.view()
    expect(await statesOf(after, 'ip')).toEqual([[4, 'later']])
    expect(await receiptsOf(after)).toEqual(['due/2', 'due/3'])
    after.close()
    await store.close()
  })
})

describe.each([
  ['lmdb', openLmdb],
  ['memory', async () => createMemoryStateStore()],
])('states in %s', (_, open) => {
  test('are read in the order of their tokens, some at a time, and removed with their version', async () => {
    const store = await open()
    await put(store, 'old', 0)
    const first = await store.statesAfter!('user', undefined, 1)
    expect(first).toMatchObject([{ token: 1, version: 1 }])
    expect(await store.statesAfter!('user', 1, 5)).toMatchObject([{ token: 2 ** 40, version: 1 }])
    expect(await store.statesAfter!('user', 2 ** 40, 5)).toEqual([])
    const gone = { key: { kind: 'user', token: 1 }, expected: 1 }
    expect(await store.save([], [], [{ ...gone, expected: 2 }])).toBe(false)
    expect(await store.save([change('merchant', 3, 'new', 1)], [], [gone])).toBe(true)
    expect(await store.load([gone.key, { kind: 'merchant', token: 3 }])).toMatchObject([
      undefined,
      { version: 2 },
    ])
    expect((await store.count())['user']).toBe(1)
    // As an entity that was never seen.
    expect(await store.save([change('user', 1, 'again', 0)])).toBe(true)
    await store.close()
  })
})

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

const change = (kind: string, token: number, value: string, expected: number) => ({
  key: { kind, token },
  bytes: text(value),
  expected,
})

const put = (store: OwnedStateStore, value: string, expected: number): Promise<boolean> =>
  store.save(
    [
      change('user', 2 ** 40, value, expected),
      change('user', 1, value, expected),
      change('merchant', 3, value, expected),
    ],
    ['due/2', 'due/1', 'log/saved-through', 'zebra'].map((id) => ({ id, bytes: text(value) })),
  )

const statesOf = async (view: StatesView, kind: string): Promise<[number, string][]> => {
  const found: [number, string][] = []
  for await (const { token, bytes } of view.entries(kind)) found.push([token, Buffer.from(bytes).toString()])
  return found
}

const receiptsOf = async (view: StatesView): Promise<string[]> => {
  const found: string[] = []
  for await (const { id } of view.receipts('due/')) found.push(id)
  return found
}
