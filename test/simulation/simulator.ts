import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { planOf } from './plan.ts'
import { runPlan } from './run-plan.ts'
import { describeFailure, shrink } from './shrink.ts'

export { describeFailure, planOf, runPlan, shrink }

/** Seeds for a thread: from the first number to the last, both inclusive, in steps. */
export interface SeedsOfThread {
  readonly simulatedFrom: number
  readonly simulatedTo: number
  readonly step: number
  /** Ends at the first seed that fails. */
  readonly isFirstEnough: boolean
  /** Whether failures are shrunk and described. */
  readonly isDescribed: boolean
}

/** A seed that failed. */
export interface FoundFailure {
  readonly seed: number
  readonly violation: string
  /** The shortest history that fails like it, for people; empty when nobody asked. */
  readonly text: string
}

/** What a thread tells. */
export type ToldByThread =
  | { readonly kind: 'failed'; readonly failure: FoundFailure }
  | { readonly kind: 'done'; readonly seeds: number; readonly points: number }

/** In a thread of its own: runs the seeds that it was given. */
const runGiven = async (given: SeedsOfThread): Promise<void> => {
  const tell = (message: ToldByThread): void => parentPort!.postMessage(message)
  let seeds = 0
  let points = 0
  for (let seed = given.simulatedFrom; seed <= given.simulatedTo; seed += given.step) {
    const plan = planOf(String(seed))
    const result = await runPlan(plan)
    seeds++
    points += result.points
    const [violation] = result.violations
    if (violation === undefined) continue
    const text = given.isDescribed ? describeFailure(await shrink(plan, violation)) : ''
    tell({ kind: 'failed', failure: { seed, violation, text } })
    if (given.isFirstEnough) break
  }
  tell({ kind: 'done', seeds, points })
}

if (!isMainThread && workerData?.simulatedFrom !== undefined) void runGiven(workerData as SeedsOfThread)
