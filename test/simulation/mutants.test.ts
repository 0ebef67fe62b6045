import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSimulator, withSimulatorFile } from './build-simulator.ts'
import { FOUND, MUTANTS, type Mutant } from './mutants.ts'
import { runSeeds } from './run-seeds.ts'
import type { FoundFailure } from './simulator.ts'

/** Seeds from 1 on within which a mistake must be found, where the one that has found it before does not. */
const ENOUGH = 1000

let folder = ''
/** The simulator of the code as it is. */
let unchanged = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-simulation-'))
  unchanged = await buildSimulator(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Points by which crashes of a known seed are moved: the code may take other turns than it took then. */
const MOVES = 40

/** The first seed that fails with the mistake in the code, and how. */
const findMistake = ({ mutations, knownSeed }: Mutant): Promise<FoundFailure | undefined> =>
  withSimulatorFile(mutations, async (path) => {
    const seeds = { path, isFirstEnough: true, isDescribed: false }
    const known = await runSeeds({ ...seeds, from: knownSeed, to: knownSeed, moves: MOVES })
    const { failures } = known.failures.length > 0 ? known : await runSeeds({ ...seeds, from: 1, to: ENOUGH })
    return failures[0]
  })

describe.each([
  ['mistakes that somebody could make', MUTANTS],
  ['mistakes that were there until the simulator found them', FOUND],
])('%s', (_, mutants) => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s: found', async (__, mutant) => {
    const found = await findMistake(mutant)
    expect(found).toBeDefined()
    // The same histories keep every rule without the mistake.
    const { seed, moved } = found!
    const without = await runSeeds({ path: unchanged, from: seed, to: seed, moves: moved })
    expect(without.failures).toEqual([])
  })
})
