import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { CountingGrowth } from './allocations/count-many-times.ts'

const SCRIPT = fileURLToPath(new URL('allocations/count-many-times.ts', import.meta.url))
/** Three boxed numbers: what is left of 256 decisions that are put into bins together is among them. */
const MOST_BYTES = 3 * 16

test('counting a decision for its day, as a server does at each one, leaves next to nothing on the heap', () => {
  const options = [
    '--expose-gc',
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    // What is compiled when must not hang on what else the machine does.
    '--single-threaded',
    '--import',
    'tsx',
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, SCRIPT], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  const { collections, bytesOfDecision } = JSON.parse(stdout) as CountingGrowth
  expect(collections).toBe(0)
  expect(bytesOfDecision).toBeLessThan(MOST_BYTES)
})
