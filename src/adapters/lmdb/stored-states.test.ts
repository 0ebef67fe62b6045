import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { sha256 } from '../../foundation/hash.ts'
import { createRandom } from '../../foundation/random.ts'
import type { EntityKey, OwnedStateStore, StateChange, StoredState } from '../../ports/state-store.ts'
import { compactLmdbStates } from './compact-lmdb-states.ts'
import { copyLmdbStates } from './copy-lmdb-states.ts'
import { type LmdbDatabases, openDatabases } from './lmdb-databases.ts'
import { openLmdbStateStore } from './lmdb-state-store.ts'
import { headOf, PART_BYTES, putState } from './stored-states.ts'

const work = mkdtempSync(join(tmpdir(), 'vigia-stored-states-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const OWNER = { processId: process.pid, host: hostname(), isAlive: () => true }
let folder = work
beforeEach(() => {
  folder = mkdtempSync(join(work, 'store-'))
})
const reopen = (): Promise<OwnedStateStore> => openLmdbStateStore({ folder, owner: OWNER })

/** Lengths on both sides of each boundary. */
const LENGTHS = [0, 1, 8, 2000, -9, -8, -7, -1, 0, 1].map((by, i) => (i < 4 ? by : PART_BYTES + by))
const MORE_LENGTHS = [2 * PART_BYTES - 1, 2 * PART_BYTES, 2 * PART_BYTES + 1, 100_000]

test('a state of any length is read as it was written, after it grew and after it shrank', async () => {
  const store = await reopen()
  const lengths = [...LENGTHS, ...MORE_LENGTHS]
  const random = createRandom(3)
  const courses = [lengths, lengths.toReversed(), lengths.map(() => lengths[random.integer(lengths.length)]!)]
  for (const [token, course] of courses.entries())
    for (const [expected, length] of course.entries()) {
      expect(await store.save([change(token, length, expected)])).toBe(true)
      expect(await loaded(store, [{ kind: 'user', token }])).toEqual([stateOf(token, length, expected)])
    }
  expect((await store.count())['user']).toBe(courses.length)
  await store.close()
  // Nothing of a longer version is left.
  expect(await storedParts()).toBe(courses.reduce((sum, course) => sum + partsOf(course.at(-1)!), 0))
})

test('a part takes one page and no more', async () => {
  const store = await reopen()
  await store.save([change(7, 50 * PART_BYTES, 0)])
  await store.close()
  const { root, parts } = openDatabases(folder, true)
  expect(parts.getStats()).toMatchObject({ pageSize: 4096, entryCount: 50, overflowPages: 50 })
  await root.close()
})

test('a state that is removed leaves nothing, and one that was refused changes nothing', async () => {
  const store = await reopen()
  await store.save([change(1, 30_000, 0), change(2, 30_000, 0)])
  expect(await store.save([change(1, 60_000, 1), change(2, 10, 0)])).toBe(false)
  expect(await loaded(store, [{ kind: 'user', token: 1 }])).toEqual([stateOf(1, 30_000, 0)])
  expect(await store.save([], [], [{ key: { kind: 'user', token: 1 }, expected: 1 }])).toBe(true)
  expect(await loaded(store, [{ kind: 'user', token: 1 }])).toEqual([undefined])
  expect((await store.count())['user']).toBe(1)
  await store.close()
  expect(await storedParts()).toBe(partsOf(30_000))
  const again = await reopen()
  await again.clear()
  await again.close()
  expect(await storedParts()).toBe(0)
})

test('parts of kinds with like names, and of neighbouring tokens, do not mix', async () => {
  const store = await reopen()
  const keys = ['user', 'use', 'user2'].flatMap((kind) =>
    [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52 - 1].map((token) => ({ kind, token })),
  )
  for (const [n, key] of keys.entries())
    await store.save([{ key, bytes: bytesOf(n, 3 * PART_BYTES + n, 0), expected: 0 }])
  expect(await loaded(store, keys)).toEqual(keys.map((_, n) => stateOf(n, 3 * PART_BYTES + n, 0)))
  await store.close()
})

test('walks give each state whole, also where states are written meanwhile; a view gives those of its moment', async () => {
  const store = await reopen()
  const tokens = Array.from({ length: 40 }, (_, n) => n)
  const lengthOf = (token: number): number => (token % 3 === 0 ? 100 : 1000 * token)
  await store.save(tokens.map((token) => change(token, lengthOf(token), 0)))
  const first = tokens.map((token) => [token, ...stateOf(token, lengthOf(token), 0)])
  const view = await store.view()
  const seen: StoredState[] = []
  for await (const { token, ...state } of store.entries('user')) {
    seen.push(state)
    const isOld = state.version === 1
    expect(told(state)).toEqual(
      stateOf(token, isOld ? lengthOf(token) : 60_000 - 1000 * token, state.version - 1),
    )
    if (seen.length === 5) await store.save(tokens.map((one) => change(one, 60_000 - 1000 * one, 1)))
  }
  expect(seen.map(({ version }) => version)).toEqual(tokens.map((_, n) => (n < 5 ? 1 : 2)))
  const viewed: unknown[] = []
  for await (const { token, version, bytes } of view.entries('user'))
    viewed.push([token, ...told({ version, bytes })!])
  expect(viewed).toEqual(first)
  expect(await loaded(view, [{ kind: 'user', token: 31 }])).toEqual([stateOf(31, 31_000, 0)])
  view.close()
  const some = await store.statesAfter!('user', 29, 5)
  expect(some.map(({ token, ...state }) => [token, ...told(state)!])).toEqual(
    [30, 31, 32, 33, 34].map((token) => [token, ...stateOf(token, 60_000 - 1000 * token, 1)]),
  )
  await store.close()
})

test('a store of before, with long states in one value, is read, copied, and written on', async () => {
  const old = open<Buffer, number>({ path: folder, maxDbs: 20, noSubdir: false, encoding: 'binary' })
  const states = old.openDB<Buffer, number>({ name: 'states-user', encoding: 'binary' })
  const lengths = [10, 5000, 300_000]
  for (const [token, length] of lengths.entries()) {
    const value = Buffer.alloc(8 + length)
    value.writeDoubleLE(4, 0)
    value.set(bytesOf(token, length, 3), 8)
    await states.put(token, value)
  }
  for (const name of ['merchant', 'device']) old.openDB({ name: `states-${name}`, encoding: 'binary' })
  for (const name of ['kinds', 'receipts', 'notes', 'owner']) old.openDB({ name, encoding: 'string' })
  await old.close()

  // What only reads makes no database of parts.
  const copied = join(work, 'copied')
  expect(await copyLmdbStates(folder, copied)).toMatchObject({ states: 3 })
  const store = await reopen()
  const keys = lengths.map((_, token) => ({ kind: 'user', token }))
  expect(await loaded(store, keys)).toEqual(lengths.map((length, token) => stateOf(token, length, 3)))
  expect(await store.save([change(2, 250_000, 4)])).toBe(true)
  expect(await loaded(store, keys.slice(1))).toEqual([stateOf(1, 5000, 3), stateOf(2, 250_000, 4)])
  await store.close()
  expect(await storedParts()).toBe(partsOf(250_000))
})

test('what is made compact, and a copy, have all parts', async () => {
  const store = await reopen()
  const tokens = Array.from({ length: 30 }, (_, n) => n)
  await store.save(tokens.map((token) => change(token, 2000 * token, 0)))
  await store.close()
  await compactLmdbStates(folder, OWNER)
  const copied = join(work, 'again')
  expect(await copyLmdbStates(folder, copied)).toMatchObject({ states: 30 })
  folder = copied
  const opened = await reopen()
  expect(
    await loaded(
      opened,
      tokens.map((token) => ({ kind: 'user', token })),
    ),
  ).toEqual(tokens.map((token) => stateOf(token, 2000 * token, 0)))
  await opened.close()
})

test('a copy without one of the parts is refused', async () => {
  const store = await reopen()
  await store.save([change(1, 30_000, 0)])
  await store.close()
  const { root, parts } = openDatabases(folder)
  await parts.remove([...parts.getKeys()][3]!)
  await root.close()
  const copied = join(work, 'broken')
  mkdirSync(copied)
  await expect(copyLmdbStates(folder, copied)).rejects.toThrow("part 3 of 8 of a user's state is missing")
  const opened = await reopen()
  await expect(opened.load([{ kind: 'user', token: 1 }])).rejects.toMatchObject({
    code: 'SERVING_STORE_FAILED',
  })
  await opened.close()
})

test('a file with free pages does not grow while states of all lengths are written', async () => {
  const { held, end } = await churn((databases, one) => {
    putState(databases, one, headOf(databases, one.key))
  })
  expect(end / held).toBeLessThan(1.1)
})

test('in one value each the same states would make it grow', async () => {
  const { held, end } = await churn(({ statesOf }, { key, bytes }) => {
    void statesOf(key.kind).put(key.token, Buffer.from(bytes))
  })
  expect(end / held).toBeGreaterThan(1.2)
})

/**
 * Writes states over and over, first beside a reader that holds what they replace, as a backup does. The list
 * of free pages is bounded as that of a store a hundred times as large.
 *
 * @returns bytes of the file when the reader ended, and after as many writes again and again
 */
const churn = async (
  put: (databases: LmdbDatabases, change: StateChange) => void,
): Promise<{ readonly held: number; readonly end: number }> => {
  const random = createRandom(11)
  const databases = openDatabases(folder, false, { maxFreeSpaceToLoad: 50, maxFreeSpaceToRetain: 100 })
  const states = Array.from({ length: 300 }, () => ({ length: 5000 + random.integer(40_000), version: 0 }))
  states[0]!.length = 2_600_000
  const room = new Uint8Array(3_000_000).fill(7)
  const write = (tokens: readonly number[]) =>
    databases.root.transaction(() => {
      for (const token of tokens) {
        const state = states[token]!
        state.length += random.integer(400)
        const bytes = room.subarray(0, state.length)
        put(databases, { key: { kind: 'user', token }, bytes, expected: state.version++ })
      }
    })
  const writeSome = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      const some = Array.from({ length: 10 }, () => 1 + random.integer(states.length - 1))
      await write([...new Set(n % 20 === 0 ? [0, ...some] : some)])
    }
  }
  const fileBytes = (): number => statSync(join(folder, 'data.mdb')).size
  for (const token of states.keys()) await write([token])
  await writeSome(200)
  const reader = databases.root.useReadTransaction()
  await writeSome(100)
  reader.done()
  const held = fileBytes()
  await writeSome(300)
  const end = fileBytes()
  await databases.root.close()
  return { held, end }
}

