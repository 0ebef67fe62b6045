import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { HeapGrowth } from './allocations/score-many-times.ts'

const SCRIPT = fileURLToPath(new URL('allocations/score-many-times.ts', import.meta.url))
/**
 * Half of the smallest object, which is a boxed number: the compiler too leaves something on the heap, but
 * not at each call.
 */
const LEAST_BYTES = 8
/**
 * Our own `exp` and `log` are larger than what the compiler inlines, so a number that is given to one of them
 * and the one that it gives are boxed: three calls of a calibrated probability, 16 bytes each way.
 */
const ELEMENTARY_BYTES = 6 * 16 + LEAST_BYTES

// A process each: a server holds one model too, and what the compiler knows of one model must not hang on
// another.
describe.each(['trees without categories', 'trees with categories', 'logistic regression'])('%s', (model) => {
  test('scoring and explaining a row, and scoring many, leave no more on the heap than exp and log do', () => {
    const growth = measure(model)
    expect(growth.collections).toBe(0)
    expect(Object.keys(growth.bytesOfCall)).toEqual(['scoreOne', 'scoreMany', 'explainOne'])
    const { scoreOne, scoreMany, explainOne } = growth.bytesOfCall
    expect(scoreOne, 'bytes left by scoreOne').toBeLessThan(ELEMENTARY_BYTES)
    expect(scoreMany! / growth.rows, 'bytes of a row left by scoreMany').toBeLessThan(ELEMENTARY_BYTES)
    expect(explainOne, 'bytes left by explainOne').toBeLessThan(LEAST_BYTES)
  })
})

const measure = (model: string): HeapGrowth => {
  const options = [
    '--expose-gc',
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    // What is compiled when must not hang on what else the machine does.
    '--single-threaded',
    '--import',
    'tsx',
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, SCRIPT, model], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as HeapGrowth
}
