import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canNameLoggedModel, type LoggedModel } from '../../ports/experiment-tracker.ts'
import { listExperiments } from './experiment-files.ts'
import { locateRun, type TrackerParts } from './locate-run.ts'
import { decodeMeta, encodeMeta } from './meta-file.ts'

/*
 * How logged models stand in a store, as MLflow 3 has them: `<experiment>/models/m-<id>/meta.yaml` says which
 * run has made it and where its files lie, which for ours is among the artifacts of that run; the run names
 * it in `outputs/m-<id>/meta.yaml`.
 */

/** `LoggedModelStatus`. */
const READY = 2

/** Makes a folder among the artifacts of a run a logged model of it, unless it is. Only under the lock. */
export const makeLoggedModel = (
  { store, location, now }: TrackerParts,
  runId: string,
  artifactPath: string,
): void => {
  const name = basename(artifactPath)
  const { folder, experimentFolder, meta } = locateRun(store, location, runId)
  const isThere = modelsOfRun({ store }, experimentFolder, runId).some((model) => model.name === name)
  if (isThere || !canNameLoggedModel(name)) return
  const id = `m-${randomUUID().replaceAll('-', '')}`
  const nowMs = now()
  const model = encodeMeta({
    artifact_location: join(folder, 'artifacts', artifactPath),
    creation_timestamp: nowMs,
    experiment_id: meta.experimentId,
    last_updated_timestamp: nowMs,
    lifecycle_stage: 'active',
    model_id: id,
    model_type: null,
    name,
    source_run_id: runId,
    status: READY,
    status_message: null,
  })
  const output = encodeMeta({
    destination_id: id,
    destination_type: 'MODEL_OUTPUT',
    source_id: id,
    source_type: 'RUN_OUTPUT',
    step: 0,
    tags: {},
  })
  const folders = ['metrics', 'params', 'tags']
  store.makeFolder(join(experimentFolder, 'models', id), { 'meta.yaml': model }, folders)
  store.makeFolder(join(folder, 'outputs', id), { 'meta.yaml': output }, [])
}

/** Those that a run has made, in the order of their names. */
export const modelsOfRun = (
  { store }: Pick<TrackerParts, 'store'>,
  experimentFolder: string,
  runId: string,
): readonly LoggedModel[] =>
  store
    .list(join(experimentFolder, 'models'), 'folder')
    .flatMap((id) => readLoggedModel({ store }, experimentFolder, id) ?? [])
    .filter((model) => model.runId === runId)
    .map(({ id, name }) => ({ id, name }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Where the files of a logged model lie; undefined where there is no such model, or no file of it. */
export const filesOfLoggedModel = async (
  parts: Pick<TrackerParts, 'store' | 'location'>,
  modelId: string,
): Promise<string | undefined> => {
  if (!/^[\w-]+$/.test(modelId)) return undefined
  const { store, location } = parts
  for (const { folder } of listExperiments(store)) {
    const model = readLoggedModel(parts, folder, modelId)
    if (model === undefined) continue
    const noted = model.place.startsWith('file:') ? fileURLToPath(model.place) : model.place
    // The store may have been moved since.
    const inside = model.runId === undefined ? -1 : noted.indexOf(`${model.runId}${sep}artifacts${sep}`)
    const ofRun =
      model.runId === undefined || inside < 0
        ? []
        : [join(locateRun(store, location, model.runId).folder, noted.slice(inside + model.runId.length))]
    for (const place of [...ofRun, join(folder, 'models', modelId, 'artifacts'), noted])
      if ((await stat(place).catch(() => undefined))?.isDirectory()) return place
  }
  return undefined
}

const readLoggedModel = (
  { store }: Pick<TrackerParts, 'store'>,
  experimentFolder: string,
  id: string,
): (LoggedModel & { readonly place: string; readonly runId?: string }) | undefined => {
  const path = join(experimentFolder, 'models', id, 'meta.yaml')
  const text = store.read(path)
  if (text === undefined) return undefined
  const meta = decodeMeta(text, path)
  const runId = meta.text('source_run_id')
  return {
    id,
    name: meta.text('name') ?? '',
    place: meta.text('artifact_location') ?? '',
    ...(runId !== undefined && runId !== '' && { runId }),
  }
}
