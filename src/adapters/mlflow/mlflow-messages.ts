import type {
  DatasetInput,
  Experiment,
  Metric,
  RunStatus,
  Texts,
  TrackedRun,
} from '../../ports/experiment-tracker.ts'
import type { WireText } from './log-batches.ts'
import { metricValueFromWire, numberFromWire } from './wire-numbers.ts'

/**
 * The tag that everything made here bears, with a value of its own: by it a thing is found whose creation was
 * not answered.
 */
export const REQUEST_TAG = 'vigia.request'

export interface WireExperiment {
  readonly experiment_id: string
  readonly name: string
  readonly lifecycle_stage?: string
  readonly tags?: readonly WireText[]
}

export interface WireMetric {
  readonly key: string
  readonly value?: number | string
  readonly timestamp?: number | string
  readonly step?: number | string
}

export interface WireRun {
  readonly info: {
    readonly run_id: string
    readonly experiment_id: string
    readonly run_name?: string
    readonly status?: RunStatus
    readonly start_time?: number | string
    readonly end_time?: number | string
    readonly artifact_uri?: string
  }
  readonly data?: {
    readonly params?: readonly WireText[]
    readonly tags?: readonly WireText[]
    readonly metrics?: readonly WireMetric[]
  }
  readonly inputs?: { readonly dataset_inputs?: readonly WireDatasetInput[] }
  readonly outputs?: { readonly model_outputs?: readonly { readonly model_id: string }[] }
}

interface WireDatasetInput {
  readonly tags?: readonly WireText[]
  readonly dataset: {
    readonly name: string
    readonly digest: string
    readonly source_type: string
    readonly source: string
    readonly schema?: string
    readonly profile?: string
  }
}

/** Texts by key, without the tag of the request. */
export const textsFromWire = (texts: readonly WireText[] = []): Texts =>
  Object.fromEntries(
    // Protocol Buffers leave empty texts out.
    texts.filter(({ key }) => key !== REQUEST_TAG).map(({ key, value }) => [key, value ?? '']),
  )

export const experimentOf = ({ experiment_id, name, tags }: WireExperiment): Experiment => ({
  id: experiment_id,
  name,
  tags: textsFromWire(tags),
})

export const metricOf = ({ key, value, timestamp, step }: WireMetric): Metric => ({
  key,
  value: metricValueFromWire(value),
  timestampMs: numberFromWire(timestamp),
  step: numberFromWire(step),
})

export const runOf = ({ info, data }: WireRun): TrackedRun => {
  const status = info.status ?? 'RUNNING'
  const hasEnded = status !== 'RUNNING' && status !== 'SCHEDULED' && numberFromWire(info.end_time) > 0
  return {
    id: info.run_id,
    experimentId: info.experiment_id,
    name: info.run_name ?? '',
    status,
    startTimeMs: numberFromWire(info.start_time),
    ...(hasEnded && { endTimeMs: numberFromWire(info.end_time) }),
    artifactUri: info.artifact_uri ?? '',
    params: textsFromWire(data?.params),
    tags: textsFromWire(data?.tags),
    metrics: Object.fromEntries((data?.metrics ?? []).map((metric) => [metric.key, metricOf(metric)])),
  }
}

const CONTEXT_TAG = 'mlflow.data.context'

export const datasetToWire = (input: DatasetInput): WireDatasetInput => ({
  tags: [{ key: CONTEXT_TAG, value: input.context }],
  dataset: {
    name: input.name,
    digest: input.digest,
    source_type: input.sourceType,
    source: input.source,
    ...(input.schema !== undefined && { schema: input.schema }),
    ...(input.profile !== undefined && { profile: input.profile }),
  },
})

/** Inputs in the order of their names. */
export const inputsOf = ({ inputs }: WireRun): readonly DatasetInput[] =>
  (inputs?.dataset_inputs ?? [])
    .map(({ tags, dataset }) => ({
      name: dataset.name,
      digest: dataset.digest,
      sourceType: dataset.source_type,
      source: dataset.source,
      ...(dataset.schema && { schema: dataset.schema }),
      ...(dataset.profile && { profile: dataset.profile }),
      context: textsFromWire(tags)[CONTEXT_TAG] ?? '',
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
