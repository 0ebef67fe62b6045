import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openIndexedStates } from './indexed-states.ts'
import { readEntries, writeEntries } from './state-snapshot.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-indexed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const written = (tokens: readonly number[]): string => {
  const path = join(folder, 'user.states')
  // State number n has n modulo 7 bytes: the first one has none.
  writeEntries(
    path,
    tokens.map((token, n) => ({ token, bytes: stateOf(n) })),
  )
  return path
}

const stateOf = (n: number): Uint8Array => new Uint8Array(n % 7).fill(n)

test('each state is found by its token, and others are not there, also when the file has lost its name', () => {
  // More than the index has room for at first.
  const tokens = Array.from({ length: 3000 }, (_, n) => 2 ** 40 + 3 * n)
  const path = written(tokens)
  const all = [...readEntries(path)]
  const states = openIndexedStates(path)
  rmSync(path)
  for (const n of [0, 1, 1023, 1024, 2999]) expect(states.get(tokens[n]!)).toEqual(stateOf(n))
  for (const token of [0, 2 ** 40 + 1, 2 ** 50]) expect(states.get(token)).toBeUndefined()
  expect([...states.entries()]).toEqual(
    all.map(({ token, bytes }) => ({ token, bytes: Uint8Array.from(bytes) })),
  )
  states.close()
})

test('a file without states has none, and one that was cut is refused', () => {
  const empty = openIndexedStates(written([]))
  expect([...empty.entries()]).toEqual([])
  empty.close()
  const path = written([1, 2, 3])
  truncateSync(path, 40)
  expect(() => openIndexedStates(path)).toThrow(RangeError)
})
