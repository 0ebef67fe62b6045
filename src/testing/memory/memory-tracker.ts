import { VigiaError } from '../../errors.ts'
import {
  type ArtifactEntry,
  canNameLoggedModel,
  type ExperimentTracker,
  type Metric,
  type RunQuery,
  type TrackedRun,
} from '../../ports/experiment-tracker.ts'
import {
  checkEntries,
  checkExperimentName,
  checkTags,
  checkTrackingKey,
  checkWhole,
} from '../../ports/tracking-limits.ts'
import { readFiles, writeFiles } from './artifact-files.ts'
import type { RunRecord, TrackedData } from './tracked-data.ts'

/** Runs in the memory of this process. Every change is one turn of the event loop: nobody sees half of it. */
export const createMemoryTracker = (data: TrackedData): ExperimentTracker => ({
  location: data.location,
  ...experimentCalls(data),
  ...runCalls(data),
  ...entryCalls(data),
  ...artifactCalls(data),
  close: async () => {},
})

/** Experiments. */
const experimentCalls = (
  data: TrackedData,
): Pick<ExperimentTracker, 'createExperiment' | 'renameExperiment' | 'findExperiment'> => ({
  async createExperiment(name, tags = {}) {
    checkExperimentName('Experiment', name)
    checkTags(tags)
    refuseTaken(data, name)
    const experiment = { id: data.newId(), name, tags }
    data.experiments.set(name, experiment)
    return experiment
  },

  async renameExperiment(id, name) {
    checkExperimentName('Experiment', name)
    const { experiments } = data
    const found = [...experiments.values()].find((experiment) => experiment.id === id)
    if (found === undefined) return data.notFound(`experiment ${id}`)
    if (found.name === name) return
    refuseTaken(data, name)
    experiments.delete(found.name)
    experiments.set(name, { ...found, name })
  },

  async findExperiment(name) {
    return data.experiments.get(name)
  },
})

/** Runs. */
const runCalls = (
  data: TrackedData,
): Pick<ExperimentTracker, 'createRun' | 'getRun' | 'searchRuns' | 'setRunStatus'> => ({
  async createRun({ experimentId, name, startTimeMs, parentRunId, tags = {} }) {
    checkTags(tags)
    checkWhole('Start time of run', name, startTimeMs)
    const experiments = [...data.experiments.values()]
    if (!experiments.some(({ id }) => id === experimentId)) data.notFound(`experiment ${experimentId}`)
    const id = data.newId()
    const run: RunRecord['run'] = {
      id,
      experimentId,
      name,
      startTimeMs,
      status: 'RUNNING',
      artifactUri: `memory:/${id}`,
      params: {},
      tags: {
        ...tags,
        'mlflow.runName': name,
        ...(parentRunId !== undefined && { 'mlflow.parentRunId': parentRunId }),
      },
    }
    const record = { run, metrics: new Map(), inputs: new Map(), artifacts: new Map() }
    data.runs.set(id, record)
    return shown(record)
  },

  async getRun(runId) {
    return shown(data.runOf(runId))
  },

  async searchRuns(query) {
    const { page, pageSize = 100 } = query
    const found = [...data.runs.values()]
      .map(shown)
      .filter((run) => isWanted(run, query))
      .sort((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1))
      // A page begins after the run that the one before ended with, wherever that stands by now.
      .filter((run) => page === undefined || orderOf(run) < page)
    const items = found.slice(0, pageSize)
    return { items, ...(found.length > pageSize && { nextPage: orderOf(items.at(-1)!) }) }
  },

  async setRunStatus(runId, status, endTimeMs) {
    const record = data.runOf(runId)
    if (endTimeMs !== undefined) checkWhole('End time of run', runId, endTimeMs)
    const { endTimeMs: _, ...run } = record.run
    record.run = { ...run, status, ...(endTimeMs !== undefined && { endTimeMs }) }
  },
})

