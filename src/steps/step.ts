import type { Work } from '../disk/work.ts'
import type { Checkpoint } from './checkpoint.ts'

/**
 * One named piece of work of a pipeline, as data. Its outputs are the files it leaves in its own folder.
 *
 * What it computes may depend on nothing but `inputs`, `sources`, `settings` and its code: that is what makes
 * it safe to skip. Threads, memory and folders therefore never appear among `settings`.
 */
export interface Step {
  /** Kebab-case; also the name of its folder. Unique in the pipeline. */
  readonly name: string
  /** What it does, for people: `reading transactions`. */
  readonly activity: string
  /** Names of earlier steps whose files it reads. */
  readonly inputs: readonly string[]
  /**
   * Files from outside the run folder that it reads; absent: none. Known by their content, never by their
   * time.
   */
  readonly sources?: (work: Pick<Work, 'database'>) => Promise<readonly string[]>
  /** The slice of the configuration it depends on, by section: plain JSON. */
  readonly settings: Readonly<Record<string, unknown>>
  /**
   * What it uses that neither is a file it reads nor stands in the configuration, by name: the version of a
   * native library. Counts as settings do; absent: none.
   */
  readonly identities?: () => Promise<Readonly<Record<string, unknown>>>
  /** Address of the module that does the work; it and all it imports are the step's code version. */
  readonly module: string
  run(work: StepWork): Promise<void>
  /**
   * Looks at the finished output, also when the step was skipped, and throws when the pipeline must not go
   * on. Absent: it may.
   */
  readonly check?: (output: (file: string) => string) => Promise<void>
}

/** What a running step is given: its work, and where its files are. */
export interface StepWork extends Work {
  /** Path of a file of its own, in a folder that becomes visible only when the step has finished. */
  output(file: string): string
  /** Path of a file of an earlier step. @throws PIPELINE_INPUT_UNDECLARED */
  input(step: string, file: string): string
  /** For a long step: parts that are done, which the next run finds again after an interruption. */
  readonly checkpoint: Checkpoint
}

/**
 * What became of a step, for the log and for people. `would-run` and `would-skip` are answers of a dry run.
 */
export interface StepOutcome {
  readonly step: string
  readonly state: 'ran' | 'skipped' | 'would-run' | 'would-skip'
  /** Why: `up to date`, `forced`, `setting features.time_zone changed from "UTC" to "Europe/Madrid"`, ... */
  readonly reason: string
  /** Wall time; 0 in a dry run. */
  readonly durationMs: number
}