const change = (token: number, length: number, expected: number) => ({
  key: { kind: 'user', token },
  bytes: bytesOf(token, length, expected),
  expected,
})

const stateOf = (token: number, length: number, expected: number): Told =>
  told({ version: expected + 1, bytes: bytesOf(token, length, expected) })!

/** Version, length and digest of a state: long ones are slow to compare. */
type Told = readonly [version: number, length: number, digest: string]
const told = (state: StoredState | undefined): Told | undefined =>
  state && [state.version, state.bytes.length, sha256(Buffer.from(state.bytes))]

const loaded = async (
  store: Pick<OwnedStateStore, 'load'>,
  keys: readonly EntityKey[],
): Promise<(Told | undefined)[]> => (await store.load(keys)).map(told)

/** Bytes that tell in which state, which version and where they stand. */
const bytesOf = (token: number, length: number, expected: number): Uint8Array =>
  new Uint8Array(length).map((_, i) => (31 * token + 7 * expected + i + (i >> 8)) % 251)

const partsOf = (length: number): number => (8 + length <= PART_BYTES ? 0 : Math.ceil(length / PART_BYTES))

/** Entries of the closed store's database of parts. */
const storedParts = async (): Promise<number> => {
  const { root, parts } = openDatabases(folder, true)
  const { entryCount } = parts.getStats() as { readonly entryCount: number }
  await root.close()
  return entryCount
}
