/** How a run ended, or that it goes on; MLflow's words. */
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

/** A named group of runs. */
export interface Experiment {
  /** Text, although it looks like a number: MLflow's have 18 digits. */
  readonly id: string
  readonly name: string
  readonly tags: Texts
}

/** Texts by key: parameters, tags. */
export type Texts = Readonly<Record<string, string>>

/** One value of a metric. A metric's history is all its values. */
export interface Metric {
  readonly key: string
  /** NaN and the infinities are values too. */
  readonly value: number
  /** Epoch milliseconds. */
  readonly timestampMs: number
  /**
   * Whole; what it counts is the metric's own affair: trees, folds, seconds. 0 where there is one value only.
   */
  readonly step: number
}

/** What is new about a run; absent: nothing of that kind. */
export interface RunEntries {
  readonly params?: Texts
  readonly metrics?: readonly Metric[]
  readonly tags?: Texts
}

export interface NewRun {
  readonly experimentId: string
  readonly name: string
  /** Epoch milliseconds. */
  readonly startTimeMs: number
  /** The run that this one is a part of; it is tagged `mlflow.parentRunId`. */
  readonly parentRunId?: string
  readonly tags?: Texts
}

export interface TrackedRun {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly experimentId: string
  readonly name: string
  readonly status: RunStatus
  /** Epoch milliseconds. */
  readonly startTimeMs: number
  /** Absent while it runs. */
  readonly endTimeMs?: number
  /** Where its artifacts lie, as the tracker names it. */
  readonly artifactUri: string
  readonly params: Texts
  readonly tags: Texts
  /** Of each metric the value of the greatest step; of the latest time where a step has several. */
  readonly metrics: Readonly<Record<string, Metric>>
}

/** A data set that a run read, as MLflow shows it. */
export interface DatasetInput {
  readonly name: string
  /** Identifies the content: at most 36 characters. */
  readonly digest: string
  /** `local`, `generated`. */
  readonly sourceType: string
  /** Where it came from: JSON text. */
  readonly source: string
  /** Columns with their types and counts of rows: JSON texts. */
  readonly schema?: string
  readonly profile?: string
  /** What it was for: `training`, `validation`, `test`. */
  readonly context: string
}

/** A file or folder among the artifacts of a run. */
export interface ArtifactEntry {
  /** From the run's artifact root, with slashes: `reports/evaluation.html`. */
  readonly path: string
  readonly isFolder: boolean
  /** Bytes; absent for a folder. */
  readonly size?: number
}

/** What MLflow takes for the name of a logged model. */
export const canNameLoggedModel = (name: string): boolean => name !== '' && !/[/:.%"']/.test(name)

/** A model that a run has made, as MLflow 3 has them: with files and an address of its own. */
export interface LoggedModel {
  /** `m-` and 32 hexadecimal digits: `models:/m-…` is its address. */
  readonly id: string
  readonly name: string
}

/** Which runs are asked for; all conditions hold at once. */
export interface RunQuery {
  readonly experimentIds: readonly string[]
  /** Tags and parameters with exactly these values. */
  readonly tags?: Texts
  readonly params?: Texts
  readonly status?: RunStatus
  /** Most items of a page; 100 when absent. */
  readonly pageSize?: number
  /** `nextPage` of the page before. */
  readonly page?: string
}

/** Some of the answers, and where the next ones are. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent on the last page. */
  readonly nextPage?: string
}

