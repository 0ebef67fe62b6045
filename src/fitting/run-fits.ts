import type { Work } from '../disk/work.ts'
import { checkMemory, memoryOfFit } from './fit-memory.ts'
import { findAlgorithm } from './fit-on-threads.ts'
import type { FitJob, LabelledTable } from './learning-messages.ts'
import { type LearningTeam, withLearningThreads } from './learning-threads.ts'
import { bytesToShare, shareTable } from './share-data.ts'

export type { FitJob, LabelledTable } from './learning-messages.ts'

/** Many small fits on rows of one table. */
export interface Fits {
  readonly rows: LabelledTable
  readonly jobs: readonly FitJob[]
  /** Fits under way at once, at least 1; fewer where memory allows no more. */
  readonly threads: number
  /** Memory that all of them together may take beside what is in use already. */
  readonly memoryLimitBytes: number
  /** For errors: `searching settings`. */
  readonly activity: string
  readonly work: Pick<Work, 'signal'>
  /**
   * Told each job's scores when they are there, in any order: raw probabilities of its scored rows. Awaited
   * before the end.
   */
  readonly onScores: (scores: Float64Array, job: number) => void | Promise<void>
  /** Address of a module that lists the algorithms as `ALGORITHMS`; the project's own when absent. */
  readonly algorithms?: string
}

/**
 * Makes every fit on one thread of a pool, each from start to end. The table lies in shared memory once; a
 * thread copies the rows of its job. What an interruption finds unfinished is lost, so fits should be small.
 *
 * @throws PIPELINE_MEMORY_SHORT when not even one fit has room, INTERRUPTED, PIPELINE_THREAD_ENDED, what an
 * algorithm or `onScores` throws
 */
export const runFits = async (fits: Fits): Promise<void> => {
  const { jobs, activity, work, onScores } = fits
  if (jobs.length === 0) return
  const threads = Math.min(fits.threads, jobs.length, await fitsAtOnce(fits))
  const rows = shareTable(fits.rows)
  const thread = {
    kind: 'fits' as const,
    rows,
    ...(fits.algorithms !== undefined && { algorithms: fits.algorithms }),
  }
  let given = 0
  let done = 0
  const giveNext = ({ tell }: LearningTeam<void>, index: number): void => {
    const number = given++
    const job = jobs[number]
    if (job !== undefined) tell(index, { number, job })
  }
  await withLearningThreads<void>(Array<typeof thread>(threads).fill(thread), {
    activity,
    work,
    onStart: (team) => {
      for (let index = 0; index < threads; index++) giveNext(team, index)
    },
    onMessage: (message, index, team) => {
      // A fit that was finished between the interruption and the end of its thread came too late.
      if (message.kind !== 'scores' || work.signal.aborted) return
      giveNext(team, index)
      const noted = Promise.resolve(onScores(message.scores, message.job))
      noted.then(() => ++done === jobs.length && team.finish(), team.fail)
    },
  })
}

/** Fits that have room in memory at once. @throws PIPELINE_MEMORY_SHORT when it is none */
const fitsAtOnce = async ({ rows, jobs, memoryLimitBytes, algorithms }: Fits): Promise<number> => {
  const features = rows.table.columns.length
  const shared = bytesToShare(rows)
  let most = Number.POSITIVE_INFINITY
  for (const { algorithm: name, settings, training, scored } of jobs) {
    const algorithm = await findAlgorithm(name, algorithms)
    const shape = { rows: training.length, validationRows: scored.length, features }
    const copied = (shape.rows + shape.validationRows) * (features + 2) * Float64Array.BYTES_PER_ELEMENT
    const needed = copied + memoryOfFit({ algorithm, shape, settings, threads: 1 })
    checkMemory({ algorithm, shape }, shared + needed, memoryLimitBytes)
    most = Math.min(most, Math.floor((memoryLimitBytes - shared) / needed))
  }
  return most
}
