import { randomInt, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type {
  Experiment,
  ExperimentTracker,
  NewRun,
  RunQuery,
  Texts,
  TrackedRun,
} from '../../ports/experiment-tracker.ts'
import { checkExperimentName, checkTrackingKey, checkWhole } from '../../ports/tracking-limits.ts'
import { copyFromStore, copyIntoStore, listFiles } from './artifact-files.ts'
import { readInputs, writeInput } from './dataset-files.ts'
import {
  encodeExperiment,
  experimentWithTags,
  findExperimentById,
  listExperiments,
  makeExperiment,
  requireFreeName,
} from './experiment-files.ts'
import { keyPath } from './key-paths.ts'
import { locateRun, type TrackerParts } from './locate-run.ts'
import { filesOfLoggedModel, makeLoggedModel, modelsOfRun } from './logged-model-files.ts'
import {
  appendMetrics,
  checkEntries,
  decodeRunMeta,
  encodeRunMeta,
  type RunMeta,
  readMetrics,
  readRun,
  writeParam,
} from './run-files.ts'
import type { StoreFolder } from './store-folder.ts'

/** The tracker of a folder in MLflow's layout. */
export const createFileTracker = (parts: TrackerParts): ExperimentTracker => {
  const { store, location, user, alone } = parts
  const locate = (runId: string) => locateRun(store, location, runId)
  const artifactsOf = (runId: string) => join(locate(runId).folder, 'artifacts')
  return {
    location,
    createExperiment: (name, tags = {}) => createExperiment(parts, name, tags),
    renameExperiment: (id, name) => renameExperiment(parts, id, name),
    findExperiment: async (name) => {
      const found = listExperiments(store).find((each) => each.name === name && !each.isDeleted)
      return found && experimentWithTags(store, found)
    },
    createRun: async (run) => createRun(store, location, user, run),
    getRun: async (runId) => {
      const { folder, meta } = locate(runId)
      return readRun(store, folder, meta)
    },
    searchRuns: async (query) => searchRuns(store, query),
    logEntries: async (runId, { params = {}, tags = {}, metrics = [] }) => {
      const { folder } = locate(runId)
      checkEntries(params, tags, metrics)
      for (const [key, value] of Object.entries(params)) writeParam(store, folder, runId, key, value)
      for (const [key, value] of Object.entries(tags))
        store.write(keyPath(join(folder, 'tags'), 'Tag', key), value)
      if (metrics.length > 0) await alone(() => appendMetrics(store, folder, metrics))
    },
    logInputs: async (runId, inputs) => {
      const { experimentFolder } = locate(runId)
      for (const input of inputs) writeInput(store, experimentFolder, runId, input)
    },
    listInputs: async (runId) => readInputs(store, locate(runId).experimentFolder, runId),
    metricHistory: async (runId, key) =>
      readMetrics(store, locate(runId).folder, key).sort(
        (a, b) => a.step - b.step || a.timestampMs - b.timestampMs,
      ),
    setRunStatus: async (runId, status, endTimeMs) => {
      const { folder, meta } = locate(runId)
      const { endTimeMs: _, ...rest } = meta
      const ended = status === 'RUNNING' || endTimeMs === undefined ? {} : { endTimeMs }
      store.write(join(folder, 'meta.yaml'), encodeRunMeta({ ...rest, status, ...ended }))
    },
    logArtifact: async (runId, localPath, artifactPath) => {
      checkTrackingKey('Artifact', artifactPath)
      const place = keyPath(artifactsOf(runId), 'Artifact', artifactPath)
      await copyIntoStore(store, localPath, place)
      if (existsSync(join(localPath, 'MLmodel')))
        await alone(() => makeLoggedModel(parts, runId, artifactPath))
    },
    listArtifacts: async (runId, folder = '') => {
      if (folder !== '') checkTrackingKey('Artifact', folder)
      return listFiles(artifactsOf(runId), folder)
    },
    downloadArtifact: async (runId, artifactPath, localPath) => {
      const from = keyPath(artifactsOf(runId), 'Artifact', artifactPath)
      await copyFromStore(location, `artifact ${artifactPath} of run ${runId}`, from, localPath)
    },
    listLoggedModels: async (runId) => modelsOfRun(parts, locate(runId).experimentFolder, runId),
    downloadLoggedModel: async (modelId, localFolder) => {
      const from = await filesOfLoggedModel(parts, modelId)
      const what = `logged model ${modelId}`
      if (from === undefined) throw new VigiaError('TRACKING_NOT_FOUND', { location, what })
      await copyFromStore(location, what, from, localFolder)
    },
    close: async () => {},
  }
}

/** @throws TRACKING_EXPERIMENT_EXISTS, TRACKING_NAME_INVALID */
const createExperiment = async (
  { store, now, alone }: TrackerParts,
  name: string,
  tags: Texts,
): Promise<Experiment> => {
  checkExperimentName('Experiment', name)
  checkEntries({}, tags, [])
  return alone(() => {
    requireFreeName(store, name)
    for (;;) {
      const experiment = { id: newExperimentId(), name, tags }
      if (makeExperiment(store, experiment, tags, now())) return experiment
    }
  })
}

/** @throws TRACKING_NOT_FOUND, TRACKING_EXPERIMENT_EXISTS, TRACKING_NAME_INVALID */
const renameExperiment = async (
  { store, location, now, alone }: TrackerParts,
  id: string,
  name: string,
): Promise<void> => {
  checkExperimentName('Experiment', name)
  await alone(() => {
    const experiment = findExperimentById(store, id)
    if (experiment === undefined)
      throw new VigiaError('TRACKING_NOT_FOUND', { location, what: `experiment ${id}` })
    if (experiment.name === name) return
    requireFreeName(store, name)
    const meta = encodeExperiment(store, { ...experiment, name }, now())
    store.write(join(experiment.folder, 'meta.yaml'), meta)
  })
}

/** 18 digits, as MLflow makes them: too many for a number. */
const newExperimentId = (): string =>
  String(randomInt(1, 10)) + Array.from({ length: 17 }, () => randomInt(10)).join('')

/** @throws TRACKING_NOT_FOUND when there is no such experiment */
const createRun = (
  store: StoreFolder,
  location: string,
  user: string,
  { experimentId, name, startTimeMs, parentRunId, tags = {} }: NewRun,
): TrackedRun => {
  const experiment = findExperimentById(store, experimentId)
  if (experiment === undefined)
    throw new VigiaError('TRACKING_NOT_FOUND', { location, what: `experiment ${experimentId}` })
  const allTags: Texts = {
    ...tags,
    'mlflow.runName': name,
    ...(parentRunId === undefined ? {} : { 'mlflow.parentRunId': parentRunId }),
  }
  checkEntries({}, allTags, [])
  checkWhole('Start time of run', name, startTimeMs)
  const id = randomUUID().replaceAll('-', '')
  const folder = join(experiment.folder, id)
  const meta: RunMeta = {
    id,
    experimentId,
    name,
    status: 'RUNNING',
    startTimeMs,
    artifactUri: join(folder, 'artifacts'),
    user,
    isDeleted: false,
  }
  const files = Object.entries(allTags).map(([key, value]) => [keyPath('tags', 'Tag', key), value])
  store.makeFolder(folder, { 'meta.yaml': encodeRunMeta(meta), ...Object.fromEntries(files) }, [
    'metrics',
    'params',
    'tags',
    'artifacts',
  ])
  return readRun(store, folder, meta)
}

const PAGE_SIZE = 100

/** A page is named by the last run before it, so that runs which begin meanwhile change nothing. */
const searchRuns = (
  store: StoreFolder,
  { experimentIds, tags = {}, params = {}, status, pageSize = PAGE_SIZE, page }: RunQuery,
) => {
  const found = experimentIds
    .flatMap((id) => {
      const experiment = findExperimentById(store, id)
      if (experiment === undefined) return []
      return store.list(experiment.folder, 'folder').flatMap((name) => {
        const folder = join(experiment.folder, name)
        const path = join(folder, 'meta.yaml')
        const text = store.read(path)
        return text === undefined ? [] : [{ folder, meta: decodeRunMeta(text, path) }]
      })
    })
    .filter(({ meta }) => !meta.isDeleted && (status === undefined || meta.status === status))
    .sort(({ meta: a }, { meta: b }) => before(a, b))
  const last = page === undefined ? undefined : placeOf(page)
  const holds = (folder: string, kind: string, texts: Texts) =>
    Object.entries(texts).every(
      ([key, value]) => store.read(keyPath(join(folder, kind), kind, key)) === value,
    )
  const items: TrackedRun[] = []
  for (const { folder, meta } of found) {
    if (last !== undefined && before(meta, last) <= 0) continue
    if (!holds(folder, 'tags', tags) || !holds(folder, 'params', params)) continue
    if (items.length === pageSize) {
      const { startTimeMs, id } = items.at(-1)!
      return { items, nextPage: `${startTimeMs}/${id}` }
    }
    items.push(readRun(store, folder, meta))
  }
  return { items }
}

type Place = Pick<RunMeta, 'startTimeMs' | 'id'>

/** The latest start first. */
const before = (a: Place, b: Place): number =>
  b.startTimeMs - a.startTimeMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const placeOf = (page: string): Place => ({
  startTimeMs: Number(page.slice(0, page.indexOf('/'))),
  id: basename(page),
})