/**
 * Where runs are recorded.
 *
 * Laws, which `experimentTrackerLaws` (`testing/`) holds every implementation to:
 * 1. What a call has written is there for every process when it returns. A process that is killed leaves all
 *    of that readable.
 * 2. Of those who create one experiment name at once, exactly one succeeds, and its tags are there with it.
 *    The same holds for renaming to one name.
 * 3. A parameter is written once: the same value again changes nothing, another value is
 *    TRACKING_PARAM_CONFLICT, and of those who write different values at once exactly one succeeds.
 * 4. The same metric value (key, value, time, step) logged again is kept once. NaN and infinities come back
 *    as they were.
 * 5. Tags, status and artifacts are replaced by the later one. To write the same again changes nothing.
 * 6. Runs are listed from the latest start to the earliest; pages neither repeat nor leave out a run that was
 *    there all the time.
 * 7. What does not fit (`tracking-limits.ts`) is refused before anything of the call is written; nothing is
 *    cut short.
 * 8. Artifacts come back byte for byte, with their folders and sizes.
 * 9. What is not there is TRACKING_NOT_FOUND.
 * 10. A folder with an `MLmodel` among the artifacts is also a logged model of the run, one and the same
 *    however often it is logged, where the store knows logged models.
 *
 * Any call may throw TRACKING_VALUE_INVALID (a text or number that no store keeps as it is),
 * TRACKING_UNREACHABLE (try again later: nothing, some or all of it was written), TRACKING_UNAUTHORIZED,
 * TRACKING_REFUSED, TRACKING_STORE_BROKEN.
 */
export interface ExperimentTracker {
  /** For people, without credentials: `http://127.0.0.1:5000`, `mlruns`. */
  readonly location: string

  /**
   * @throws TRACKING_EXPERIMENT_EXISTS, also when the name belongs to a deleted experiment;
   * TRACKING_NAME_INVALID
   */
  createExperiment(name: string, tags?: Texts): Promise<Experiment>
  /** @throws TRACKING_EXPERIMENT_EXISTS, TRACKING_NOT_FOUND */
  renameExperiment(id: string, name: string): Promise<void>
  /** By name; undefined when there is none or it was deleted. */
  findExperiment(name: string): Promise<Experiment | undefined>

  /** Starts a run with status RUNNING. */
  createRun(run: NewRun): Promise<TrackedRun>
  /** @throws TRACKING_NOT_FOUND */
  getRun(runId: string): Promise<TrackedRun>
  searchRuns(query: RunQuery): Promise<Page<TrackedRun>>
  /**
   * Adds to a run, however much: an implementation splits what its server takes in parts.
   *
   * @throws TRACKING_PARAM_CONFLICT, TRACKING_NAME_INVALID, TRACKING_VALUE_TOO_LONG, TRACKING_NOT_FOUND
   */
  logEntries(runId: string, entries: RunEntries): Promise<void>
  logInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void>
  /** Inputs of a run, in the order of their names. */
  listInputs(runId: string): Promise<readonly DatasetInput[]>
  /** All values of a metric by step, then time; empty when there are none. */
  metricHistory(runId: string, key: string): Promise<readonly Metric[]>
  /** Ends a run, or starts it again: RUNNING removes the end. */
  setRunStatus(runId: string, status: RunStatus, endTimeMs?: number): Promise<void>

  /**
   * Copies a local file or, with all it holds, a folder to `artifactPath` of the run. A folder with an
   * `MLmodel` becomes a logged model too, named after the last part of its path. @throws
   * TRACKING_NAME_INVALID
   */
  logArtifact(runId: string, localPath: string, artifactPath: string): Promise<void>
  /**
   * What lies directly in a folder of the artifacts, by name; the root when absent. Empty when there is no
   * such folder.
   */
  listArtifacts(runId: string, folder?: string): Promise<readonly ArtifactEntry[]>
  /**
   * Copies a file or a folder of the run to a local path that does not exist yet. @throws TRACKING_NOT_FOUND
   */
  downloadArtifact(runId: string, artifactPath: string, localPath: string): Promise<void>

  /** Logged models that a run has made, in the order of their names; none where the store knows none. */
  listLoggedModels(runId: string): Promise<readonly LoggedModel[]>
  /**
   * Copies all files of a logged model to a local folder that does not exist yet. @throws TRACKING_NOT_FOUND
   */
  downloadLoggedModel(modelId: string, localFolder: string): Promise<void>

  /** Lets go of connections. */
  close(): Promise<void>
}
