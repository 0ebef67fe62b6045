import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type Plan, planOf, withMovedCrashes } from './plan.ts'
import { runPlan } from './run-plan.ts'
import { describeFailure, shrink } from './shrink.ts'

export { describeFailure, planOf, runPlan, shrink }

/** Seeds for a thread: from the first number to the last, both inclusive, in steps. */
export interface SeedsOfThread {
  readonly simulatedFrom: number
  readonly simulatedTo: number
  readonly step: number
  /** Each is also run with its crashes up to so many points earlier and later. */
  readonly moves: number
  /** Ends at the first seed that fails. */
  readonly isFirstEnough: boolean
  /** Whether failures are shrunk and described. */
  readonly isDescribed: boolean
}

/** A seed that failed. */
export interface FoundFailure {
  readonly seed: number
  /** By how many points its crashes were moved, earlier or later; 0: not at all. */
  readonly moved: number
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
    seeds++
    const found = await runNear(String(seed), given.moves)
    points += found.points
    if (found.failure === undefined) continue
    const { plan, violation, moved } = found.failure
    const text = given.isDescribed ? describeFailure(await shrink(plan, violation)) : ''
    tell({ kind: 'failed', failure: { seed, moved, violation, text } })
    if (given.isFirstEnough) break
  }
  tell({ kind: 'done', seeds, points })
}

interface Failed extends Pick<FoundFailure, 'moved' | 'violation'> {
  readonly plan: Plan
}

/** Runs a seed, then with its crashes moved, nearest first, until one fails. */
const runNear = async (seed: string, moves: number): Promise<{ points: number; failure?: Failed }> => {
  let points = 0
  for (let n = 0; n <= 2 * moves; n++) {
    const by = n % 2 === 0 ? n / 2 : -(n + 1) / 2
    const plan = withMovedCrashes(planOf(seed), by)
    const result = await runPlan(plan)
    points += result.points
    const [violation] = result.violations
    if (violation !== undefined) return { points, failure: { plan, violation, moved: Math.abs(by) } }
  }
  return { points }
}

if (!isMainThread && workerData?.simulatedFrom !== undefined) void runGiven(workerData as SeedsOfThread)
