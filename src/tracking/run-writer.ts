import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../foundation/hash.ts'
import type { DatasetInput, RunEntries, RunStatus, Texts } from '../ports/experiment-tracker.ts'
import { fitEntries, LONG_VALUES_FILE } from './fit-entries.ts'
import { type Journal, openJournal } from './journal.ts'
import { type JournalEntry, ROOT_RUN } from './journal-entry.ts'

/** Writes the journal of one tracked run in the words of runs; goes on with one that was broken off. */
export interface RunWriter {
  /** Of the journal. */
  readonly folder: string
  readonly runKey: string
  /** Content hash by step whose outcome is recorded. */
  readonly recordedSteps: ReadonlyMap<string, string>
  /** The greatest step of a metric of the tracked run; -1 when there is none. */
  lastStepOf(key: string): number
  /** Begins a run within the tracked one; without effect when it is there. */
  startRun(run: string, parent: string, name: string, tags: Texts, startTimeMs: number): Promise<void>
  log(run: string, entries: RunEntries): Promise<void>
  logInputs(run: string, inputs: readonly DatasetInput[]): Promise<void>
  /** Without effect when the place has this content already. */
  logArtifact(run: string, source: string, path: string): Promise<void>
  /** Ends a run that is open, and all that are open within it. */
  endRun(run: string, status: RunStatus, endTimeMs: number): Promise<void>
  registerVersion(version: Omit<Extract<JournalEntry, { op: 'version' }>, 'op' | 'run'>): Promise<void>
  noteStep(step: string, content: string): Promise<void>
}

/** Of the tracked run itself. */
export interface NewTrackedRun {
  readonly runKey: string
  readonly experiment: string
  readonly settings: string
  readonly name: string
  readonly startTimeMs: number
  readonly tags: Texts
}

export const beginRun = async (
  folder: string,
  { runKey, experiment, settings, name, startTimeMs, tags }: NewTrackedRun,
): Promise<RunWriter> => {
  const journal = await openJournal(folder)
  const fitted = fitEntries({ tags })
  await journal.append(
    { op: 'begin', schema: 1, runKey, experiment, settings },
    { op: 'run', run: ROOT_RUN, name, startTimeMs, tags: fitted.tags ?? {} },
  )
  return writerOf(journal, runKey, new Map([[ROOT_RUN, 'open']]))
}

/**
 * Goes on with the run of a journal: it and what was killed with it run again. Undefined when its beginning
 * was not written whole.
 */
export const continueRun = async (folder: string): Promise<RunWriter | undefined> => {
  const journal = await openJournal(folder)
  const [begin] = journal.before
  const statuses = new Map<string, RunStatus>()
  for (const entry of journal.before) {
    if (entry.op === 'run') statuses.set(entry.run, 'RUNNING')
    if (entry.op === 'status') statuses.set(entry.run, entry.status)
  }
  if (begin?.op !== 'begin' || !statuses.has(ROOT_RUN)) return undefined
  const runs = new Map<string, 'open' | 'ended'>()
  for (const [run, status] of statuses) {
    runs.set(run, status === 'RUNNING' || status === 'KILLED' ? 'open' : 'ended')
    if (status === 'KILLED') await journal.append({ op: 'status', run, status: 'RUNNING' })
  }
  return writerOf(journal, begin.runKey, runs)
}

/** What a journal already has, so that nothing is written to it twice. */
interface Recorded {
  readonly steps: Map<string, string>
  readonly lastSteps: ReadonlyMap<string, number>
  /** Hash of the content by run and place. */
  readonly artifacts: Map<string, string>
}

const recordedIn = ({ before }: Journal): Recorded => {
  const steps = new Map<string, string>()
  const lastSteps = new Map<string, number>()
  const artifacts = new Map<string, string>()
  for (const entry of before) {
    if (entry.op === 'note') steps.set(entry.step, entry.content)
    if (entry.op === 'artifact') artifacts.set(`${entry.run} ${entry.path}`, entry.sha256)
    if (entry.op === 'entries' && entry.run === ROOT_RUN)
      for (const { key, step } of entry.metrics ?? [])
        lastSteps.set(key, Math.max(step, lastSteps.get(key) ?? -1))
  }
  return { steps, lastSteps, artifacts }
}

const writerOf = (journal: Journal, runKey: string, runs: Map<string, 'open' | 'ended'>): RunWriter => {
  const { folder } = journal
  const { steps: recordedSteps, lastSteps, artifacts } = recordedIn(journal)
  const logArtifact: RunWriter['logArtifact'] = async (run, source, path) => {
    const place = `${run} ${path}`
    const entry = await journal.keep(run, source, path)
    if (artifacts.get(place) === entry.sha256) return
    artifacts.set(place, entry.sha256)
    await journal.append(entry)
  }
  const log: RunWriter['log'] = async (run, entries) => {
    const { longValues, params = {}, tags = {}, metrics = [] } = fitEntries(entries)
    if (Object.keys(longValues).length > 0)
      await logArtifact(run, await keepLongValues(folder, run, longValues), LONG_VALUES_FILE)
    const filled = {
      ...(Object.keys(params).length > 0 && { params }),
      ...(Object.keys(tags).length > 0 && { tags }),
      ...(metrics.length > 0 && { metrics }),
    }
    if (Object.keys(filled).length > 0) await journal.append({ op: 'entries', run, ...filled })
  }
  return {
    folder,
    runKey,
    recordedSteps,
    lastStepOf: (key) => lastSteps.get(key) ?? -1,
    startRun: async (run, parent, name, tags, startTimeMs) => {
      if (runs.has(run)) return
      runs.set(run, 'open')
      await journal.append({
        op: 'run',
        run,
        parent,
        name,
        startTimeMs,
        tags: fitEntries({ tags }).tags ?? {},
      })
    },
    log,
    logInputs: (run, inputs) => journal.append({ op: 'inputs', run, inputs }),
    logArtifact,
    endRun: async (run, status, endTimeMs) => {
      // The inner ones first: a run that has ended holds none that goes on.
      const within = [...runs.keys()].filter(
        (name) => run === ROOT_RUN || name === run || name.startsWith(`${run}/`),
      )
      for (const name of within.reverse()) {
        if (runs.get(name) !== 'open') continue
        runs.set(name, 'ended')
        await journal.append({ op: 'status', run: name, status, endTimeMs })
      }
    },
    registerVersion: (version) => journal.append({ op: 'version', run: ROOT_RUN, ...version }),
    noteStep: async (step, content) => {
      recordedSteps.set(step, content)
      await journal.append({ op: 'note', step, content })
    },
  }
}

/** Adds to the file of a run's long values. @returns the file */
const keepLongValues = async (
  folder: string,
  run: string,
  values: Readonly<Record<string, string>>,
): Promise<string> => {
  const kept = join(folder, 'long-values', `${sha256(run).slice(0, 16)}.json`)
  const before = await readFile(kept, 'utf8').then(JSON.parse, () => ({}))
  await mkdir(join(folder, 'long-values'), { recursive: true })
  await writeFile(`${kept}.tmp`, `${JSON.stringify({ ...before, ...values }, null, 1)}\n`)
  await rename(`${kept}.tmp`, kept)
  return kept
}
