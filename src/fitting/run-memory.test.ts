import { describe, expect, it } from 'vitest'
import { memoryOfRun, runMemoryBytes } from './run-memory.ts'

describe('the memory of a run', () => {
  it('is about what runs were seen to take', () => {
    for (const { rows, features, threads, seenBytes } of SEEN) {
      const ratio = memoryOfRun({ rows, features, threads }) / seenBytes
      expect(ratio, `${rows} rows, ${features} features, ${threads} threads`).toBeGreaterThan(0.9)
      expect(ratio, `${rows} rows, ${features} features, ${threads} threads`).toBeLessThan(1.2)
    }
  })

  it('may be what the settings say', () => {
    expect(runMemoryBytes('400MB')).toBe(400e6)
    expect(runMemoryBytes('unlimited')).toBe(Number.POSITIVE_INFINITY)
    expect(runMemoryBytes('auto')).toBeGreaterThan(0)
  })
})

const MEBIBYTE = 1 << 20

/** The largest private memory (RssAnon and RssShmem) of real runs on generated data: docs/runs.md#memory. */
const SEEN = [
  { rows: 12_000, features: 139, threads: 2, seenBytes: 262 * MEBIBYTE },
  { rows: 50_000, features: 139, threads: 2, seenBytes: 484 * MEBIBYTE },
  { rows: 100_000, features: 139, threads: 1, seenBytes: 689 * MEBIBYTE },
  { rows: 100_000, features: 139, threads: 2, seenBytes: 709 * MEBIBYTE },
  { rows: 200_000, features: 139, threads: 2, seenBytes: 885 * MEBIBYTE },
  { rows: 400_000, features: 139, threads: 2, seenBytes: 989 * MEBIBYTE },
  { rows: 100_000, features: 139, threads: 4, seenBytes: 726 * MEBIBYTE },
  { rows: 50_000, features: 5, threads: 2, seenBytes: 215 * MEBIBYTE },
  { rows: 200_000, features: 5, threads: 2, seenBytes: 286 * MEBIBYTE },
]
