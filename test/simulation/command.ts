import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { withSimulator } from './build-simulator.ts'
import { FOUND, MUTANTS } from './mutants.ts'
import { runSeeds } from './run-seeds.ts'

/*
 * npm run simulate -- --seed 137            one seed: its history, and when it fails the shortest one
 * npm run simulate -- --from 1 --to 1000    many
 * npm run simulate -- --mutant 3 --to 500   with mistake number 3 of `mutants.ts` in the code
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '500' },
    threads: { type: 'string', default: String(availableParallelism()) },
    mutant: { type: 'string' },
  },
})

const mutants = [...MUTANTS, ...FOUND]
const mutant = values.mutant === undefined ? undefined : mutants[Number(values.mutant) - 1]
if (mutant !== undefined) console.log(`with this mistake in the code: ${mutant.name}`)

const main = (): Promise<void> =>
  withSimulator(mutant?.mutations ?? [], async ({ planOf, runPlan, shrink, describeFailure }, path) => {
    if (values.seed !== undefined) {
      const plan = planOf(values.seed)
      const result = await runPlan(plan)
      const [violation] = result.violations
      console.log(result.story.join('\n'))
      console.log(`${result.points} points, history ${result.hash}`)
      if (violation === undefined) return
      console.log(`\n${describeFailure(await shrink(plan, violation))}`)
      process.exitCode = 1
      return
    }
    const beganMs = performance.now()
    const report = await runSeeds({
      path,
      from: Number(values.from),
      to: Number(values.to),
      threads: Number(values.threads),
      onFailure: ({ text }) => console.log(`${text}\n`),
    })
    const seconds = (performance.now() - beganMs) / 1000
    console.log(
      `${report.seeds} seeds with ${report.points} points in ${seconds.toFixed(1)} s, ${(report.cpuMs / 1000).toFixed(1)} s of processor time: ${report.failures.length} fail`,
    )
    if (report.failures.length > 0) process.exitCode = 1
  })

void main()
