import { Worker } from 'node:worker_threads'
import type { FoundFailure, SeedsOfThread, ToldByThread } from './simulator.ts'

/** What came of many seeds. */
export interface SeedsReport {
  readonly failures: readonly FoundFailure[]
  readonly seeds: number
  /** Turns of processes and calls of their disks, in all of them. */
  readonly points: number
  /** Processor time of the runs, milliseconds. */
  readonly cpuMs: number
}

export interface SeedsOptions {
  /** File of a built simulator. */
  readonly path: string
  /** The first and the last seed, both inclusive. */
  readonly from: number
  readonly to: number
  /** How many run at the same time. */
  readonly threads?: number
  /** Each is also run with its crashes up to so many points earlier and later; 0 when left out. */
  readonly moves?: number
  readonly isFirstEnough?: boolean
  readonly isDescribed?: boolean
  /** Told of each failure at once. */
  readonly onFailure?: (failure: FoundFailure) => void
}

/** Runs seeds in threads: each has a simulator of its own, and errors that nobody handles are its own too. */
export const runSeeds = async (options: SeedsOptions): Promise<SeedsReport> => {
  const { from, to, threads = 1 } = options
  // Of the whole process: a thread sees the time of all.
  const before = process.cpuUsage()
  const reports = await Promise.all(
    Array.from({ length: Math.min(threads, to - from + 1) }, (_, n) => runThread(options, from + n, threads)),
  )
  const sum = (of: (report: SeedsReport) => number): number => reports.reduce((all, one) => all + of(one), 0)
  const { user, system } = process.cpuUsage(before)
  return {
    failures: reports.flatMap(({ failures }) => failures).sort((a, b) => a.seed - b.seed),
    seeds: sum(({ seeds }) => seeds),
    points: sum(({ points }) => points),
    cpuMs: (user + system) / 1000,
  }
}

const runThread = (
  { path, to, moves = 0, isFirstEnough = false, isDescribed = true, onFailure }: SeedsOptions,
  from: number,
  step: number,
): Promise<SeedsReport> =>
  new Promise((resolve, reject) => {
    const seeds: SeedsOfThread = {
      simulatedFrom: from,
      simulatedTo: to,
      step,
      moves,
      isFirstEnough,
      isDescribed,
    }
    const worker = new Worker(path, { workerData: seeds })
    const failures: FoundFailure[] = []
    worker.on('message', (told: ToldByThread) => {
      if (told.kind === 'failed') {
        failures.push(told.failure)
        onFailure?.(told.failure)
      } else resolve({ failures, seeds: told.seeds, points: told.points, cpuMs: 0 })
    })
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`a thread of the simulator ended with ${code}`)))
  })
