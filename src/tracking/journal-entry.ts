import type { DatasetInput, Metric, RunStatus, Texts } from '../ports/experiment-tracker.ts'

/** Name of the tracked run itself in its journal; other names are runs within it. */
export const ROOT_RUN = 'run'

/**
 * One operation on the tracker, in names of the journal's own: nothing in it depends on what a tracker
 * answered.
 *
 * `run` names a run of the journal: `run` is the tracked run, `model/random_forest` one within it.
 */
export type JournalEntry =
  | JournalBegin
  | {
      readonly op: 'run'
      readonly run: string
      /** The run that it is a part of; absent for the tracked run. */
      readonly parent?: string
      readonly name: string
      readonly startTimeMs: number
      readonly tags: Texts
    }
  | {
      readonly op: 'entries'
      readonly run: string
      readonly params?: Texts
      readonly tags?: Texts
      readonly metrics?: readonly Metric[]
    }
  | { readonly op: 'inputs'; readonly run: string; readonly inputs: readonly DatasetInput[] }
  | {
      readonly op: 'artifact'
      readonly run: string
      /** Copy in the journal's folder: `artifacts/3f2a…`, a file or a folder. */
      readonly copy: string
      /** Place among the artifacts of the run: `reports/evaluation.html`. */
      readonly path: string
      /** What the copy holds; one that was altered since is not sent. */
      readonly sha256: string
      readonly bytes: number
    }
  | {
      readonly op: 'status'
      readonly run: string
      readonly status: RunStatus
      /** Absent with RUNNING. */
      readonly endTimeMs?: number
    }
  | {
      readonly op: 'version'
      readonly run: string
      readonly model: string
      /** Of the model, should it be new. */
      readonly description: string
      /** Folder with an `MLmodel` among the artifacts of the run. */
      readonly artifactPath: string
      readonly tags: Texts
    }
  | JournalNote

/** The first line of a journal. */
export interface JournalBegin {
  readonly op: 'begin'
  readonly schema: 1
  /** UUID: the tag `vigia.run_key` of the run, by which it is found again. */
  readonly runKey: string
  readonly experiment: string
  /** Hash of what may not change while it is the same run: the configuration. */
  readonly settings: string
}

/** For whoever writes the journal; the tracker is not told. */
export interface JournalNote {
  readonly op: 'note'
  /** Name of a step whose outcome stands above. */
  readonly step: string
  /** Hash of the step's output. */
  readonly content: string
}

/** The entry as one line, without its end. NaN and the infinities, which JSON lacks, become texts. */
export const encodeEntry = (entry: JournalEntry): string =>
  JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  )

/** Undefined when the line is no entry. */
export const decodeEntry = (line: string): JournalEntry | undefined => {
  try {
    const entry = JSON.parse(line) as JournalEntry
    if (typeof entry?.op !== 'string') return undefined
    if (entry.op !== 'entries' || entry.metrics === undefined) return entry
    return { ...entry, metrics: entry.metrics.map((metric) => ({ ...metric, value: Number(metric.value) })) }
  } catch {
    return undefined
  }
}
