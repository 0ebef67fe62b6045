import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { Metric, RunStatus, Texts, TrackedRun } from '../../ports/experiment-tracker.ts'
import { checkTrackingValue, checkWhole } from '../../ports/tracking-limits.ts'
import { keyPath } from './key-paths.ts'
import { decodeMeta, encodeMeta, type Meta } from './meta-file.ts'
import { decodeMetrics, encodeNewMetrics, wholeLines } from './metric-file.ts'
import type { StoreFolder } from './store-folder.ts'

/** MLflow stores statuses as these numbers. */
const STATUSES: readonly RunStatus[] = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']

/** A run as its `meta.yaml` has it. */
export interface RunMeta {
  readonly id: string
  readonly experimentId: string
  readonly name: string
  readonly status: RunStatus
  readonly startTimeMs: number
  readonly endTimeMs?: number
  readonly artifactUri: string
  readonly user: string
  readonly isDeleted: boolean
}

export const encodeRunMeta = (run: RunMeta): string =>
  encodeMeta({
    artifact_uri: run.artifactUri,
    deleted_time: null,
    end_time: run.endTimeMs ?? null,
    entry_point_name: '',
    experiment_id: run.experimentId,
    lifecycle_stage: run.isDeleted ? 'deleted' : 'active',
    run_id: run.id,
    run_name: run.name,
    run_uuid: run.id,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: run.startTimeMs,
    status: STATUSES.indexOf(run.status) + 1,
    tags: [],
    user_id: run.user,
  })

/** @throws TRACKING_STORE_BROKEN */
export const decodeRunMeta = (text: string, path: string): RunMeta => {
  const meta = decodeMeta(text, path)
  const endTimeMs = meta.number('end_time')
  return {
    id: meta.text('run_id') ?? meta.required('run_uuid'),
    experimentId: meta.required('experiment_id'),
    name: meta.text('run_name') ?? '',
    status: statusOf(meta, path),
    startTimeMs: meta.number('start_time') ?? 0,
    ...(endTimeMs === undefined ? {} : { endTimeMs }),
    artifactUri: meta.required('artifact_uri'),
    user: meta.text('user_id') ?? '',
    isDeleted: meta.text('lifecycle_stage') === 'deleted',
  }
}

const statusOf = (meta: Meta, path: string): RunStatus => {
  const number = meta.number('status') ?? 1
  const status = STATUSES[number - 1]
  if (status === undefined)
    throw new VigiaError('TRACKING_STORE_BROKEN', { path, reason: `its status is ${number}` })
  return status
}

/** Texts by key of the files below a folder: parameters or tags. */
export const readTexts = (store: StoreFolder, folder: string): Texts =>
  Object.fromEntries(keysIn(store, folder).map((key) => [key, store.read(join(folder, key)) ?? '']))

/** Keys of the files below a folder, with slashes, in the order of code units. */
export const keysIn = (store: StoreFolder, folder: string, prefix = ''): string[] =>
  [
    ...store.list(join(folder, prefix), 'file').map((name) => `${prefix}${name}`),
    ...store
      .list(join(folder, prefix), 'folder')
      .flatMap((name) => keysIn(store, folder, `${prefix}${name}/`)),
  ].sort()

/** The run with what its folder holds. */
export const readRun = (store: StoreFolder, folder: string, meta: RunMeta): TrackedRun => {
  const metrics = keysIn(store, join(folder, 'metrics')).flatMap((key) => {
    const history = readMetrics(store, folder, key)
    return history.length === 0 ? [] : [[key, history.reduce(later)] as const]
  })
  return {
    id: meta.id,
    experimentId: meta.experimentId,
    name: meta.name,
    status: meta.status,
    startTimeMs: meta.startTimeMs,
    ...(meta.endTimeMs === undefined ? {} : { endTimeMs: meta.endTimeMs }),
    artifactUri: meta.artifactUri,
    params: readTexts(store, join(folder, 'params')),
    tags: readTexts(store, join(folder, 'tags')),
    metrics: Object.fromEntries(metrics),
  }
}

const later = (a: Metric, b: Metric): Metric =>
  b.step > a.step || (b.step === a.step && b.timestampMs >= a.timestampMs) ? b : a

/** All values of a metric in the order of its file. */
export const readMetrics = (store: StoreFolder, folder: string, key: string): Metric[] =>
  decodeMetrics(key, store.read(keyPath(join(folder, 'metrics'), 'Metric', key)) ?? '')

/**
 * Adds what is new to the metrics' files. Only under the store's lock: two writers would lose or repeat a
 * value. The file is replaced whole, because MLflow's readers and its import fail on the half line that a
 * killed writer leaves at the end of one that is added to.
 */
export const appendMetrics = (store: StoreFolder, folder: string, metrics: readonly Metric[]): void => {
  const byKey = new Map<string, Metric[]>()
  for (const metric of metrics) byKey.set(metric.key, [...(byKey.get(metric.key) ?? []), metric])
  for (const [key, values] of byKey) {
    const path = keyPath(join(folder, 'metrics'), 'Metric', key)
    const text = store.read(path)
    const whole = wholeLines(text ?? '')
    const all = whole + encodeNewMetrics(whole, key, values)
    if (all !== text) store.write(path, all)
  }
}

/** @throws TRACKING_PARAM_CONFLICT */
export const writeParam = (
  store: StoreFolder,
  folder: string,
  run: string,
  key: string,
  value: string,
): void => {
  const path = keyPath(join(folder, 'params'), 'Parameter', key)
  if (store.writeOnce(path, value)) return
  const present = store.read(path) ?? ''
  if (present !== value)
    throw new VigiaError('TRACKING_PARAM_CONFLICT', {
      key,
      run,
      present: quoted(present),
      got: quoted(value),
    })
}

const quoted = (value: string): string =>
  JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value)

/** @throws TRACKING_NAME_INVALID, TRACKING_VALUE_TOO_LONG */
export const checkEntries = (params: Texts, tags: Texts, metrics: readonly Metric[]): void => {
  for (const [key, value] of Object.entries(params)) {
    keyPath('', 'Parameter', key)
    checkTrackingValue('param', key, value)
  }
  for (const [key, value] of Object.entries(tags)) {
    keyPath('', 'Tag', key)
    checkTrackingValue('tag', key, value)
  }
  for (const { key, step, timestampMs } of metrics) {
    keyPath('', 'Metric', key)
    checkWhole('Step of metric', key, step)
    checkWhole('Time of metric', key, timestampMs)
  }
}
