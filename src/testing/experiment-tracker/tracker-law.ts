import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  Experiment,
  ExperimentTracker,
  Metric,
  Texts,
  TrackedRun,
} from '../../ports/experiment-tracker.ts'
import { closingAfter, lawMaker } from '../law.ts'

/** An experiment tracker, as its laws open it. */
export interface ExperimentTrackerSubject {
  /**
   * A handle on the same store each time: the laws open two, as two processes would. The store need not be
   * empty; what the laws make has names of its own.
   */
  open(): Promise<ExperimentTracker>
}

interface Tools {
  readonly tracker: ExperimentTracker
  /** The same store, as another process sees it. */
  readonly other: ExperimentTracker
  /** A new one. */
  readonly experiment: Experiment
  /** Starts a run in `experiment`. */
  readonly startRun: (tags?: Texts) => Promise<TrackedRun>
  /** Local, for this law alone. */
  readonly folder: string
  /** Writes a local file and gives its path. */
  readonly fileWith: (name: string, content: string | Uint8Array) => string
}

export const law = lawMaker<ExperimentTrackerSubject, Tools>(async (subject, check) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-tracker-'))
  const opened: ExperimentTracker[] = []
  const open = async (): Promise<ExperimentTracker> => {
    const tracker = await subject.open()
    opened.push(tracker)
    return tracker
  }
  const work = async (): Promise<void> => {
    const tracker = await open()
    const other = await open()
    const experiment = await tracker.createExperiment(unique('runs'))
    const startRun: Tools['startRun'] = (tags = {}) =>
      tracker.createRun({ experimentId: experiment.id, name: 'a run', startTimeMs: START, tags })
    const fileWith: Tools['fileWith'] = (name, content) => {
      const path = join(folder, `${randomUUID()}-${name}`)
      writeFileSync(path, content)
      return path
    }
    await check({ tracker, other, experiment, startRun, folder, fileWith })
  }
  await closingAfter(work, async () => {
    rmSync(folder, { recursive: true, force: true })
    await Promise.all(opened.map((tracker) => tracker.close()))
  })
})

export const START = 1_790_000_000_000

export const unique = (name: string): string => `${name} ${randomUUID()}`

export const metric = (key: string, value: number, step = 0, timestampMs = START): Metric => ({
  key,
  value,
  timestampMs,
  step,
})