/** What belongs to a run. */
const entryCalls = (
  data: TrackedData,
): Pick<ExperimentTracker, 'logEntries' | 'metricHistory' | 'logInputs' | 'listInputs'> => ({
  async logEntries(runId, entries) {
    const { params = {}, tags = {}, metrics = [] } = entries
    const record = data.runOf(runId)
    checkEntries(entries)
    for (const [key, value] of Object.entries(params)) {
      const present = record.run.params[key]
      if (present !== undefined && present !== value)
        throw new VigiaError('TRACKING_PARAM_CONFLICT', { key, run: runId, present, got: value })
    }
    const { run } = record
    record.run = { ...run, params: { ...run.params, ...params }, tags: { ...run.tags, ...tags } }
    for (const metric of metrics)
      record.metrics.set([metric.key, metric.value, metric.timestampMs, metric.step].join(' '), metric)
  },

  async metricHistory(runId, key) {
    return historyOf(data.runOf(runId), key)
  },

  async logInputs(runId, inputs) {
    const record = data.runOf(runId)
    for (const input of inputs) record.inputs.set(`${input.name} ${input.digest} ${input.context}`, input)
  },

  async listInputs(runId) {
    return [...data.runOf(runId).inputs.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  },
})

/** Files of a run. */
const artifactCalls = (
  data: TrackedData,
): Pick<
  ExperimentTracker,
  'logArtifact' | 'listArtifacts' | 'downloadArtifact' | 'listLoggedModels' | 'downloadLoggedModel'
> => ({
  async logArtifact(runId, localPath, artifactPath) {
    checkTrackingKey('Artifact path', artifactPath)
    const { artifacts } = data.runOf(runId)
    const files = await readFiles(localPath, artifactPath)
    for (const [path, content] of files) artifacts.set(path, content)
    if (files.some(([path]) => path === `${artifactPath}/MLmodel`)) logModel(data, runId, artifactPath)
  },

  async listArtifacts(runId, folder = '') {
    const begin = folder === '' ? '' : `${folder}/`
    const entries = new Map<string, ArtifactEntry>()
    for (const [path, { length: size }] of data.runOf(runId).artifacts) {
      if (!path.startsWith(begin)) continue
      const [name = '', ...below] = path.slice(begin.length).split('/')
      const own = begin + name
      entries.set(
        own,
        below.length === 0 ? { path: own, isFolder: false, size } : { path: own, isFolder: true },
      )
    }
    return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  },

  async downloadArtifact(runId, artifactPath, localPath) {
    if ((await writeFiles(data.runOf(runId).artifacts, artifactPath, localPath)) > 0) return
    data.notFound(`artifact ${artifactPath} of run ${runId}`)
  },

  async listLoggedModels(runId) {
    data.runOf(runId)
    return data.loggedModels
      .filter((model) => model.runId === runId)
      .map(({ id, name }) => ({ id, name }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  },

  async downloadLoggedModel(modelId, localFolder) {
    const model = data.loggedModels.find(({ id }) => id === modelId)
    if (model === undefined) return data.notFound(`logged model ${modelId}`)
    await writeFiles(data.runOf(model.runId).artifacts, model.artifactPath, localFolder)
  },
})

const logModel = (data: TrackedData, runId: string, artifactPath: string): void => {
  const name = artifactPath.slice(artifactPath.lastIndexOf('/') + 1)
  const isThere = data.loggedModels.some((model) => model.runId === runId && model.name === name)
  if (isThere || !canNameLoggedModel(name)) return
  data.loggedModels.push({ id: `m-${data.newId()}`, name, runId, artifactPath })
}

const refuseTaken = ({ experiments, location }: TrackedData, name: string): void => {
  if (!experiments.has(name)) return
  throw new VigiaError('TRACKING_EXPERIMENT_EXISTS', { location, name, detail: '' })
}

/** From the latest start to the earliest, later ids first: a larger text stands earlier in the list. */
const orderOf = ({ startTimeMs, id }: TrackedRun): string => `${String(startTimeMs).padStart(17, '0')} ${id}`

const isWanted = (run: TrackedRun, { experimentIds, tags = {}, params = {}, status }: RunQuery): boolean =>
  experimentIds.includes(run.experimentId) &&
  (status === undefined || run.status === status) &&
  Object.entries(tags).every(([key, value]) => run.tags[key] === value) &&
  Object.entries(params).every(([key, value]) => run.params[key] === value)

const historyOf = ({ metrics }: RunRecord, key: string): readonly Metric[] =>
  [...metrics.values()]
    .filter((metric) => metric.key === key)
    .sort((a, b) => a.step - b.step || a.timestampMs - b.timestampMs)

const shown = (record: RunRecord): TrackedRun => {
  const keys = new Set([...record.metrics.values()].map(({ key }) => key))
  const last = [...keys].map((key) => [key, historyOf(record, key).at(-1)!] as const)
  return { ...record.run, metrics: Object.fromEntries(last) }
}
