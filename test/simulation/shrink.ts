import type { Plan } from './plan.ts'
import { type RunResult, runPlan } from './run-plan.ts'

/** A plan that fails, and how. */
export interface Failure {
  readonly plan: Plan
  readonly result: RunResult
}

/** Runs that a search for something shorter may take. */
const MOST_RUNS = 400

/** Failures of one kind: the same words about other numbers. */
const kindOf = (violation: string): string => violation.replaceAll(/\d+/g, '#').slice(0, 60)

/**
 * The shortest plan that still fails in the same way: requests and faults are left out, by halves and then
 * one by one, until none can be left out any more.
 *
 * @param violation what did not hold first when the whole plan was carried out
 */
export const shrink = async (plan: Plan, violation: string): Promise<Failure> => {
  const wanted = kindOf(violation)
  let runs = 0
  let shortest: Failure = { plan, result: await runPlan(plan) }
  const tryPlan = async (candidate: Plan): Promise<boolean> => {
    if (runs++ >= MOST_RUNS) return false
    const result = await runPlan(candidate)
    const [found] = result.violations
    if (found === undefined || kindOf(found) !== wanted) return false
    shortest = { plan: candidate, result }
    return true
  }
  /** Leaves out parts of a list, larger ones first. @returns whether any could be */
  const leaveOut = async <T>(
    list: () => readonly T[],
    withList: (left: readonly T[]) => Plan,
  ): Promise<boolean> => {
    let isShorter = false
    for (let size = Math.ceil(list().length / 2); size >= 1; size = Math.floor(size / 2))
      for (let from = 0; from < list().length; ) {
        const left = [...list().slice(0, from), ...list().slice(from + size)]
        if (await tryPlan(withList(left))) isShorter = true
        else from += size
      }
    return isShorter
  }
  for (;;) {
    const faults = await leaveOut(
      () => shortest.plan.faults,
      (left) => ({ ...shortest.plan, faults: left }),
    )
    const requests = await leaveOut(
      () => shortest.plan.requests,
      (left) => ({ ...shortest.plan, requests: left }),
    )
    if (!faults && !requests) break
  }
  await tryPlan({ ...shortest.plan, endsKilled: false })
  const plain = shortest.plan.requests.map((request) => ({ ...request, copies: 1, lostAnswers: 0 }))
  await tryPlan({ ...shortest.plan, requests: plain })
  return shortest
}

/** What people need to see of a failure, and how they see it again. */
export const describeFailure = ({ plan, result }: Failure): string => {
  const { seed, setup, requests, faults } = plan
  return [
    `seed ${seed} fails: ${result.violations[0]}`,
    `the shortest history found has ${requests.length} requests and ${faults.length} faults, and this setup:`,
    `  ${JSON.stringify(setup)}`,
    ...faults.map((fault) => `  fault: ${JSON.stringify(fault)}`),
    'what happens (milliseconds, process, event):',
    ...result.story.map((line) => `  ${line}`),
    `run it again: npm run simulate -- --seed ${seed}`,
  ].join('\n')
}
