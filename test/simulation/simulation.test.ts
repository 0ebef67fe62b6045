import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSimulator, type Simulator } from './build-simulator.ts'
import { MUTANTS } from './mutants.ts'
import { runSeeds } from './run-seeds.ts'

/*
 * The whole serving path below HTTP in one simulated machine room: seeds choose what is asked, in which order
 * things are done and what goes wrong. `docs/simulation.md` says what is simulated and which rules are
 * checked.
 */

let folder = ''
let path = ''
let simulator: Simulator
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-simulation-'))
  path = await buildSimulator(folder)
  simulator = (await import(pathToFileURL(path).href)) as Simulator
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a simulated server', () => {
  test('keeps every rule in 500 histories of faults', async () => {
    const { failures, seeds } = await runSeeds({ path, from: 1, to: 500, threads: 2 })
    expect(failures.map(({ text }) => text).join('\n\n')).toBe('')
    expect(seeds).toBe(500)
  })

  test('has one history for each seed', async () => {
    const { planOf, runPlan } = simulator
    const hashes = new Set<string>()
    for (const seed of ['1', '2', '3', '5', '8', '13']) {
      const first = await runPlan(planOf(seed))
      const again = await runPlan(planOf(seed))
      expect([again.hash, again.points], seed).toEqual([first.hash, first.points])
      hashes.add(first.hash)
    }
    expect(hashes.size).toBe(6)
  })

  test('meets each kind of fault, both kinds of states and both durabilities within the first hundred seeds', () => {
    const plans = Array.from({ length: 100 }, (_, n) => simulator.planOf(String(n + 1)))
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect([...kinds].sort()).toEqual([
      'clock',
      'disk',
      'empty',
      'kill',
      'network',
      'pause',
      'power',
      'store',
      'takeover',
    ])
    const setups = new Set(plans.map(({ setup }) => `${setup.states} ${setup.durability}`))
    expect([...setups].sort()).toEqual(['owned power', 'owned process', 'shared power', 'shared process'])
  })
})

test('a seed that fails is told by its shortest history and by the command that runs it again', async () => {
  const mutant = MUTANTS.find(({ name }) => name.startsWith('the frontier passes'))!
  const mutated = await mkdtemp(join(tmpdir(), 'vigia-simulation-'))
  try {
    const built = await buildSimulator(mutated, mutant.mutations)
    const { failures } = await runSeeds({ path: built, from: 1, to: 50, isFirstEnough: true })
    const [failure] = failures
    const { planOf } = simulator
    const whole = planOf(String(failure?.seed)).requests.length
    const shortest = Number(/has (\d+) requests/.exec(failure?.text ?? '')?.[1])
    expect(shortest).toBeLessThan(whole)
    expect(failure?.text).toContain(`npm run simulate -- --seed ${failure?.seed}`)
    expect(failure?.text).toContain('BROKEN')
  } finally {
    await rm(mutated, { recursive: true, force: true })
  }
})
