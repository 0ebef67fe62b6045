import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { withSimulatorFile } from '../simulation/build-simulator.ts'
import { runSeeds } from '../simulation/run-seeds.ts'

/** test/simulation/simulation.test.ts in full. */
test('every rule of serving holds in 100,000 histories of faults', { timeout: 6 * 3_600_000 }, async () => {
  await withSimulatorFile([], async (path) => {
    const { failures, seeds } = await runSeeds({
      path,
      from: 1,
      to: 100_000,
      threads: availableParallelism(),
    })
    expect(failures.map(({ text }) => text).join('\n\n')).toBe('')
    expect(seeds).toBe(100_000)
  })
})
