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
 * Our own `exp` and `log` are larger than what the compiler inlines as often as a calibrated probability
 * needs them. `scoreOne` may leave two boxed numbers of 16 bytes, and a row of many less than one.
 */
const ONE_BYTES = 2 * 16 + LEAST_BYTES
const ROW_BYTES = 16

// A process each: a server holds one model too, and what the compiler knows of one model must not hang on
// another.
describe.each(['trees without categories', 'trees with categories', 'logistic regression'])('%s', (model) => {
  test('scoring and explaining a row, and scoring many, leave next to nothing on the heap', () => {
    const growth = measure(model)
    expect(growth.collections).toBe(0)
    expect(Object.keys(growth.bytesOfCall)).toEqual(['scoreOne', 'scoreMany', 'explainOne'])
    const { scoreOne, scoreMany, explainOne } = growth.bytesOfCall
    expect(scoreOne, 'bytes left by scoreOne').toBeLessThan(ONE_BYTES)
    expect(scoreMany! / growth.rows, 'bytes of a row left by scoreMany').toBeLessThan(ROW_BYTES)
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
