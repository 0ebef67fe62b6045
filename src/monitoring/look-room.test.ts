import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mountSmallDisk } from '../../test/small-disk.ts'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { withDatabase } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { LEAST_LOOK_MIB, lookMemoryIn, lookSpillIn, type MemoryRoom, namingFullDisk } from './look-room.ts'

const MEBIBYTE = 1 << 20

describe('memory of a look', () => {
  const room = (totalMiB: number, serverMiB: number, freeMiB = 1e6): MemoryRoom => ({
    totalMiB,
    of: 'the container',
    serverMiB,
    freeMiB,
  })

  test('is all that it wants where there is room beside the server', () => {
    expect(lookMemoryIn(512, room(64_000, 768))).toEqual({ heapMiB: 512, sortMiB: 512 })
    expect(lookMemoryIn(2048, room(64_000, 768))).toEqual({ heapMiB: 512, sortMiB: 2048 })
  })

  test('is less where there is less, and never more together than is left', () => {
    for (let total = 640 + LEAST_LOOK_MIB; total < 4000; total += 7)
      for (const wanted of [128, 512, 4096]) {
        const { heapMiB, sortMiB } = lookMemoryIn(wanted, room(total, 640))
        expect(heapMiB + sortMiB + 128).toBeLessThanOrEqual(total - 640)
        expect([heapMiB >= 128 && heapMiB <= 512, sortMiB >= 128 && sortMiB <= wanted]).toEqual([true, true])
      }
  })

  test('counts what is free on the machine, too', () => {
    expect(lookMemoryIn(512, room(64_000, 768, 384))).toEqual({ heapMiB: 128, sortMiB: 128 })
  })

  test('that is too little is told before anything begins, with what there is', () => {
    expect(() => lookMemoryIn(512, room(1023.9, 640))).toThrow(
      expect.objectContaining({
        code: 'MONITORING_MEMORY_SHORT',
        message: expect.stringMatching(
          /needs 384 MiB .* 383 MiB are left: the container has 1023 MiB, the server may take 640 of them/,
        ),
      }),
    )
    expect(() => lookMemoryIn(128, room(512, 700))).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ left: 0 }) }),
    )
  })
})

describe('disk of a look', () => {
  const disk = (freeMiB: number, unarchivedMiB = 0) => ({
    folder: 'monitoring',
    freeBytes: freeMiB * MEBIBYTE,
    unarchivedBytes: unarchivedMiB * MEBIBYTE,
  })

  test('is what is left beside what the log must keep, what it makes of the log, and its report', () => {
    expect(lookSpillIn(256, disk(1000, 100)) / MEBIBYTE).toBe(1000 - 256 - 100 - 16)
    expect(lookSpillIn(256, disk(372, 100))).toBe(0)
  })

  test('that is too little is told before anything is written', () => {
    expect(() => lookSpillIn(256, disk(371.5, 100))).toThrow(
      expect.objectContaining({
        code: 'MONITORING_DISK_SHORT',
        message: expect.stringMatching(/writes 116 MiB .* leave 256 MiB free .* 371 MiB are free/),
      }),
    )
  })
})

describe('a disk that is full', () => {
  /** Sorts more than the memory holds. */
  const sort = (tempDirectory: string, mostSpillBytes?: number) =>
    withDatabase(
      {
        threads: 1,
        memoryLimit: '24MiB',
        tempDirectory,
        ...(mostSpillBytes !== undefined && { mostSpillBytes }),
      },
      (connection) =>
        connection.runAndReadAll(
          'SELECT max(t) FROM (SELECT hash(i) AS h, hash(i + 1)::VARCHAR AS t FROM range(1500000) r(i) ORDER BY h OFFSET 3)',
        ),
    ).then(
      () => undefined,
      (error: unknown) => namingFullDisk(error, 'work'),
    )

  test('is named where what a look may write while it sorts is used up', async () => {
    const { folder, remove } = testFolder()
    expect(await sort(join(folder, 'spill'), 1 << 20)).toMatchObject({
      code: 'MONITORING_DISK_FULL',
      details: { folder: 'work' },
    })
    remove()
  })

  test('is named where others have filled it, in whatever words', async () => {
    const { folder, remove } = testFolder()
    const small = mountSmallDisk(join(folder, 'disk'), 4 << 10)
    try {
      if (small !== undefined)
        expect(await sort(join(folder, 'disk', 'spill'), 1 << 30)).toMatchObject({
          code: 'MONITORING_DISK_FULL',
        })
    } finally {
      small?.unmount()
      remove()
    }
    const saved = new VigiaError('DATASET_NO_SPACE', { path: 'report.html' })
    expect(namingFullDisk(saved, 'work')).toMatchObject({ code: 'MONITORING_DISK_FULL' })
    const other = new Error('something else')
    expect(namingFullDisk(other, 'work')).toBe(other)
  })
})
