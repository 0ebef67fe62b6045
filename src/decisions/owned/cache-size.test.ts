import { describe, expect, it } from 'vitest'
import { cacheSizeIn, ENOUGH_MEMORY, followingSizeIn, mostStatesIn } from './cache-size.ts'

const MEBIBYTE = 1 << 20
const container = (mebibytes: number) =>
  ({ totalBytes: mebibytes * MEBIBYTE, of: 'the container', heapBytes: 259 * MEBIBYTE }) as const

const lmdb = (cache_size: number) => ({ kind: 'lmdb', cache_size }) as const

describe('the size of the cache', () => {
  it('is 512 MiB by default where there is room', () => {
    expect(cacheSizeIn(lmdb(0), container(8192))).toBe(512)
  })

  it('is half of what a server leaves where there is less', () => {
    expect(cacheSizeIn(lmdb(0), container(1024))).toBe(384)
    expect(cacheSizeIn(lmdb(0), container(512))).toBe(128)
    expect(cacheSizeIn(lmdb(0), container(128))).toBe(16)
  })

  it('is what was asked for up to all that a server leaves', () => {
    expect(cacheSizeIn(lmdb(256), container(512))).toBe(256)
    expect(() => cacheSizeIn(lmdb(257), container(512))).toThrow(
      /state_store.cache_size is 257 MiB, .*256 MiB.* the container has 512 MiB. Allowed: 16 to 256/,
    )
    expect(() => cacheSizeIn(lmdb(64), container(266))).toThrow(/Allowed: 16, or 0/)
  })

  it.each([1, 8, 15])('is refused where it is so small that it is of no use: %i MiB', (mebibytes) => {
    expect(() => cacheSizeIn(lmdb(mebibytes), container(512))).toThrow(
      new RegExp(`cache_size is ${mebibytes} MiB, .* Allowed: 16 to 256, or 0 for what fits`),
    )
    expect(() => cacheSizeIn(lmdb(mebibytes), container(128))).toThrow(/Allowed: 16, or 0/)
    expect(() => cacheSizeIn(lmdb(mebibytes), ENOUGH_MEMORY)).toThrow(/Allowed: 16 to 1048576, or 0/)
    expect(cacheSizeIn(lmdb(16), container(128))).toBe(16)
  })

  it('is doubled while states of another layout follow, where nobody asked for a size and there is room', () => {
    expect(followingSizeIn(lmdb(0), container(8192))).toBe(512)
    expect(followingSizeIn(lmdb(0), container(1024))).toBe(192)
    expect(followingSizeIn(lmdb(0), container(512))).toBe(64)
    expect(followingSizeIn(lmdb(0), container(128))).toBe(0)
    expect(followingSizeIn(lmdb(256), container(8192))).toBe(0)
    expect(followingSizeIn({ kind: 'redis', cache_size: 0 }, container(8192))).toBe(0)
  })

  it('is not asked of a server that has no states of its own', () => {
    expect(cacheSizeIn({ kind: 'redis', cache_size: 4096 }, container(256))).toBe(4096)
  })

  it('has no more states than the memory of JavaScript has room for', () => {
    expect(mostStatesIn({ heapBytes: 4144 * MEBIBYTE })).toBeGreaterThan(4e6)
    expect(mostStatesIn({ heapBytes: 304 * MEBIBYTE })).toBe(213_909)
    expect(mostStatesIn({ heapBytes: 64 * MEBIBYTE })).toBe(5000)
  })
})
