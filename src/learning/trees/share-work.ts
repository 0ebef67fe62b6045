import type { Crew } from '../algorithm.ts'

/**
 * Runs `work` for each of `tasks` whole numbers from 0 on, each on one thread of the crew; returns when all
 * are done.
 */
export type ShareWork = (tasks: number, work: (task: number) => void) => void

/** Counters that a crew has. */
const COUNTERS = 16

/** Every thread must call what this returns the same number of times, in the same order. */
export const createShareWork = (crew: Crew): ShareWork => {
  let phase = 0
  return (tasks, work) => {
    const counter = phase++ % COUNTERS
    // A counter is set back when no thread can be at its last use any more and none can be at its next.
    if (crew.index === 0) crew.resetCount((counter + COUNTERS / 2) % COUNTERS)
    for (let task = crew.takeNext(counter); task < tasks; task = crew.takeNext(counter)) work(task)
    crew.wait()
  }
}
