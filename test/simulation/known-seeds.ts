// npx tsx test/simulation/known-seeds.ts: says of each mistake of `mutants.ts` whether its known seed finds
// it still, and otherwise the first that does. A change of what is simulated makes other histories of the
// same seeds, and the test of the mistakes then searches for minutes; with its seeds it takes seconds.
import { withSimulatorFile } from './build-simulator.ts'
import { FOUND, MUTANTS } from './mutants.ts'
import { runSeeds } from './run-seeds.ts'

const MOST = 4000

for (const { name, mutations, knownSeed } of [...MUTANTS, ...FOUND]) {
  const verdict = await withSimulatorFile(mutations, async (path) => {
    const seeds = { path, isFirstEnough: true, isDescribed: false }
    const known = await runSeeds({ ...seeds, from: knownSeed, to: knownSeed })
    if (known.failures.length > 0) return `${knownSeed} finds it`
    const { failures } = await runSeeds({ ...seeds, from: 1, to: MOST })
    return `${knownSeed} does not find it, ${failures[0]?.seed ?? `none up to ${MOST}`} does`
  })
  process.stdout.write(`${name}: ${verdict}\n`)
}
