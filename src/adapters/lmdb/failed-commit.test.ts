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

// LMDB's own promises of a transaction that failed, which nobody is given, would end the process; and what it
// promises of flushing and closing would never come, which ends one that waits for nothing else in silence.
test('a transaction that the disk refuses is an error of the save, and not the end of the process', () => {
  const kit = 'src/adapters/lmdb/fill-disk.test-kit.ts'
  // A file of 4 MB at most; the signal that says so is left out, and writing fails as on a full disk.
  const limited = `trap '' XFSZ; ulimit -f 8192; exec "${process.execPath}" --import tsx ${kit} "${folder}"`
  const { status, stdout } = spawnSync('sh', ['-c', limited], { encoding: 'utf8' })
  expect(status).toBe(0)
  const { saved, ...rest } = JSON.parse(stdout) as Readonly<Record<string, unknown>>
  const failed = 'SERVING_STORE_FAILED'
  expect(rest).toEqual({
    outcome: failed,
    again: failed,
    first: 100_000,
    flushed: 'flushed',
    closed: 'closed',
  })
  expect(saved).toBeGreaterThan(5)
})
