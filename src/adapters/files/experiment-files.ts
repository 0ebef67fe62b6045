import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { Experiment, Texts } from '../../ports/experiment-tracker.ts'
import { keyPath } from './key-paths.ts'
import { decodeMeta, encodeMeta } from './meta-file.ts'
import { readTexts } from './run-files.ts'
import type { StoreFolder } from './store-folder.ts'

/** An experiment and its folder. */
export interface FoundExperiment {
  readonly id: string
  readonly name: string
  readonly folder: string
  readonly isDeleted: boolean
  readonly createdTimeMs: number
}

const IS_ID = /^\d+$/

/** All experiments, deleted ones last. @throws TRACKING_STORE_BROKEN */
export const listExperiments = (store: StoreFolder): FoundExperiment[] =>
  [store.root, store.bin].flatMap((place) =>
    store
      .list(place, 'folder')
      .filter((name) => IS_ID.test(name))
      .flatMap((name) => readExperiment(store, join(place, name)) ?? []),
  )

/** undefined where there is none. */
export const findExperimentById = (store: StoreFolder, id: string): FoundExperiment | undefined =>
  IS_ID.test(id) ? readExperiment(store, join(store.root, id)) : undefined

const readExperiment = (store: StoreFolder, folder: string): FoundExperiment | undefined => {
  const path = join(folder, 'meta.yaml')
  const text = store.read(path)
  if (text === undefined) return undefined
  const meta = decodeMeta(text, path)
  return {
    id: meta.required('experiment_id'),
    name: meta.required('name'),
    folder,
    isDeleted: meta.text('lifecycle_stage') === 'deleted' || folder.startsWith(store.bin),
    createdTimeMs: meta.number('creation_time') ?? 0,
  }
}

export const experimentWithTags = (
  store: StoreFolder,
  { id, name, folder }: FoundExperiment,
): Experiment => ({
  id,
  name,
  tags: readTexts(store, join(folder, 'tags')),
})

/**
 * Makes the folder of an experiment whose name is free. Only under the store's lock. @returns whether the id
 * was free
 */
export const makeExperiment = (
  store: StoreFolder,
  { id, name }: Pick<Experiment, 'id' | 'name'>,
  tags: Texts,
  nowMs: number,
): boolean =>
  store.makeFolder(
    join(store.root, id),
    {
      'meta.yaml': encodeExperiment(store, { id, name, createdTimeMs: nowMs }, nowMs),
      ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [keyPath('tags', 'Tag', key), value])),
    },
    ['tags'],
  )

export const encodeExperiment = (
  store: StoreFolder,
  { id, name, createdTimeMs }: Pick<FoundExperiment, 'id' | 'name' | 'createdTimeMs'>,
  nowMs: number,
): string =>
  encodeMeta({
    artifact_location: join(store.root, id),
    creation_time: createdTimeMs,
    experiment_id: id,
    last_update_time: nowMs,
    lifecycle_stage: 'active',
    name,
  })

/**
 * Only under the store's lock does the answer hold for longer than the call. @throws
 * TRACKING_EXPERIMENT_EXISTS
 */
export const requireFreeName = (store: StoreFolder, name: string): void => {
  const holder = listExperiments(store).find((experiment) => experiment.name === name)
  if (holder === undefined) return
  throw new VigiaError('TRACKING_EXPERIMENT_EXISTS', {
    location: store.root,
    name: JSON.stringify(name),
    detail: holder.isDeleted ? ', a deleted one' : '',
  })
}
