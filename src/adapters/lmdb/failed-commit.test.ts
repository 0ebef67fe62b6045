import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-failed-commit-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What a kit tells that runs where a file has 4 MB at most, and writing more fails as on a full disk. */
const onFullDisk = (kit: string): Readonly<Record<string, unknown>> => {
  // The signal that says so is left out.
  const path = `src/adapters/lmdb/${kit}.test-kit.ts`
  const limited = `trap '' XFSZ; ulimit -f 8192; exec "${process.execPath}" --import tsx ${path} "${folder}"`
  const { status, stdout } = spawnSync('sh', ['-c', limited], { encoding: 'utf8' })
  expect(status).toBe(0)
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

const failed = 'SERVING_STORE_FAILED'

// LMDB's own promises of a transaction that failed, which nobody is given, would end the process; and what it
// promises of flushing and closing would never come, which ends one that waits for nothing else in silence.
test('a transaction that the disk refuses is an error of the save, and not the end of the process', () => {
  const { saved, ...rest } = onFullDisk('fill-disk')
  expect(rest).toEqual({
    outcome: failed,
    again: failed,
    first: 100_000,
    flushed: 'flushed',
    closed: 'closed',
  })
  expect(saved).toBeGreaterThan(5)
})

// What says so is in /proc.
test.skipIf(process.platform !== 'linux')(
  'a store whose last state cannot be brought to the disk is closed all the same, and says so',
  () => {
    expect(onFullDisk('close-unflushed')).toEqual({
      outcome: failed,
      isOpen: true,
      closed: 'SERVING_LEASE_LOST',
      // Whoever closes it again is told the same.
      again: 'SERVING_LEASE_LOST',
      late: failed,
      after: 0,
      first: 100_000,
      nextClosed: 'done',
    })
  },
)
