import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { DatasetInput } from '../../ports/experiment-tracker.ts'
import { decodeMeta, encodeMeta } from './meta-file.ts'
import type { StoreFolder } from './store-folder.ts'

const CONTEXT = 'mlflow.data.context'

/** Writes what a run read: the data set once for its experiment, and that the run read it. */
export const writeInput = (
  store: StoreFolder,
  experimentFolder: string,
  runId: string,
  input: DatasetInput,
): void => {
  const dataset = md5(input.name, input.digest)
  writeMeta(
    store,
    join(experimentFolder, 'datasets', dataset),
    encodeMeta({
      digest: input.digest,
      name: input.name,
      profile: input.profile ?? null,
      schema: input.schema ?? null,
      source: input.source,
      source_type: input.sourceType,
    }),
  )
  writeMeta(
    store,
    join(experimentFolder, runId, 'inputs', md5(dataset, runId)),
    encodeMeta({
      destination_id: runId,
      destination_type: 'RUN',
      source_id: dataset,
      source_type: 'DATASET',
      tags: { [CONTEXT]: input.context },
    }),
  )
}

/** Folder and file in one step: MLflow fails on a folder here without its meta.yaml. */
const writeMeta = (store: StoreFolder, folder: string, meta: string): void => {
  if (store.read(join(folder, 'meta.yaml')) === undefined) store.makeFolder(folder, { 'meta.yaml': meta }, [])
}

/** In the order of their names. */
export const readInputs = (store: StoreFolder, experimentFolder: string, runId: string): DatasetInput[] => {
  const folder = join(experimentFolder, runId, 'inputs')
  return store
    .list(folder, 'folder')
    .flatMap((name) => readInput(store, experimentFolder, join(folder, name, 'meta.yaml')) ?? [])
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

const readInput = (store: StoreFolder, experimentFolder: string, path: string): DatasetInput | undefined => {
  const input = store.read(path)
  if (input === undefined) return undefined
  const meta = decodeMeta(input, path)
  const datasetPath = join(experimentFolder, 'datasets', meta.required('source_id'), 'meta.yaml')
  const text = store.read(datasetPath)
  if (text === undefined) return undefined
  const dataset = decodeMeta(text, datasetPath)
  const schema = dataset.text('schema')
  const profile = dataset.text('profile')
  return {
    name: dataset.required('name'),
    digest: dataset.required('digest'),
    sourceType: dataset.text('source_type') ?? '',
    source: dataset.text('source') ?? '',
    ...(schema === undefined ? {} : { schema }),
    ...(profile === undefined ? {} : { profile }),
    context: meta.texts('tags')[CONTEXT] ?? '',
  }
}

/** The name that MLflow gives these folders. It identifies, it protects nothing. */
const md5 = (...texts: readonly string[]): string => {
  const hash = createHash('md5')
  for (const text of texts) hash.update(text)
  return hash.digest('hex')
}
