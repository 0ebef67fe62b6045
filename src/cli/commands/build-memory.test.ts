import { expect, test } from 'vitest'
import { mostStatesIn } from '../../decisions/owned/cache-size.ts'
import { buildMemory } from './build-memory.ts'

const GIB = 2 ** 30
const MIB = 1 << 20
const memoryOf = (leftBytes: number, heapBytes = 4 * GIB) => ({
  totalBytes: 64 * GIB,
  of: 'the machine' as const,
  heapBytes,
  leftBytes,
})

test.each([
  ['half of what is left, less 512 MiB beside it', 5 * GIB, 0, 2 * GIB],
  ['what the server beside it has not filled yet is none of that', 5 * GIB, 2 * GIB, GIB],
  ['256 MiB at least, whatever the server may want', GIB, 8 * GIB, 256 * MIB],
  ['4 GiB at most', 64 * GIB, 0, 4 * GIB],
])('states are made with %s', (_, leftBytes, unfilledBytes, cacheBytes) => {
  expect(buildMemory(memoryOf(leftBytes), unfilledBytes).cacheBytes).toBe(cacheBytes)
})

test('and with no more of them than JavaScript has room for, whatever the machine has', () => {
  const { memory } = buildMemory(memoryOf(64 * GIB, 256 * MIB), 0)
  expect(mostStatesIn(memory)).toBe(mostStatesIn({ heapBytes: 256 * MIB }))
  expect(memory.totalBytes).toBe(Number.POSITIVE_INFINITY)
})
